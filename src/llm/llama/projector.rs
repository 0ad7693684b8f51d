//! A projector in llama.cpp's memory: what of a model sees and hears.
//!
//! `llama-cpp-2` hands out neither what was made of a picture or a sound, nor how many places one
//! will take before it is computed, so the functions of `mtmd` are called directly.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::marker::PhantomData;
use std::path::Path;
use std::ptr::{NonNull, null};
use std::sync::{Mutex, PoisonError};

use llama_cpp_2::model::LlamaModel;
use llama_cpp_sys_2 as sys;

use super::context::pointer;
use crate::audio::{EARS_RATE_HZ, duration_to_samples};
use crate::llm::media::Part;
use crate::llm::{Medium, Senses};
use crate::picture::TILE_SIDE;
use crate::sound;

/// A loaded projector. It leaves memory before its model does.
pub(super) struct Projector<'m> {
    native: NonNull<sys::mtmd_context>,
    /// Values that it makes for a position.
    width: usize,
    /// Held while a medium is encoded: one at a time.
    encoding: Mutex<()>,
    model: PhantomData<&'m LlamaModel>,
}

// SAFETY: nothing of it belongs to a thread. Of what is called here, llama.cpp allows everything
// from several threads at once but encoding, which the lock keeps apart.
unsafe impl Send for Projector<'_> {}
// SAFETY: as above.
unsafe impl Sync for Projector<'_> {}

impl<'m> Projector<'m> {
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

    /// What it takes.
    pub(super) fn senses(&self) -> Senses {
        // SAFETY: the projector is loaded, and both read a flag.
        let (sees, hears) = unsafe {
            let native = self.native.as_ptr();
            (sys::mtmd_support_vision(native), sys::mtmd_support_audio(native))
        };
        Senses { sees, hears }
    }

    /// Samples a second that it hears; none where it is deaf.
    pub(super) fn rate_hz(&self) -> Option<u32> {
        // SAFETY: the projector is loaded, and this reads a number.
        let rate = unsafe { sys::mtmd_get_audio_sample_rate(self.native.as_ptr()) };
        u32::try_from(rate).ok()
    }

    /// Whether places of a picture are counted in several directions at once (M-RoPE).
    pub(super) fn counts_sides(&self) -> bool {
        // SAFETY: as above.
        unsafe { sys::mtmd_decode_use_mrope(self.native.as_ptr()) }
    }

    /// Whether each place of a picture sees all its others.
    pub(super) fn sees_whole(&self) -> bool {
        // SAFETY: as above; no chunk stands for any picture.
        unsafe { sys::mtmd_decode_use_non_causal(self.native.as_ptr(), null()) }
    }

    /// What is made of a medium of such a size. Nothing is encoded for it.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn parts(&self, size: Size) -> Result<Vec<Part>, String> {
        let chunks = self.prepare(&size.placeholder()?)?;
        let mut parts = Vec::new();
        for chunk in chunks.iter() {
            let part = chunk.words().map_or_else(|| Part::Positions(chunk.places()), Part::Words);
            if chunk.steps() != chunk.places() {
                return Err("its places are not counted one by one".to_owned());
            }
            let heard = matches!((&part, size), (Part::Positions(_), Size::Sound { .. }));
            if heard && self.is_whole(chunk) {
                return Err("its places see each other, which only a picture's may".to_owned());
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

    /// What is made of a sound, where it is the same for the shortest and the longest: Whisper's
    /// encoders fill each up to 30 s. To find it out takes a spectrum of silence, which is too long
    /// for whoever computes speech.
    pub(super) fn parts_of_any_sound(&self) -> Option<Vec<Part>> {
        if !self.senses().hears {
            return None;
        }
        let of = |length| {
            let samples = duration_to_samples(length, EARS_RATE_HZ);
            self.parts(Size::Sound { samples }).ok()
        };
        let shortest = of(sound::SHORTEST)?;
        (of(sound::LONGEST)? == shortest).then_some(shortest)
    }

    /// Whether each place of a chunk sees all its others.
    fn is_whole(&self, chunk: Chunk<'_>) -> bool {
        // SAFETY: the projector is loaded, and the chunk lives.
        unsafe { sys::mtmd_decode_use_non_causal(self.native.as_ptr(), chunk.0) }
    }

    /// What the model takes in place of a medium: the values of its positions, one after the
    /// other. Takes seconds.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn encode(&self, medium: &Medium) -> Result<Vec<f32>, String> {
        let values = self.make(&Bitmap::of(medium)?)?;
        if !values.iter().all(|value| value.is_finite()) {
            // They would spoil the seat for all that comes later.
            return Err("it is made into no numbers, so the projector may be damaged".to_owned());
        }
        Ok(values)
    }

    /// Encodes a black picture and a silence, as far as they are taken. Of no use but that all of
    /// the projector is computed once; whether it fails is seen again by whoever shows it more.
    pub(super) fn encode_nothing(&self) {
        let senses = self.senses();
        if senses.sees {
            let black = vec![0; 3 * (TILE_SIDE * TILE_SIDE) as usize];
            let _ = Bitmap::of_pixels(TILE_SIDE, TILE_SIDE, Some(&black))
                .and_then(|picture| self.make(&picture));
        }
        if senses.hears {
            let silence = vec![0.0; duration_to_samples(sound::SHORTEST, EARS_RATE_HZ)];
            let _ = Bitmap::of_samples(silence.len(), Some(&silence))
                .and_then(|sound| self.make(&sound));
        }
    }

    fn make(&self, bitmap: &Bitmap) -> Result<Vec<f32>, String> {
        let chunks = self.prepare(bitmap)?;
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
        Ok(values)
    }

    /// Cuts a medium into chunks. Of a placeholder, these only tell what they would be.
    fn prepare(&self, bitmap: &Bitmap) -> Result<Chunks, String> {
        let native = || "llama.cpp cannot cut it; its log says why".to_owned();
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
        // for the one medium. Cutting is allowed from several threads.
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

impl Drop for Projector<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from `mtmd_init_from_file` and is freed once.
        unsafe { sys::mtmd_free(self.native.as_ptr()) };
    }
}

/// What decides how many places a medium takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    /// In pixels.
    Picture {
        width: u32,
        height: u32,
    },
    Sound {
        samples: usize,
    },
}

impl Size {
    pub(super) fn of(medium: &Medium) -> Self {
        match medium {
            Medium::Picture(picture) => {
                Self::Picture { width: picture.width(), height: picture.height() }
            }
            Medium::Sound(sound) => Self::Sound { samples: sound.count() },
        }
    }

    /// Something of this size with nothing in it.
    fn placeholder(self) -> Result<Bitmap, String> {
        match self {
            Self::Picture { width, height } => Bitmap::of_pixels(width, height, None),
            Self::Sound { samples } => Bitmap::of_samples(samples, None),
        }
    }
}

/// A picture's pixels or a sound's samples, in llama.cpp's memory.
struct Bitmap(NonNull<sys::mtmd_bitmap>);

impl Bitmap {
    fn of(medium: &Medium) -> Result<Self, String> {
        match medium {
            Medium::Picture(picture) => {
                let pixels = picture.rgb().map_err(|error| error.to_string())?;
                Self::of_pixels(picture.width(), picture.height(), Some(&pixels))
            }
            Medium::Sound(sound) => {
                let samples = sound.samples();
                Self::of_samples(samples.len(), Some(&samples))
            }
        }
    }

    fn of_pixels(width: u32, height: u32, pixels: Option<&[u8]>) -> Result<Self, String> {
        let bytes = width as usize * height as usize * 3;
        if bytes == 0 || pixels.is_some_and(|pixels| pixels.len() != bytes) {
            return Err("it has not the pixels that it says".to_owned());
        }
        let data = pixels.map_or(null(), <[u8]>::as_ptr);
        // SAFETY: the pixels are as many as the sides say, or none; they are copied.
        Self::new(unsafe { sys::mtmd_bitmap_init(width, height, data) })
    }

    fn of_samples(count: usize, samples: Option<&[f32]>) -> Result<Self, String> {
        if count == 0 || samples.is_some_and(|samples| samples.len() != count) {
            return Err("it has no samples".to_owned());
        }
        let data = samples.map_or(null(), <[f32]>::as_ptr);
        // SAFETY: the samples are as many as is said, or none; they are copied.
        Self::new(unsafe { sys::mtmd_bitmap_init_from_audio(count, data) })
    }

    fn new(native: *mut sys::mtmd_bitmap) -> Result<Self, String> {
        let none = || "llama.cpp has no memory for it".to_owned();
        Ok(Self(NonNull::new(native).ok_or_else(none)?))
    }
}

impl Drop for Bitmap {
    fn drop(&mut self) {
        // SAFETY: it came from one of `mtmd_bitmap_init`'s and is freed once.
        unsafe { sys::mtmd_bitmap_free(self.0.as_ptr()) };
    }
}

/// What a medium was cut into.
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
