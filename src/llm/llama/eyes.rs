//! A projector in llama.cpp's memory: what of a model sees.
//!
//! `llama-cpp-2` hands out neither what was made of a picture, nor how many places one will take
//! before it is computed, so the functions of `mtmd` are called directly.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::{NonNull, null};
use std::sync::{Mutex, PoisonError};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;

use super::context::pointer;
use crate::llm::media::Part;
use crate::picture::Picture;

/// A loaded projector. It leaves memory before its model does.
pub(super) struct Eyes<'m> {
    native: NonNull<sys::mtmd_context>,
    /// Values that it makes for a position.
    width: usize,
    /// Held while a picture is encoded: one at a time.
    encoding: Mutex<()>,
    model: PhantomData<&'m LlamaModel>,
}

// SAFETY: nothing of it belongs to a thread. Of what is called here, llama.cpp allows everything
// from several threads at once but encoding, which the lock keeps apart.
unsafe impl Send for Eyes<'_> {}
// SAFETY: as above.
unsafe impl Sync for Eyes<'_> {}

impl<'m> Eyes<'m> {
    /// Loads a file that [`crate::llm::projector::check`] has passed. None: llama.cpp refuses it,
    /// and its log says why.
    pub(super) fn load(model: &'m LlamaModel, path: &Path, threads: i32) -> Option<Self> {
        let path = CString::new(path.to_str()?).ok()?;
        // SAFETY: it only fills in numbers.
        let mut params = unsafe { sys::mtmd_context_params_default() };
        params.print_timings = false;
        params.n_threads = threads;
        // SAFETY: the model lives for 'm and is only read; the path ends with a zero.
        let native = unsafe { sys::mtmd_init_from_file(path.as_ptr(), pointer(model), params) };
        let native = NonNull::new(native)?;
        // SAFETY: the model is loaded, and this reads a number of it. That the projector makes as
        // many values was checked while it was loaded.
        let width = unsafe { sys::llama_model_n_embd_inp(pointer(model)) };
        let width = usize::try_from(width).ok()?;
        Some(Self { native, width, encoding: Mutex::default(), model: PhantomData })
    }

    /// Whether it takes pictures; others hear.
    pub(super) fn see(&self) -> bool {
        // SAFETY: the projector is loaded, and this reads a flag.
        unsafe { sys::mtmd_support_vision(self.native.as_ptr()) }
    }

    /// Whether places of a picture are counted in several directions at once (M-RoPE).
    pub(super) fn count_sides(&self) -> bool {
        // SAFETY: as above.
        unsafe { sys::mtmd_decode_use_mrope(self.native.as_ptr()) }
    }

    /// Whether each place of a picture sees all its others.
    pub(super) fn see_whole(&self) -> bool {
        // SAFETY: as above; no chunk stands for any picture.
        unsafe { sys::mtmd_decode_use_non_causal(self.native.as_ptr(), null()) }
    }

    /// What is made of a picture with such sides, in pixels. Nothing is encoded for it.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn parts(&self, sides: (u32, u32)) -> Result<Vec<Part>, String> {
        let chunks = self.prepare(sides, None)?;
        let mut parts = Vec::new();
        for chunk in chunks.iter() {
            let part = chunk.words().map_or_else(|| Part::Positions(chunk.places()), Part::Words);
            if chunk.steps() != chunk.places() {
                return Err("its places are not counted one by one".to_owned());
            }
            match &part {
                Part::Words(words) if words.iter().any(|word| *word < 0) => {
                    return Err("the model has no tokens for its borders".to_owned());
                }
                Part::Positions(0) => return Err("it is made into nothing".to_owned()),
                _ => parts.push(part),
            }
        }
        Ok(parts)
    }

    /// What the model takes in place of a picture: the values of its positions, one after the
    /// other. Takes seconds.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn encode(&self, picture: &Picture) -> Result<Vec<f32>, String> {
        let pixels = picture.rgb().map_err(|error| error.to_string())?;
        let chunks = self.prepare((picture.width(), picture.height()), Some(&pixels))?;
        // Nothing is left behind by a call that panicked: the next one encodes anew.
        let _alone = self.encoding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut values = Vec::new();
        for chunk in chunks.iter().filter(|chunk| chunk.words().is_none()) {
            // SAFETY: the chunk is this projector's and lives; nobody else encodes, by the lock.
            let failed = unsafe { sys::mtmd_encode_chunk(self.native.as_ptr(), chunk.0) } != 0;
            // SAFETY: as above.
            let made = unsafe { sys::mtmd_get_output_embd(self.native.as_ptr()) };
            if failed || made.is_null() {
                return Err("llama.cpp failed; its log says why".to_owned());
            }
            let count = chunk.places() * self.width;
            // SAFETY: so many values were made for the chunk, and stay until the next is encoded.
            values.extend_from_slice(unsafe { std::slice::from_raw_parts(made, count) });
        }
        if !values.iter().all(|value| value.is_finite()) {
            // They would spoil the seat for all that comes later.
            return Err("it is made into no numbers, so the projector may be damaged".to_owned());
        }
        Ok(values)
    }

    /// Cuts a picture into chunks. Without pixels, these only tell what they would be.
    fn prepare(&self, sides: (u32, u32), pixels: Option<&[u8]>) -> Result<Chunks, String> {
        let (width, height) = sides;
        let bytes = width as usize * height as usize * 3;
        if bytes == 0 || pixels.is_some_and(|pixels| pixels.len() != bytes) {
            return Err("it has not the pixels that it says".to_owned());
        }
        let native = || "llama.cpp cannot cut it; its log says why".to_owned();
        let data = pixels.map_or(null(), <[u8]>::as_ptr);
        // SAFETY: the pixels are as many as the sides say, or none; they are copied.
        let bitmap = unsafe { sys::mtmd_bitmap_init(width, height, data) };
        let bitmap = Bitmap(NonNull::new(bitmap).ok_or_else(native)?);
        // SAFETY: it makes an empty list.
        let chunks = unsafe { sys::mtmd_input_chunks_init() };
        let chunks = Chunks(NonNull::new(chunks).ok_or_else(native)?);
        // SAFETY: it is a constant text of llama.cpp's.
        let (text, text_len) = unsafe {
            let marker = sys::mtmd_get_marker(self.native.as_ptr());
            (marker, std::ffi::CStr::from_ptr(marker).to_bytes().len())
        };
        let text = sys::mtmd_input_text { text, text_len, add_special: false, parse_special: true };
        let bitmaps = [bitmap.0.as_ptr().cast_const()];
        // SAFETY: all of these live until the end of this function, and the text has one marker
        // for the one picture. Cutting is allowed from several threads.
        let cut = unsafe {
            sys::mtmd_tokenize(
                self.native.as_ptr(),
                chunks.0.as_ptr(),
                &raw const text,
                bitmaps.as_ptr(),
                bitmaps.len(),
            )
        };
        if cut == 0 { Ok(chunks) } else { Err(native()) }
    }
}

impl Drop for Eyes<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from `mtmd_init_from_file` and is freed once.
        unsafe { sys::mtmd_free(self.native.as_ptr()) };
    }
}

/// A picture's pixels, in llama.cpp's memory.
struct Bitmap(NonNull<sys::mtmd_bitmap>);

impl Drop for Bitmap {
    fn drop(&mut self) {
        // SAFETY: it came from `mtmd_bitmap_init` and is freed once.
        unsafe { sys::mtmd_bitmap_free(self.0.as_ptr()) };
    }
}

/// What a picture was cut into.
struct Chunks(NonNull<sys::mtmd_input_chunks>);

impl Chunks {
    fn iter(&self) -> impl Iterator<Item = Chunk<'_>> {
        let list = self.0.as_ptr();
        // SAFETY: the list lives as long as this.
        let count = unsafe { sys::mtmd_input_chunks_size(list) };
        (0..count).map(move |at| {
            // SAFETY: as above, and so does each of its `count` items.
            Chunk(unsafe { sys::mtmd_input_chunks_get(list, at) }, PhantomData)
        })
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        // SAFETY: it came from `mtmd_input_chunks_init` and is freed once.
        unsafe { sys::mtmd_input_chunks_free(self.0.as_ptr()) };
    }
}

/// A chunk of a living list.
#[derive(Clone, Copy)]
struct Chunk<'c>(*const sys::mtmd_input_chunk, PhantomData<&'c Chunks>);

impl Chunk<'_> {
    /// Its tokens, where it is words.
    fn words(self) -> Option<Vec<i32>> {
        // SAFETY: the chunk lives.
        let kind = unsafe { sys::mtmd_input_chunk_get_type(self.0) };
        if kind != sys::MTMD_INPUT_CHUNK_TYPE_TEXT {
            return None;
        }
        let mut count = 0;
        // SAFETY: as above; the count is written.
        let words = unsafe { sys::mtmd_input_chunk_get_tokens_text(self.0, &raw mut count) };
        if words.is_null() || count == 0 {
            return Some(Vec::new());
        }
        // SAFETY: there are `count` tokens, which live as long as the chunk.
        Some(unsafe { std::slice::from_raw_parts(words, count) }.to_vec())
    }

    /// Places that it takes in a seat.
    fn places(self) -> usize {
        // SAFETY: the chunk lives.
        unsafe { sys::mtmd_input_chunk_get_n_tokens(self.0) }
    }

    /// By how much positions grow with it.
    fn steps(self) -> usize {
        // SAFETY: the chunk lives.
        let steps = unsafe { sys::mtmd_input_chunk_get_n_pos(self.0) };
        usize::try_from(steps).unwrap_or(0)
    }
}
