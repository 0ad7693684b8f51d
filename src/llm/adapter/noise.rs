//! Adapters of noise: with the right shapes and nothing learnt, for tests and benches.

use std::io;
use std::path::Path;

use super::Adapter;

/// What goes into the file.
#[derive(Clone, Debug)]
pub struct Noise {
    /// `general.type`, `adapter.type` and `general.architecture`.
    pub says: [String; 3],
    /// Name, the two sizes with the innermost first, and the values.
    pub tensors: Vec<(String, [u64; 2], Vec<f32>)>,
}

impl Noise {
    /// Adapts nothing yet.
    pub fn new(architecture: &str) -> Self {
        let says = ["adapter", "lora", architecture].map(str::to_owned);
        Self { says, tensors: Vec::new() }
    }

    /// Adapts a tensor of `width` inputs and `height` outputs by a product of this rank, with
    /// values of about `size` that follow from the seed.
    #[must_use]
    pub fn adapt(mut self, name: &str, shape: [u64; 2], rank: u64, size: f32) -> Self {
        let [width, height] = shape;
        let mut state = 7 + self.tensors.len() as u32;
        let mut values = |count: u64| {
            let next = |_| {
                // Numerical Recipes' generator: the same everywhere.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state as f32 / u32::MAX as f32 - 0.5) * 2.0 * size
            };
            (0..count).map(next).collect::<Vec<f32>>()
        };
        let (a, b) = (values(width * rank), values(rank * height));
        self.tensors.push((format!("{name}.lora_a"), [width, rank], a));
        self.tensors.push((format!("{name}.lora_b"), [rank, height], b));
        self
    }

    /// The file: GGUF, 32-bit floats.
    pub fn bytes(&self) -> Vec<u8> {
        let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend(4u64.to_le_bytes());
        let keys = ["general.type", "adapter.type", "general.architecture"];
        for (key, value) in keys.iter().zip(&self.says) {
            bytes.extend([text(key), 8u32.to_le_bytes().to_vec(), text(value)].concat());
        }
        let alpha = [text("adapter.lora.alpha"), 6u32.to_le_bytes().to_vec()].concat();
        bytes.extend([&alpha[..], &8f32.to_le_bytes()].concat());
        let mut data = Vec::new();
        for (name, shape, values) in &self.tensors {
            bytes.extend(text(name));
            bytes.extend(2u32.to_le_bytes());
            shape.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
            bytes.extend(0u32.to_le_bytes());
            bytes.extend((data.len() as u64).to_le_bytes());
            values.iter().for_each(|value| data.extend(value.to_le_bytes()));
            data.resize(data.len().div_ceil(32) * 32, 0);
        }
        bytes.resize(bytes.len().div_ceil(32) * 32, 0);
        bytes.extend(data);
        bytes
    }

    /// Writes the file; its adapter counts whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<Adapter> {
        std::fs::write(path, self.bytes())?;
        Ok(Adapter { path: path.to_owned(), scale: 1.0 })
    }
}
