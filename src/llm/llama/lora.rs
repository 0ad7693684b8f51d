//! An adapter in llama.cpp's memory.
//!
//! `llama-cpp-2` loads adapters only while nobody uses the model, and never frees one. A host that
//! keeps a few of many in memory needs both, so two of llama.cpp's functions are called directly.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::NonNull;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};
use llama_cpp_sys_2 as sys;

/// A loaded adapter; it leaves memory when it is dropped, which is before its model does.
pub(super) struct Lora<'m> {
    adapter: LlamaLoraAdapter,
    model: PhantomData<&'m LlamaModel>,
}

impl<'m> Lora<'m> {
    /// Loads a file that [`crate::llm::adapter::check`] has passed. None: llama.cpp refuses it, and
    /// its log says why.
    ///
    /// The thread that calls this is the one that computes with the model.
    pub(super) fn load(model: &'m LlamaModel, path: &Path) -> Option<Self> {
        let path = CString::new(path.to_str()?).ok()?;
        // SAFETY: `LlamaModel` is `repr(transparent)` over llama.cpp's non-null pointer to it.
        let model_ptr: *mut sys::llama_model = unsafe { *std::ptr::from_ref(model).cast() };
        // SAFETY: the model lives for 'm. The call changes only its list of adapters, which no
        // other thread reads: computing and loading are one thread's.
        let loaded = unsafe { sys::llama_adapter_lora_init(model_ptr, path.as_ptr()) };
        let loaded = NonNull::new(loaded)?;
        // SAFETY: `LlamaLoraAdapter` is `repr(transparent)` over this very pointer.
        let adapter = unsafe {
            std::mem::transmute::<NonNull<sys::llama_adapter_lora>, LlamaLoraAdapter>(loaded)
        };
        Some(Self { adapter, model: PhantomData })
    }

    /// Computes with this adapter from now on, in place of any other. False: it cannot.
    pub(super) fn apply(&mut self, context: &mut LlamaContext<'m>, scale: f32) -> bool {
        context.lora_adapter_set(&mut self.adapter, scale).is_ok()
    }

    /// Computes without any adapter from now on. False: it cannot.
    pub(super) fn clear(&mut self, context: &mut LlamaContext<'m>) -> bool {
        context.lora_adapter_remove(&mut self.adapter).is_ok()
    }
}

impl Drop for Lora<'_> {
    fn drop(&mut self) {
        // SAFETY: as above; the pointer came from `llama_adapter_lora_init`, is freed once, and
        // whoever keeps adapters takes one off the context before it is dropped.
        unsafe {
            let adapter: *mut sys::llama_adapter_lora = *std::ptr::from_ref(&self.adapter).cast();
            sys::llama_adapter_lora_free(adapter);
        }
    }
}
