//! Projectors: what a model sees with, in a file of its own. Here is what of one can be checked
//! without native code, which ends the process on some files that it should refuse.

use std::path::{Path, PathBuf};

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
const OUTPUTS: &[(&str, &str, usize)] = &[
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

/// Checks a projector against the model that it is for. Returns the bytes that it takes in memory.
///
/// # Errors
/// [`ProjectorError`], with the first thing that does not fit.
pub fn check(path: &Path, model: &Gguf) -> Result<u64, ProjectorError> {
    let unreadable = |error: GgufError| ProjectorError::Unreadable {
        path: path.to_owned(),
        cause: error.cause(),
    };
    let file = Gguf::open(path).map_err(unreadable)?;
    fits(&file, model).map_err(|why| ProjectorError::Foreign { path: path.to_owned(), why })?;
    Ok(file.file_bytes())
}

fn fits(file: &Gguf, model: &Gguf) -> Result<(), String> {
    if file.text("general.architecture") != Some("clip") {
        let is = file.text("general.architecture").unwrap_or("nothing");
        return Err(format!("its general.architecture is {is}, not clip"));
    }
    if file.number("clip.has_vision_encoder") != Some(1) {
        return Err("it has no eyes (clip.has_vision_encoder)".to_owned());
    }
    let size = |key: &str| match file.number(&format!("clip.vision.{key}")) {
        None | Some(0) => Err(format!("it has no clip.vision.{key}")),
        Some(size) => Ok(size),
    };
    let (width, heads) = (size("embedding_length")?, size("attention.head_count")?);
    for key in ["image_size", "patch_size"] {
        size(key)?;
    }
    if width % heads != 0 {
        return Err(format!("its {width} values do not go into {heads} heads"));
    }
    for (name, at, wanted) in
        [("v.patch_embd.weight", 3, width), ("v.position_embd.weight", 0, width)]
    {
        let is = file.tensor(name).and_then(|tensor| tensor.shape.get(at));
        if is.is_some_and(|is| *is != wanted) {
            return Err(format!("its {name} has not {wanted} values"));
        }
    }
    let kind = file.text("clip.projector_type").or(file.text("clip.vision.projector_type"));
    let kind = kind.ok_or("it has no clip.projector_type")?;
    let (makes, takes) = (output(file, kind)?, model.width());
    match (makes, takes) {
        (Some(makes), Some(takes)) if makes != takes => {
            Err(format!("it makes {makes} values of a place, and the model takes {takes}"))
        }
        _ => Ok(()),
    }
}

/// How many values it makes for each position, where that is known of its type.
fn output(file: &Gguf, kind: &str) -> Result<Option<u64>, String> {
    let known = OUTPUTS.iter().find(|(name, ..)| *name == kind);
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
