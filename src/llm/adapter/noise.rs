//! Adapters of noise: with the right shapes and nothing learnt, for tests and benches.

use std::io;
use std::path::Path;

use super::Adapter;
use crate::llm::gguf::write;

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
        let mut values =
            |count: u64| (0..count).map(|_| write::noise(&mut state) * size).collect::<Vec<f32>>();
        let (a, b) = (values(width * rank), values(rank * height));
        self.tensors.push((format!("{name}.lora_a"), [width, rank], a));
        self.tensors.push((format!("{name}.lora_b"), [rank, height], b));
        self
    }

    /// The file: GGUF, 32-bit floats.
    pub fn bytes(&self) -> Vec<u8> {
        let keys = ["general.type", "adapter.type", "general.architecture"];
        let said = keys.iter().zip(&self.says);
        let said = said.map(|(key, value)| write::entry(key, 8, &write::text(value)));
        let alpha = write::entry("adapter.lora.alpha", 6, &8f32.to_le_bytes());
        let tensors = self.tensors.iter();
        let tensors = tensors.map(|(name, shape, values)| (name.as_str(), &shape[..], &values[..]));
        write::file(&said.chain([alpha]).collect::<Vec<_>>(), &tensors.collect::<Vec<_>>())
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
