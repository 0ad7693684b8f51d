//! Adapters: small sets of weights (LoRA) that make one persona of the shared model. Here is all
//! about them that needs no native code: which file, whether it fits, who stays in memory.

use std::path::PathBuf;

use super::gguf::{Gguf, GgufError};

pub mod noise;
pub mod shelf;

/// A persona's adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Adapter {
    /// A GGUF file whose `general.type` is `adapter`.
    pub path: PathBuf,
    /// 1 is as it was trained, 0 is none at all.
    pub scale: f32,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AdapterError {
    #[error("the adapter {path} cannot be read: {cause}; check the persona's `adapter`")]
    Unreadable { path: PathBuf, cause: String },
    #[error("{path} is no adapter for this model: {why}; train one for it, or remove `adapter`")]
    Foreign { path: PathBuf, why: String },
    #[error(
        "the adapter {path} needs {needed_mib} MiB and models.adapters_mib is {budget_mib}; \
         raise it, or take a smaller adapter"
    )]
    TooLarge { path: PathBuf, needed_mib: u64, budget_mib: u64 },
    #[error("llama.cpp cannot use the adapter {path}; its log above says more")]
    Native { path: PathBuf },
}

/// Ends of the names of the two halves of an adapted tensor.
const HALVES: [&str; 2] = [".lora_a", ".lora_b"];
/// Types of ggml that its products take on both sides: 32, 16 and 8 bits, and brain floats.
const TYPES: [u32; 4] = [0, 1, 8, 30];

/// Checks an adapter against the model that it is for, so that native code is only given what it
/// can use. Returns the bytes that it takes in memory.
///
/// # Errors
/// [`AdapterError`], with the first thing that does not fit.
pub fn check(adapter: &Adapter, model: &Gguf) -> Result<u64, AdapterError> {
    let path = &adapter.path;
    let unreadable =
        |error: GgufError| AdapterError::Unreadable { path: path.clone(), cause: error.cause() };
    let file = Gguf::open(path).map_err(unreadable)?;
    fits(&file, model).map_err(|why| AdapterError::Foreign { path: path.clone(), why })?;
    Ok(file.file_bytes())
}

fn fits(file: &Gguf, model: &Gguf) -> Result<(), String> {
    let says = |key: &str| file.text(key).unwrap_or("nothing").to_owned();
    for (key, wanted) in [("general.type", "adapter"), ("adapter.type", "lora")] {
        if says(key) != wanted {
            return Err(format!("its {key} is {}, not {wanted}", says(key)));
        }
    }
    let (made_for, is) = (says("general.architecture"), model.text("general.architecture"));
    if Some(made_for.as_str()) != is {
        return Err(format!("it is for {made_for}, and the model is {}", is.unwrap_or("unknown")));
    }
    let mut adapted = 0;
    for (name, half) in file.tensors() {
        let Some(base) = HALVES.iter().find_map(|end| name.strip_suffix(end)) else {
            return Err(format!("{name} is no part of a LoRA"));
        };
        let of = model.tensor(base).ok_or_else(|| format!("the model has no {base}"))?;
        if !TYPES.contains(&half.kind) {
            return Err(format!("{name} has a type that cannot be computed with"));
        }
        let [a, b] = HALVES.map(|end| file.tensor(&format!("{base}{end}")));
        let (Some(a), Some(b)) = (a, b) else {
            return Err(format!("one half of {base} is missing"));
        };
        if !shaped(base, [&a.shape, &b.shape], &of.shape) {
            return Err(format!("the shapes of {base} do not fit the model's {:?}", of.shape));
        }
        adapted += 1;
    }
    if adapted == 0 { Err("it adapts nothing".to_owned()) } else { Ok(()) }
}

/// Whether the product of the halves has the shape of the tensor; of the token embedding the
/// halves lie the other way round.
fn shaped(base: &str, halves: [&[u64]; 2], of: &[u64]) -> bool {
    let ([&[a_in, a_out], &[b_in, b_out]], &[width, height]) = (halves, of) else { return false };
    if base == "token_embd.weight" {
        return b_out == width && a_out == height && a_in == b_in;
    }
    a_in == width && b_out == height && a_out == b_in
}
