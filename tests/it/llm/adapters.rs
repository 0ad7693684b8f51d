//! Adapters on the default model.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use troupe::id::PersonaId;
use troupe::llm::adapter::Adapter;
use troupe::llm::adapter::noise::Noise;
use troupe::llm::llama::{LlamaEngine, Options};
use troupe::llm::{Engine, EngineError, Event, Message, Request, Role, Sampling};
use troupe::time::Clock;

use super::llama::model;

const CAST: [&str; 3] = ["nora", "felix", "ada"];

/// An adapter with the default model's shapes, strong enough to change what it says.
fn noise(seed: u32) -> Noise {
    let blocks = (seed..30).step_by(3);
    blocks.fold(Noise::new("llama"), |noise, block| {
        noise.adapt(&format!("blk.{block}.attn_q.weight"), [576, 576], 8, 0.25).adapt(
            &format!("blk.{block}.ffn_down.weight"),
            [1536, 576],
            8,
            0.25,
        )
    })
}

fn adapters(folder: &Path, scales: [Option<f32>; 3]) -> HashMap<PersonaId, Adapter> {
    let one = |(seed, scale): (usize, Option<f32>)| {
        let adapter =
            noise(seed as u32).write(&folder.join(format!("{}.gguf", CAST[seed]))).unwrap();
        scale.map(|scale| (PersonaId::new(CAST[seed]), Adapter { scale, ..adapter }))
    };
    scales.into_iter().enumerate().filter_map(one).collect()
}

async fn load(adapters: HashMap<PersonaId, Adapter>, adapters_bytes: u64) -> LlamaEngine {
    load_with(Options::new(model(), CAST.len()), adapters, adapters_bytes).await
}

async fn load_with(
    options: Options,
    adapters: HashMap<PersonaId, Adapter>,
    adapters_bytes: u64,
) -> LlamaEngine {
    // One thread: tests run side by side.
    let options = Options { threads: 1, context_tokens: 512, adapters, adapters_bytes, ..options };
    let load = || LlamaEngine::load(options, Clock::start()).unwrap();
    tokio::task::spawn_blocking(load).await.unwrap()
}

fn system() -> Message {
    let content = "You are in a room. Reply in one short sentence.".to_owned();
    Message::new(Role::System, content)
}

/// What a persona says, greedily, to a question.
async fn say(engine: &LlamaEngine, persona: &str) -> String {
    let user = Message::new(Role::User, "Tom: What grows in the shade?");
    let mut events = engine
        .generate(Request {
            seat: PersonaId::new(persona),
            messages: [system(), user].into(),
            max_tokens: 16,
            sampling: Sampling { temperature: 0.0, ..Sampling::default() },
            stop: Vec::new(),
            deadline: Duration::from_secs(120),
            cancel: CancellationToken::new(),
        })
        .unwrap();
    let mut said = String::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Text { text, .. } => said += &text,
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
    said
}

async fn warm(engine: &LlamaEngine) {
    for persona in CAST {
        engine.warm_up(&PersonaId::new(persona), &[system()]).await.unwrap();
    }
}

const ROOMY: u64 = 512 << 20;

#[tokio::test]
async fn an_adapter_changes_what_its_persona_says_and_scale_0_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let scales = [Some(1.0), Some(0.0), None];
    let engine = load(adapters(folder.path(), scales), ROOMY).await;
    warm(&engine).await;
    let base = say(&engine, "ada").await;
    assert!(!base.is_empty());
    assert_ne!(say(&engine, "nora").await, base);
    assert_eq!(say(&engine, "felix").await, base);
}

#[tokio::test]
async fn together_they_say_what_each_says_alone() {
    let folder = tempfile::tempdir().unwrap();
    let all = [Some(1.0), Some(0.7), None];
    let engine = load(adapters(folder.path(), all), ROOMY).await;
    warm(&engine).await;
    let together = tokio::join!(say(&engine, "nora"), say(&engine, "felix"), say(&engine, "ada"),);
    let switches = engine.stats().adapter_switches;
    let alone =
        (say(&engine, "nora").await, say(&engine, "felix").await, say(&engine, "ada").await);
    assert_eq!(together, alone);
    // In steps for one persona after the other, too.
    let options = Options { patience_steps: 1, ..Options::new(model(), CAST.len()) };
    let ungrouped = load_with(options, adapters(folder.path(), all), ROOMY).await;
    warm(&ungrouped).await;
    let by_turns =
        tokio::join!(say(&ungrouped, "nora"), say(&ungrouped, "felix"), say(&ungrouped, "ada"));
    assert_eq!(by_turns, together);
    assert!(ungrouped.stats().adapter_switches > 2 * switches);
    // Three warm-ups, then three replies of 16 tokens: in order of arrival it were some forty.
    assert!(switches <= 12, "{switches} switches");
    assert_eq!(engine.stats().adapter_loads, 2);
}

#[tokio::test]
async fn a_small_budget_keeps_the_adapter_used_last() {
    let folder = tempfile::tempdir().unwrap();
    let adapters = adapters(folder.path(), [Some(1.0), Some(1.0), None]);
    let one = std::fs::metadata(folder.path().join("nora.gguf")).unwrap().len();
    let engine = load(adapters, one * 3 / 2).await;
    warm(&engine).await;
    let first = say(&engine, "nora").await;
    say(&engine, "felix").await;
    assert_eq!(say(&engine, "nora").await, first);
    let stats = engine.stats();
    assert_eq!((stats.adapter_loads, stats.adapter_evictions), (5, 4));
}

#[tokio::test]
async fn a_wrong_adapter_leaves_out_its_persona_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = Noise::new("qwen2").adapt("blk.0.attn_q.weight", [576, 576], 4, 0.1);
    let foreign = foreign.write(&folder.path().join("foreign.gguf")).unwrap();
    let shapes = Noise::new("llama").adapt("blk.0.attn_q.weight", [64, 64], 4, 0.1);
    let shapes = shapes.write(&folder.path().join("shapes.gguf")).unwrap();
    let adapters = [("nora", foreign), ("felix", shapes)];
    let adapters = adapters.map(|(persona, adapter)| (PersonaId::new(persona), adapter));
    let engine = load(adapters.into(), ROOMY).await;
    for (persona, expected) in [("nora", "it is for qwen2"), ("felix", "shapes")] {
        let error = engine.warm_up(&PersonaId::new(persona), &[system()]).await.unwrap_err();
        assert!(matches!(error, EngineError::Adapter(_)) && error.to_string().contains(expected));
    }
    engine.warm_up(&PersonaId::new("ada"), &[system()]).await.unwrap();
    assert!(!say(&engine, "ada").await.is_empty());
}
