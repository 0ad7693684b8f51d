//! Adapters that tests make themselves, and what is refused before native code sees it.

use std::fs;
use std::path::Path;

use troupe::llm::adapter::{Adapter, check};
use troupe::llm::gguf::Gguf;

/// A LoRA as a file.
pub(super) struct Lora {
    /// `general.type`, `adapter.type` and `general.architecture`.
    pub(super) says: [String; 3],
    /// Name, the two sizes with the innermost first, and the values.
    pub(super) tensors: Vec<(String, [u64; 2], Vec<f32>)>,
}

impl Lora {
    pub(super) fn new(architecture: &str) -> Self {
        let says = ["adapter", "lora", architecture].map(str::to_owned);
        Self { says, tensors: Vec::new() }
    }

    /// Adapts a tensor of `width` inputs and `height` outputs by a product of this rank, with
    /// values of about `size` that follow from the seed.
    pub(super) fn adapt(mut self, name: &str, shape: [u64; 2], rank: u64, size: f32) -> Self {
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

    pub(super) fn bytes(&self) -> Vec<u8> {
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

    pub(super) fn write(&self, path: &Path) -> Adapter {
        fs::write(path, self.bytes()).unwrap();
        Adapter { path: path.to_owned(), scale: 1.0 }
    }
}

/// A "model" with one tensor of each kind that an adapter can be for.
fn base(folder: &Path) -> Gguf {
    let mut model = Lora::new("llama");
    model.tensors = vec![
        ("blk.0.attn_q.weight".to_owned(), [8, 6], vec![0.0; 48]),
        ("token_embd.weight".to_owned(), [8, 20], vec![0.0; 160]),
    ];
    let path = folder.join("model.gguf");
    fs::write(&path, model.bytes()).unwrap();
    Gguf::open(&path).unwrap()
}

#[test]
fn an_adapter_for_this_model_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let model = base(folder.path());
    let adapter = Lora::new("llama").adapt("blk.0.attn_q.weight", [8, 6], 2, 0.1);
    let bytes = check(&adapter.write(&folder.path().join("a.gguf")), &model).unwrap();
    assert_eq!(bytes, adapter.bytes().len() as u64);
    // Of the embedding the halves lie the other way round.
    let mut words = Lora::new("llama");
    words.tensors = vec![
        ("token_embd.weight.lora_a".to_owned(), [2, 20], vec![0.1; 40]),
        ("token_embd.weight.lora_b".to_owned(), [2, 8], vec![0.1; 16]),
    ];
    check(&words.write(&folder.path().join("w.gguf")), &model).unwrap();
}

#[test]
fn a_foreign_or_broken_adapter_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let model = base(folder.path());
    let good = || Lora::new("llama").adapt("blk.0.attn_q.weight", [8, 6], 2, 0.1);
    let kind = Lora { says: ["model", "lora", "llama"].map(str::to_owned), ..good() };
    let control = Lora { says: ["adapter", "vector", "llama"].map(str::to_owned), ..good() };
    let other = Lora { says: ["adapter", "lora", "qwen2"].map(str::to_owned), ..good() };
    let mut half = good();
    half.tensors.pop();
    let mut stray = good();
    stray.tensors.push(("blk.0.bias".to_owned(), [1, 1], vec![0.0]));
    let cases = [
        (kind.bytes(), "general.type is model"),
        (control.bytes(), "adapter.type is vector"),
        (other.bytes(), "it is for qwen2"),
        (half.bytes(), "one half"),
        (stray.bytes(), "no part of a LoRA"),
        (good().adapt("blk.9.attn_q.weight", [8, 6], 2, 0.1).bytes(), "the model has no blk.9"),
        (Lora::new("llama").adapt("blk.0.attn_q.weight", [6, 8], 2, 0.1).bytes(), "shapes"),
        (Lora::new("llama").bytes(), "adapts nothing"),
        (good().bytes()[..200].to_vec(), "cut short"),
        (b"not a model at all".to_vec(), "no GGUF file"),
    ];
    for (bytes, expected) in cases {
        let path = folder.path().join("bad.gguf");
        fs::write(&path, bytes).unwrap();
        let error = check(&Adapter { path, scale: 1.0 }, &model).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
