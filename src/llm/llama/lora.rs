//! An adapter in llama.cpp's memory.
//!
//! `llama-cpp-2` loads adapters only while nobody uses the model, and never frees one. A host that
//! keeps a few of many in memory needs both, so llama.cpp's functions are called directly.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::{NonNull, null_mut};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;

use super::context::{Context, pointer};

/// A loaded adapter; it leaves memory when it is dropped, which is before its model does.
pub(super) struct Lora<'m> {
    adapter: NonNull<sys::llama_adapter_lora>,
    model: PhantomData<&'m LlamaModel>,
}

impl<'m> Lora<'m> {
    /// Loads a file that [`crate::llm::adapter::check`] has passed. None: llama.cpp refuses it, and
    /// its log says why.
    ///
    /// The thread that calls this is the one that computes with the model.
    pub(super) fn load(model: &'m LlamaModel, path: &Path) -> Option<Self> {
        let path = CString::new(path.to_str()?).ok()?;
        // SAFETY: the model lives for 'm. The call changes only its list of adapters, which no
        // other thread reads: computing and loading are one thread's.
        let loaded = unsafe { sys::llama_adapter_lora_init(pointer(model), path.as_ptr()) };
        Some(Self { adapter: NonNull::new(loaded)?, model: PhantomData })
    }

    /// Computes with this adapter from now on, in place of any other. False: it cannot.
    pub(super) fn apply(&self, context: &mut Context<'m>, mut scale: f32) -> bool {
        let mut adapter = self.adapter.as_ptr();
        // SAFETY: the adapter is of this context's model, and one of each is handed over; whoever
        // keeps adapters takes one off the context before it is dropped.
        unsafe {
            let (adapters, scales) = (&raw mut adapter, &raw mut scale);
            sys::llama_set_adapters_lora(context.as_ptr(), adapters, 1, scales) == 0
        }
    }

    /// Computes without any adapter from now on. False: it cannot.
    pub(super) fn clear(&self, context: &mut Context<'m>) -> bool {
        // SAFETY: none of either is handed over.
        unsafe { sys::llama_set_adapters_lora(context.as_ptr(), null_mut(), 0, null_mut()) == 0 }
    }
}

impl Drop for Lora<'_> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `llama_adapter_lora_init`, is freed once, and whoever keeps
        // adapters takes one off the context before it is dropped.
        unsafe { sys::llama_adapter_lora_free(self.adapter.as_ptr()) };
    }
}
