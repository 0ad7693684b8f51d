//! Rounds a model's weights to another form.
//!
//! llama.cpp multiplies prompts by weights of some forms several times faster than by others, and
//! which form a file has was decided by whoever packaged it. `llama-cpp-2` does not wrap the
//! function, so it is called directly.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::path::Path;

use llama_cpp_sys_2 as sys;

use super::LoadError;
use super::model::backend;

/// How weights are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// 4 bits each, in blocks of 32 with a common scale.
    Q4_0,
    /// 8 bits each, in such blocks.
    Q8_0,
    /// Floating point of 16 bits. What is multiplied by them is not rounded to 8 bits, as with the
    /// others: batches of other shapes give nearly the same numbers.
    F16,
}

/// Writes the model `from` to `to` with these weights, also where they were rounded before.
///
/// # Errors
/// [`LoadError::Native`] when llama.cpp cannot; its log says why.
pub fn requantise(from: &Path, to: &Path, weights: Weights) -> Result<(), LoadError> {
    backend()?;
    let text = |path: &Path| {
        let text = path.to_str().and_then(|path| CString::new(path).ok());
        text.ok_or_else(|| LoadError::Native(format!("{} is no path for it", path.display())))
    };
    let (from, to) = (text(from)?, text(to)?);
    // SAFETY: gives its defaults by value.
    let mut params = unsafe { sys::llama_model_quantize_default_params() };
    params.allow_requantize = true;
    params.ftype = match weights {
        Weights::Q4_0 => sys::LLAMA_FTYPE_MOSTLY_Q4_0,
        Weights::Q8_0 => sys::LLAMA_FTYPE_MOSTLY_Q8_0,
        Weights::F16 => sys::LLAMA_FTYPE_MOSTLY_F16,
    };
    // SAFETY: both are C strings, and all three live until it returns.
    let failed =
        unsafe { sys::llama_model_quantize(from.as_ptr(), to.as_ptr(), &raw const params) };
    match failed {
        0 => Ok(()),
        code => Err(LoadError::Native(format!("rounding its weights failed with {code}"))),
    }
}
