//! Models that pass for good as long as only their descriptions are read.

use std::path::Path;

use troupe::llm::llama::{LlamaEngine, Options};
use troupe::time::Clock;

use super::pictures::{WIDTH, with_projector};
use super::projector::{Projector, Value};

fn refusal(options: Options) -> String {
    LlamaEngine::load(options, Clock::start()).err().expect("loaded").to_string()
}

/// A language model of noise that counts rows and columns of pictures, as Qwen2-VL does.
fn counting_sides(path: &Path, width: u32) {
    let mut file = Projector::empty();
    let text = |text: &str| Value::Text(text.to_owned());
    file.set("general.architecture", text("qwen2vl"));
    for (key, number) in [
        ("context_length", 2_048),
        ("embedding_length", width),
        ("block_count", 1),
        ("feed_forward_length", 64),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 2),
    ] {
        file.set(&format!("qwen2vl.{key}"), Value::Number(number));
    }
    file.set("qwen2vl.attention.layer_norm_rms_epsilon", Value::Real(1e-6));
    file.set("qwen2vl.rope.dimension_sections", Value::Numbers(vec![4, 6, 6, 0]));
    file.set("tokenizer.chat_template", text("{% for m in messages %}{{ m.content }}{% endfor %}"));
    // A token for each byte, as GPT-2 spells them, and one that ends.
    let mut beyond = 256;
    let mut spell = |byte: u32| {
        let plain = matches!(byte, 33..=126 | 161..=172 | 174..=255);
        let code = if plain { byte } else { beyond };
        beyond += u32::from(!plain);
        char::from_u32(code).unwrap().to_string()
    };
    let mut tokens: Vec<String> = (0..256).map(&mut spell).collect();
    tokens.push("<|end|>".to_owned());
    let mut kinds = vec![1; 256];
    kinds.push(3);
    file.set("tokenizer.ggml.model", text("gpt2"));
    file.set("tokenizer.ggml.pre", text("qwen2"));
    file.set("tokenizer.ggml.eos_token_id", Value::Number(256));
    file.set("tokenizer.ggml.merges", Value::Texts(vec!["a b".to_owned()]));
    file.set("tokenizer.ggml.tokens", Value::Texts(tokens));
    file.set("tokenizer.ggml.token_type", Value::Numbers(kinds));
    let width = u64::from(width);
    file.noise("token_embd.weight", &[width, 257], 0.1);
    file.noise("output_norm.weight", &[width], 1.0);
    for (name, shape) in [
        ("attn_norm.weight", vec![width]),
        ("attn_q.weight", vec![width, width]),
        ("attn_k.weight", vec![width, width]),
        ("attn_v.weight", vec![width, width]),
        ("attn_q.bias", vec![width]),
        ("attn_k.bias", vec![width]),
        ("attn_v.bias", vec![width]),
        ("attn_output.weight", vec![width, width]),
        ("ffn_norm.weight", vec![width]),
        ("ffn_gate.weight", vec![width, 64]),
        ("ffn_up.weight", vec![width, 64]),
        ("ffn_down.weight", vec![64, width]),
    ] {
        file.noise(&format!("blk.0.{name}"), &shape, 0.1);
    }
    std::fs::write(path, file.bytes()).unwrap();
}

#[test]
fn a_model_that_counts_rows_and_columns_of_pictures_is_refused_with_any_projector() {
    const SMALL: u64 = 64;
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("sides.gguf");
    counting_sides(&model, SMALL as u32);
    let reads = Options { threads: 1, context_tokens: 512, ..Options::new(model.clone(), 1) };
    LlamaEngine::load(reads, Clock::start()).expect("without a projector it is a model like any");
    for projector in [Projector::plain(SMALL), Projector::ears(SMALL)] {
        let options = with_projector(&folder, &projector.bytes());
        let refused = refusal(Options { model: model.clone(), ..options });
        assert!(refused.contains("eyes.gguf cannot be used"), "{refused}");
        assert!(refused.contains("counts rows and columns of pictures (M-RoPE)"), "{refused}");
    }
}

#[test]
fn a_projector_that_would_end_the_process_is_refused_after_a_trial() {
    let folder = tempfile::tempdir().unwrap();
    let tried = |projector: &Projector| {
        let options = with_projector(&folder, &projector.bytes());
        Options { trial: Some(env!("CARGO_BIN_EXE_troupe").into()), ..options }
    };
    let twisted = |mut projector: Projector, name: &str, shape: &[u64]| {
        projector.remove(name);
        projector.noise(name, shape, 0.3);
        projector
    };
    for projector in [
        twisted(Projector::plain(WIDTH), "v.blk.0.ffn_up.weight", &[16, 64]),
        twisted(Projector::plain(WIDTH), "mm.2.weight", &[48, WIDTH]),
        twisted(Projector::ears(WIDTH), "a.blk.0.attn_q.weight", &[48, 32]),
    ] {
        let refused = refusal(tried(&projector));
        assert!(refused.contains("eyes.gguf cannot be used: llama.cpp broke off"), "{refused}");
    }
    LlamaEngine::load(tried(&Projector::both(WIDTH)), Clock::start()).expect("a good one passes");
    // What can be told in a sentence is.
    let mut torn = Projector::plain(WIDTH);
    torn.remove("v.blk.1.attn_out.weight");
    let torn = refusal(tried(&torn));
    assert!(torn.contains("llama.cpp cannot use the projector"), "{torn}");
    let other =
        Options { trial: Some("/no/such/program".into()), ..tried(&Projector::both(WIDTH)) };
    assert!(refusal(other).contains("/no/such/program did not start"));
}
