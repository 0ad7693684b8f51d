//! Projectors: what a model sees and hears with, in a file of its own. Here is what of one can be
//! checked without native code, which ends the process on some files that it should refuse.

use std::path::{Path, PathBuf};

use super::Senses;
use super::gguf::{Gguf, GgufError};

#[derive(Debug, Clone, thiserror::Error)]
pub enum ProjectorError {
    #[error("the projector {path} cannot be read: {cause}; check models.projector")]
    Unreadable { path: PathBuf, cause: String },
    #[error("{path} is no projector for this model: {why}; take the one that came with the model")]
    Foreign { path: PathBuf, why: String },
    #[error("the projector {path} cannot be used: {why}")]
    Unfit { path: PathBuf, why: String },
    #[error("llama.cpp cannot use the projector {path}; its log above says more")]
    Native { path: PathBuf },
}

/// Projector types, the tensor that makes the model's values, and which of its sizes they are.
/// Others are left to llama.cpp.
const EYES: &[(&str, &str, usize)] = &[
    ("adapter", "adapter.linear.dense_4h_to_h.weight", 1),
    ("gemma3", "mm.input_projection.weight", 0),
    ("gemma4v", "mm.input_projection.weight", 1),
    ("idefics3", "mm.model.fc.weight", 1),
    ("internvl", "mm.3.weight", 1),
    ("janus_pro", "mm.1.bias", 0),
    ("kimivl", "mm.2.weight", 1),
    ("lfm2", "mm.2.weight", 1),
    ("lightonocr", "mm.2.weight", 1),
    ("llama4", "mm.model.fc.weight", 1),
    ("phi4", "mm.2.weight", 1),
    ("pixtral", "mm.2.weight", 1),
];

/// The same of those that hear.
const EARS: &[(&str, &str, usize)] = &[
    ("gemma4a", "mm.a.input_projection.weight", 1),
    ("gemma4ua", "mm.a.input_projection.weight", 1),
    ("glma", "mm.a.mlp.2.weight", 1),
    ("musicflamingo", "mm.a.mlp.2.weight", 1),
    ("qwen2.5o", "mm.a.fc.weight", 1),
    ("qwen2a", "mm.a.fc.weight", 1),
    ("qwen3a", "mm.a.mlp.2.weight", 1),
    ("ultravox", "mm.a.mlp.2.weight", 1),
    ("voxtral", "mm.a.mlp.2.weight", 1),
];

/// Of these, those with Whisper's encoder, whose sizes are known.
const WHISPERS: &[&str] =
    &["glma", "meralion", "musicflamingo", "qwen2.5o", "qwen2a", "ultravox", "voxtral"];

/// What is known of a projector before it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// That it takes in memory.
    pub bytes: u64,
    pub senses: Senses,
}

/// Checks a projector against the model that it is for.
///
/// # Errors
/// [`ProjectorError`], with the first thing that does not fit.
pub fn check(path: &Path, model: &Gguf) -> Result<Fit, ProjectorError> {
    let file = open(path)?;
    let senses =
        fits(&file, model).map_err(|why| ProjectorError::Foreign { path: path.to_owned(), why })?;
    Ok(Fit { bytes: file.file_bytes(), senses })
}

/// What a model takes with this projector, as far as its file tells.
///
/// # Errors
/// [`ProjectorError::Unreadable`].
pub fn senses(path: &Path) -> Result<Senses, ProjectorError> {
    Ok(senses_of(&open(path)?))
}

fn open(path: &Path) -> Result<Gguf, ProjectorError> {
    Gguf::open(path).map_err(|error: GgufError| ProjectorError::Unreadable {
        path: path.to_owned(),
        cause: error.cause(),
    })
}

fn senses_of(file: &Gguf) -> Senses {
    let has = |encoder: &str| file.number(&format!("clip.has_{encoder}_encoder")) == Some(1);
    // llama.cpp leaves Gemma 3n's ears out.
    let deaf = kind(file, "vision") == Some("gemma3nv");
    Senses { sees: has("vision"), hears: has("audio") && !deaf }
}

/// The projector's type, which files that see and hear have one of for each.
fn kind<'f>(file: &'f Gguf, sense: &str) -> Option<&'f str> {
    let own = format!("clip.{sense}.projector_type");
    file.text("clip.projector_type").or_else(|| file.text(&own))
}

fn fits(file: &Gguf, model: &Gguf) -> Result<Senses, String> {
    if file.text("general.architecture") != Some("clip") {
        let is = file.text("general.architecture").unwrap_or("nothing");
        return Err(format!("its general.architecture is {is}, not clip"));
    }
    let senses = senses_of(file);
    if senses == Senses::default() {
        return Err("it has no eyes (clip.has_vision_encoder) and no ears \
                    (clip.has_audio_encoder)"
            .to_owned());
    }
    if senses.sees {
        let keys = ["image_size", "patch_size"];
        let tensors = [("v.patch_embd.weight", 3), ("v.position_embd.weight", 0)];
        encoder_fits(file, "vision", &keys, &tensors)?;
        output_fits(output(file, "vision", EYES)?, model)?;
    }
    if senses.hears {
        if kind(file, "audio").is_some_and(|kind| WHISPERS.contains(&kind)) {
            let tensors = [("a.conv1d.2.weight", 2), ("a.position_embd.weight", 0)];
            encoder_fits(file, "audio", &["num_mel_bins"], &tensors)?;
        }
        output_fits(output(file, "audio", EARS)?, model)?;
    }
    Ok(senses)
}

/// Whether an encoder's sizes go with each other, and with those of `tensors`, where these are
/// there.
fn encoder_fits(
    file: &Gguf,
    sense: &str,
    keys: &[&str],
    tensors: &[(&str, usize)],
) -> Result<(), String> {
    let size = |key: &str| match file.number(&format!("clip.{sense}.{key}")) {
        None | Some(0) => Err(format!("it has no clip.{sense}.{key}")),
        Some(size) => Ok(size),
    };
    let (width, heads) = (size("embedding_length")?, size("attention.head_count")?);
    for key in keys {
        size(key)?;
    }
    if width % heads != 0 {
        return Err(format!("its {width} values do not go into {heads} heads"));
    }
    for (name, at) in tensors {
        let is = file.tensor(name).and_then(|tensor| tensor.shape.get(*at));
        if is.is_some_and(|is| *is != width) {
            return Err(format!("its {name} has not {width} values"));
        }
    }
    Ok(())
}

fn output_fits(makes: Option<u64>, model: &Gguf) -> Result<(), String> {
    match (makes, model.width()) {
        (Some(makes), Some(takes)) if makes != takes => {
            Err(format!("it makes {makes} values of a place, and the model takes {takes}"))
        }
        _ => Ok(()),
    }
}

/// How many values it makes for each position, where that is known of its type.
fn output(
    file: &Gguf,
    sense: &str,
    outputs: &[(&str, &str, usize)],
) -> Result<Option<u64>, String> {
    let kind = kind(file, sense).ok_or("it has no clip.projector_type")?;
    let known = outputs.iter().find(|(name, ..)| *name == kind);
    let (name, at) = match known {
        Some(&(_, name, at)) => (name, at),
        // LLaVA's, of which there are two.
        None if kind == "mlp" && file.tensor("mm.3.weight").is_some() => ("mm.3.bias", 0),
        None if kind == "mlp" => ("mm.2.weight", 1),
        None => return Ok(None),
    };
    let makes = file.tensor(name).and_then(|tensor| tensor.shape.get(at));
    makes.copied().map(Some).ok_or_else(|| format!("its {name} is missing"))
}
