//! The seats' cache in llama.cpp's memory, and computing with it.
//!
//! `llama-cpp-2` computes tokens only. What is made of pictures is computed from values instead,
//! which llama.cpp takes and that crate does not hand on, so its functions are called directly.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;

use crate::llm::sampler::Token;

/// How large a context is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Of all seats together.
    pub tokens: u32,
    pub step_tokens: u32,
    pub seats: u32,
    pub threads: i32,
    /// See [`crate::llm::budget::Fit`].
    pub flash_attention: bool,
}

/// One place of a seat to compute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Not looked at where it is computed from values.
    pub token: Token,
    pub seat: usize,
    pub position: usize,
    /// Its scores are to be read.
    pub scores: bool,
}

/// A context with a stream of the cache for each seat.
pub(super) struct Context<'m> {
    native: NonNull<sys::llama_context>,
    size: Size,
    /// Values that stand for a token.
    width: usize,
    vocabulary: usize,
    batch: Batch,
    model: PhantomData<&'m LlamaModel>,
}

/// A batch in llama.cpp's form: a list for each of its columns.
#[derive(Default)]
struct Batch {
    tokens: Vec<Token>,
    positions: Vec<i32>,
    /// How many seats each place is for: one.
    counts: Vec<i32>,
    seats: Vec<i32>,
    seat_lists: Vec<*mut i32>,
    scores: Vec<i8>,
}

/// llama.cpp's pointer to a model. It must not be used to change what other threads read.
pub(super) fn pointer(model: &LlamaModel) -> *mut sys::llama_model {
    // SAFETY: `LlamaModel` is `repr(transparent)` over llama.cpp's non-null pointer to it.
    unsafe { *std::ptr::from_ref(model).cast() }
}

impl<'m> Context<'m> {
    /// None: llama.cpp cannot, and its log says why.
    pub(super) fn new(model: &'m LlamaModel, size: Size) -> Option<Self> {
        let model_ptr = pointer(model);
        // SAFETY: it only fills in numbers.
        let mut params = unsafe { sys::llama_context_default_params() };
        params.n_ctx = size.tokens;
        params.n_batch = size.step_tokens;
        params.n_ubatch = size.step_tokens;
        params.n_seq_max = size.seats;
        // A stream per seat: nobody's attention walks over the others' past.
        params.kv_unified = false;
        if !size.flash_attention {
            params.flash_attn_type = sys::LLAMA_FLASH_ATTN_TYPE_DISABLED;
        }
        params.n_threads = size.threads;
        params.n_threads_batch = size.threads;
        // SAFETY: the model lives for 'm, and the parameters are llama.cpp's own but for numbers.
        let native = NonNull::new(unsafe { sys::llama_init_from_model(model_ptr, params) })?;
        // SAFETY: the model is loaded; both only read numbers of it.
        let (width, vocabulary) = unsafe {
            let vocab = sys::llama_model_get_vocab(model_ptr);
            (sys::llama_model_n_embd_inp(model_ptr), sys::llama_vocab_n_tokens(vocab))
        };
        let width = usize::try_from(width).ok()?;
        let vocabulary = usize::try_from(vocabulary).ok()?;
        let batch = Batch::default();
        Some(Self { native, size, width, vocabulary, batch, model: PhantomData })
    }

    #[expect(clippy::needless_pass_by_ref_mut, reason = "who has the pointer changes the context")]
    pub(super) fn as_ptr(&mut self) -> *mut sys::llama_context {
        self.native.as_ptr()
    }

    /// Values that stand for a token.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Computes tokens, at most as many as a step has. False: it failed, and nobody knows what the
    /// cache holds of these seats.
    pub(super) fn compute(&mut self, cells: impl Iterator<Item = Cell>) -> bool {
        self.batch.fill(cells);
        let tokens = self.batch.tokens.as_mut_ptr();
        self.decode(tokens, null_mut())
    }

    /// As [`Self::compute`], from [`Self::width`] values for each cell. Where not `causal`, each
    /// sees all the others.
    pub(super) fn compute_values(
        &mut self,
        cells: impl Iterator<Item = Cell>,
        values: &[f32],
        causal: bool,
    ) -> bool {
        self.batch.fill(cells);
        if values.len() != self.batch.tokens.len() * self.width {
            return false;
        }
        if causal {
            return self.decode(null_mut(), values.as_ptr().cast_mut());
        }
        // SAFETY: the context lives as long as this does.
        unsafe { sys::llama_set_causal_attn(self.native.as_ptr(), false) };
        let computed = self.decode(null_mut(), values.as_ptr().cast_mut());
        // SAFETY: as above.
        unsafe { sys::llama_set_causal_attn(self.native.as_ptr(), true) };
        computed
    }

    /// Computes what is in the batch, from one of the two.
    fn decode(&mut self, token: *mut Token, embd: *mut f32) -> bool {
        let batch = &mut self.batch;
        let known = |seat: &i32| (0..self.size.seats as i32).contains(seat);
        if batch.tokens.is_empty()
            || batch.tokens.len() > self.size.step_tokens as usize
            || !batch.seats.iter().all(known)
        {
            return false;
        }
        batch.seat_lists.clear();
        let seats = batch.seats.as_mut_ptr();
        // SAFETY: `seats` has as many places as the batch, and stays where it is until the call.
        batch.seat_lists.extend((0..batch.tokens.len()).map(|at| unsafe { seats.add(at) }));
        let native = sys::llama_batch {
            n_tokens: batch.tokens.len() as i32,
            token,
            embd,
            pos: batch.positions.as_mut_ptr(),
            n_seq_id: batch.counts.as_mut_ptr(),
            seq_id: batch.seat_lists.as_mut_ptr(),
            logits: batch.scores.as_mut_ptr(),
        };
        // SAFETY: every list has `n_tokens` items, of `embd` so many times `width`; seats are below
        // the context's. llama.cpp copies what it needs, writes to none of them, and refuses
        // tokens that it does not know.
        unsafe { sys::llama_decode(self.native.as_ptr(), native) == 0 }
    }

    /// The scores of a row of the last batch that asked for them; empty when it did not.
    pub(super) fn scores(&self, row: usize) -> &[f32] {
        let row = i32::try_from(row).unwrap_or(-1);
        // SAFETY: llama.cpp checks the row; it waits for what is being computed, on this thread.
        let scores = unsafe { sys::llama_get_logits_ith(self.native.as_ptr(), row) };
        if scores.is_null() {
            return &[];
        }
        // SAFETY: a row of scores has one for every token, and stays until the next batch, which
        // needs this exclusively.
        unsafe { std::slice::from_raw_parts(scores, self.vocabulary) }
    }

    /// Has `to` hold what `from` holds, and nothing else.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        // Each seat has a stream of its own, and of these llama.cpp copies whole ones only.
        // SAFETY: the context's memory lives as long as it does, and both are seats of it.
        unsafe {
            let memory = sys::llama_get_memory(self.native.as_ptr());
            sys::llama_memory_seq_cp(memory, from as i32, to as i32, -1, -1);
        }
    }

    /// Removes all but the first `tokens` of a seat. False: it cannot in part, and all is gone.
    pub(super) fn forget(&mut self, seat: usize, tokens: usize) -> bool {
        let tokens = i32::try_from(tokens).unwrap_or(i32::MAX);
        // SAFETY: as for `copy`.
        unsafe {
            let memory = sys::llama_get_memory(self.native.as_ptr());
            let partly = sys::llama_memory_seq_rm(memory, seat as i32, tokens, -1);
            if !partly {
                // Removing a whole sequence never fails.
                sys::llama_memory_seq_rm(memory, seat as i32, -1, -1);
            }
            partly
        }
    }

    /// Waits until all is computed.
    pub(super) fn wait(&mut self) {
        // SAFETY: the context lives as long as this does.
        unsafe { sys::llama_synchronize(self.native.as_ptr()) };
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from `llama_init_from_model`, is freed once, and before its model.
        unsafe { sys::llama_free(self.native.as_ptr()) };
    }
}

impl Batch {
    fn fill(&mut self, cells: impl Iterator<Item = Cell>) {
        self.tokens.clear();
        self.positions.clear();
        self.counts.clear();
        self.seats.clear();
        self.scores.clear();
        for cell in cells {
            self.tokens.push(cell.token);
            self.positions.push(cell.position as i32);
            self.counts.push(1);
            self.seats.push(cell.seat as i32);
            self.scores.push(i8::from(cell.scores));
        }
    }
}
