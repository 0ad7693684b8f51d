//! What of an adapter is refused before native code sees it.

use std::fs;
use std::path::Path;

use troupe::llm::adapter::noise::Noise;
use troupe::llm::adapter::{Adapter, check};
use troupe::llm::gguf::Gguf;

/// A "model" with one tensor of each kind that an adapter can be for.
fn base(folder: &Path) -> Gguf {
    let mut model = Noise::new("llama");
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
    let adapter = Noise::new("llama").adapt("blk.0.attn_q.weight", [8, 6], 2, 0.1);
    let bytes = check(&adapter.write(&folder.path().join("a.gguf")).unwrap(), &model).unwrap();
    assert_eq!(bytes, adapter.bytes().len() as u64);
    // Of the embedding the halves lie the other way round.
    let mut words = Noise::new("llama");
    words.tensors = vec![
        ("token_embd.weight.lora_a".to_owned(), [2, 20], vec![0.1; 40]),
        ("token_embd.weight.lora_b".to_owned(), [2, 8], vec![0.1; 16]),
    ];
    check(&words.write(&folder.path().join("w.gguf")).unwrap(), &model).unwrap();
}

#[test]
fn a_foreign_or_broken_adapter_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let model = base(folder.path());
    let good = || Noise::new("llama").adapt("blk.0.attn_q.weight", [8, 6], 2, 0.1);
    let kind = Noise { says: ["model", "lora", "llama"].map(str::to_owned), ..good() };
    let control = Noise { says: ["adapter", "vector", "llama"].map(str::to_owned), ..good() };
    let other = Noise { says: ["adapter", "lora", "qwen2"].map(str::to_owned), ..good() };
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
        (Noise::new("llama").adapt("blk.0.attn_q.weight", [6, 8], 2, 0.1).bytes(), "shapes"),
        (Noise::new("llama").bytes(), "adapts nothing"),
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
