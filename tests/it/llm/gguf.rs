use std::fs;

use troupe::llm::budget::{self, Ask, Fit, LoadError};
use troupe::llm::gguf::{Gguf, GgufError};

/// A small file in the layout: `count` entries, then one f32 tensor of `floats` items.
fn file(entries: &[Vec<u8>], floats: u64, data: usize) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(3u32.to_le_bytes());
    bytes.extend(1u64.to_le_bytes());
    bytes.extend((entries.len() as u64).to_le_bytes());
    bytes.extend(entries.concat());
    bytes.extend(text("weights"));
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(floats.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(0u64.to_le_bytes());
    bytes.resize(bytes.len().div_ceil(32) * 32 + data, 0);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

fn entry(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [text(key), kind.to_le_bytes().to_vec(), value.to_vec()].concat()
}

fn model() -> Vec<Vec<u8>> {
    let list = [&5u32.to_le_bytes()[..], &3u64.to_le_bytes(), &[0; 12]].concat();
    let words = [8u32.to_le_bytes().to_vec(), 2u64.to_le_bytes().to_vec(), text("a"), text("bc")];
    vec![
        entry("general.architecture", 8, &text("llama")),
        entry("tokens", 9, &words.concat()),
        entry("types", 9, &list),
        entry("llama.block_count", 4, &30u32.to_le_bytes()),
        entry("llama.embedding_length", 4, &576u32.to_le_bytes()),
        entry("llama.attention.head_count", 4, &9u32.to_le_bytes()),
        entry("llama.attention.head_count_kv", 4, &3u32.to_le_bytes()),
        entry("llama.context_length", 10, &8192u64.to_le_bytes()),
    ]
}

fn open(bytes: &[u8]) -> Result<Gguf, GgufError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).unwrap();
    Gguf::open(&path)
}

#[test]
fn a_model_tells_its_cost() {
    let gguf = open(&file(&model(), 4, 16)).unwrap();
    assert_eq!(gguf.text("general.architecture"), Some("llama"));
    assert_eq!(gguf.trained_context(), Some(8192));
    assert_eq!(gguf.cache_bytes_per_token(), Some(30 * 3 * (64 + 64) * 2));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = file(&model(), 4, 16);
    for length in 0..whole.len() {
        let error = open(&whole[..length]).expect_err("a cut file was taken");
        let named = matches!(error, GgufError::Truncated { .. } | GgufError::Malformed { .. });
        assert!(named, "{length} bytes: {error}");
    }
}

#[test]
fn nonsense_is_refused_with_its_reason() {
    let huge = [&b"GGUF"[..], &3u32.to_le_bytes(), &u64::MAX.to_le_bytes(), &[0; 8]].concat();
    let strange = file(&[entry("a", 77, &[])], 4, 16);
    let cases = [
        (b"RIFF....".to_vec(), "letters GGUF"),
        ([&b"GGUF"[..], &9u32.to_le_bytes()].concat(), "version 9"),
        (huge, "tensors"),
        (strange, "unknown type 77"),
        (file(&model(), u64::MAX, 16), "cut short"),
    ];
    for (bytes, expected) in cases {
        let why = open(&bytes).expect_err("nonsense was taken").to_string();
        assert!(why.contains(expected) && why.contains("troupe models"), "{why}");
    }
}

#[test]
fn a_missing_file_names_the_mend() {
    let error = Gguf::open("/no/such/model.gguf".as_ref()).unwrap_err().to_string();
    assert!(
        error.contains("/no/such/model.gguf") && error.contains("troupe models pull"),
        "{error}"
    );
}

#[test]
fn a_table_of_scores_that_is_too_large_leaves_the_attention_to_llama_cpp() {
    let gguf = open(&file(&model(), 4, 16)).unwrap();
    let flashes = |step_tokens| {
        let ask = Ask { seats: 1, context_tokens: 8_192, step_tokens, media_bytes: 0 };
        budget::check(&gguf, ask, None).unwrap().flash_attention
    };
    // 9 heads, 8,192 places, two tables of 4-byte numbers: 302 MB, and 604.
    assert!(!flashes(512));
    assert!(flashes(1_024));
}

#[test]
fn a_model_that_does_not_fit_is_refused_with_what_it_needs_and_what_is_free() {
    let gguf = open(&file(&model(), 4, 16)).unwrap();
    let ask = Ask { seats: 12, context_tokens: 4_096, step_tokens: 512, media_bytes: 0 };
    let cache_bytes = 12 * 4_096 * 30 * 3 * (64 + 64) * 2;
    let error = budget::check(&gguf, ask, Some(cache_bytes)).unwrap_err();
    let LoadError::Memory { needed_mib, free_mib } = error else { panic!("{error}") };
    // Beside the weights it is below a gibibyte and a half.
    assert!(free_mib == cache_bytes >> 20 && needed_mib > free_mib && needed_mib < 1_536);
    assert!(error.to_string().contains(&format!("{needed_mib} MiB and {free_mib} MiB")));
    let fit = budget::check(&gguf, ask, Some((needed_mib + 1) << 20)).unwrap();
    assert_eq!(fit, Fit { tokens: 12 * 4_096, flash_attention: false });
    let sees = Ask { media_bytes: 2 << 20, ..ask };
    assert!(budget::check(&gguf, sees, Some((needed_mib + 1) << 20)).is_err());
    let absurd = budget::check(&gguf, Ask { context_tokens: u32::MAX, ..ask }, None).unwrap_err();
    assert!(absurd.to_string().contains("models.context_tokens is 4294967295"), "{absurd}");
}
