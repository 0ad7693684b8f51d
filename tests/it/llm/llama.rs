//! The real engine with the default model.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use troupe::id::PersonaId;
use troupe::llm::budget::LoadError;
use troupe::llm::llama::requantise::{Weights, requantise};
use troupe::llm::llama::{LlamaEngine, Options};
use troupe::llm::{Engine, EngineError, Event, Finish, Message, Request, Role, Sampling, Score};
use troupe::time::Clock;

pub(super) fn model() -> PathBuf {
    let root = std::env::var("TROUPE_MODELS").unwrap_or_else(|_| {
        panic!("set TROUPE_MODELS to the folder that `troupe models pull` fills")
    });
    let files = troupe::models::resolve(Path::new(&root), "smollm2-135m-instruct");
    files.unwrap_or_else(|error| panic!("{error}")).main().to_owned()
}

/// The same model with weights that make a seat's numbers depend on what it holds, and hardly on
/// how that came in: the packaged ones round what they are multiplied by to 8 bits, and a last bit
/// that another order of adding changes grows to tenths of a nat. It is made once, and kept where
/// the tests are built: 270 MB.
pub(super) fn exact_model() -> PathBuf {
    static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
        let packaged = model();
        let bytes = std::fs::metadata(&packaged).unwrap().len();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join(format!("exact-of-{bytes}-bytes.gguf"));
        if !path.exists() {
            let unfinished = tempfile::NamedTempFile::new_in(folder).unwrap();
            requantise(&packaged, unfinished.path(), Weights::F16).unwrap();
            unfinished.persist(&path).unwrap();
        }
        path
    });
    MADE.clone()
}

/// Batches of other shapes add up in another order, with [`exact_model`] by less than this.
pub(super) const ROUNDING_NATS: f64 = 0.02;

pub(super) fn near(a: Score, b: Score) -> bool {
    a.tokens == b.tokens && (a.nats - b.nats).abs() < ROUNDING_NATS
}

fn options() -> Options {
    // One thread: tests run side by side.
    Options { threads: 1, context_tokens: 512, ..Options::new(model(), 2) }
}

fn nora() -> PersonaId {
    PersonaId::new("nora")
}

fn say(role: Role, content: &str) -> Message {
    Message::new(role, content)
}

fn system() -> Message {
    say(Role::System, "You are Nora, a botanist. Reply in one short sentence.")
}

fn request(messages: &[Message]) -> Request {
    Request {
        seat: nora(),
        messages: messages.into(),
        max_tokens: 24,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        stop: Vec::new(),
        deadline: Duration::from_secs(120),
        cancel: CancellationToken::new(),
    }
}

async fn warm() -> LlamaEngine {
    warm_with(options()).await
}

async fn warm_with(options: Options) -> LlamaEngine {
    let load = || LlamaEngine::load(options, Clock::start()).unwrap();
    let engine = tokio::task::spawn_blocking(load).await.unwrap();
    engine.warm_up(&nora(), &[system()]).await.unwrap();
    engine
}

struct Reply {
    text: String,
    prompt_tokens: u32,
    cached_tokens: u32,
    end: Result<Finish, EngineError>,
}

/// Reads a reply to its end and checks the order of its events.
async fn read(mut events: Receiver<Event>) -> Reply {
    let mut order = String::new();
    let (mut text, mut prompt_tokens, mut cached_tokens) = (String::new(), 0, 0);
    let mut end = Err(EngineError::Failed("no end came".to_owned()));
    while let Some(event) = events.recv().await {
        order.push(match event {
            Event::Started { .. } => 's',
            Event::Prefilled { prompt_tokens: all, cached_tokens: cached, .. } => {
                (prompt_tokens, cached_tokens) = (all, cached);
                'p'
            }
            // This engine tells it as soon as the prompt is in its seat.
            Event::Counted { .. } => '?',
            Event::Text { text: more, .. } => {
                text += &more;
                't'
            }
            Event::Done { finish, .. } => {
                end = Ok(finish);
                'e'
            }
            Event::Failed { error, .. } => {
                end = Err(error);
                'e'
            }
        });
    }
    let plain = order.trim_start_matches('s').trim_start_matches('p').trim_start_matches('t');
    assert!(plain == "e" && order.matches(['s', 'p']).count() <= 2, "events came as {order}");
    Reply { text, prompt_tokens, cached_tokens, end }
}

async fn ask(engine: &LlamaEngine, messages: &[Message]) -> Reply {
    read(engine.generate(request(messages)).unwrap()).await
}

#[tokio::test]
async fn a_conversation_is_computed_once() {
    let engine = warm().await;
    let mut messages = vec![system()];
    for line in ["Tom: Hi Nora.", "Tom: What grows in the shade?", "Tom: And in the sun?"] {
        messages.push(say(Role::User, line));
        let computed_before = engine.stats().cached_tokens;
        let reply = ask(&engine, &messages).await;
        assert!(matches!(reply.end, Ok(Finish::Stop | Finish::Length)), "{:?}", reply.end);
        assert!(!reply.text.is_empty());
        // Only the new line and the template's words around it: fewer than thirty tokens.
        let computed = reply.prompt_tokens - reply.cached_tokens;
        assert!(computed < 30, "{computed} of {} tokens computed", reply.prompt_tokens);
        assert_eq!(engine.stats().cached_tokens - computed_before, u64::from(reply.cached_tokens));
        messages.push(say(Role::Assistant, reply.text.trim()));
    }
}

#[tokio::test]
async fn lines_of_others_can_be_computed_ahead() {
    let engine = warm().await;
    let others = "Tom: What grows here?\nMax: Nothing but salt and wind, my friend, as ever.";
    let so_far = [system(), say(Role::User, others)];
    engine.warm_up(&nora(), &so_far).await.unwrap();
    let asked = format!("{others}\nTom: And you, Nora?");
    let messages = [system(), say(Role::User, &asked), say(Role::Assistant, "Nora:")];
    let reply = ask(&engine, &messages).await;
    let computed = reply.prompt_tokens - reply.cached_tokens;
    assert!(computed < 20, "{computed} of {} tokens computed", reply.prompt_tokens);
}

#[tokio::test]
async fn what_was_not_heard_leaves_no_trace() {
    let exact = || Options { model: exact_model(), ..options() };
    let engine = warm_with(exact()).await;
    let question = [system(), say(Role::User, "Tom: Tell me about moss.")];
    let whole = ask(&engine, &question).await;
    let heard: String = whole.text.split_inclusive(' ').take(3).collect();
    let cut = [&question[..], &[say(Role::Assistant, heard.trim()), say(Role::User, "Tom: Why?")]];
    let after = ask(&engine, &cut.concat()).await;
    assert!(after.cached_tokens > 20, "the seat was thrown away");
    let fresh = ask(&warm_with(exact()).await, &cut.concat()).await;
    let first_words = |reply: &Reply| reply.text.split(' ').take(4).collect::<Vec<_>>().join(" ");
    assert_eq!(first_words(&after), first_words(&fresh));
}

#[tokio::test]
async fn a_cancel_and_a_dropped_receiver_free_the_seat() {
    let engine = warm().await;
    let messages = [system(), say(Role::User, "Tom: Count from one to one hundred.")];
    let long = || Request { max_tokens: 200, ..request(&messages) };
    let cancelled = long();
    let cancel = cancelled.cancel.clone();
    let mut events = engine.generate(cancelled).unwrap();
    while !matches!(events.recv().await, Some(Event::Text { .. })) {}
    cancel.cancel();
    let mut rest = Vec::new();
    while let Some(event) = events.recv().await {
        rest.push(event);
    }
    // At most the step in hand ends before the cancel is seen.
    assert!(rest.len() <= 3, "{rest:?}");
    assert!(matches!(rest.last(), Some(Event::Done { finish: Finish::Cancelled, .. })));
    drop(engine.generate(long()).unwrap());
    let next = ask(&engine, &messages).await;
    assert!(next.end.is_ok());
    assert_eq!(engine.stats().cancelled, 2);
}

#[tokio::test]
async fn two_seats_speak_at_once() {
    let engine = warm().await;
    let max = PersonaId::new("max");
    engine.warm_up(&max, &[say(Role::System, "You are Max, a sailor.")]).await.unwrap();
    let messages = [system(), say(Role::User, "Tom: Hello.")];
    let first = engine.generate(request(&messages)).unwrap();
    let second = engine.generate(Request { seat: max, ..request(&messages) }).unwrap();
    let (first, second) = tokio::join!(read(first), read(second));
    assert!(first.end.is_ok() && second.end.is_ok());
    assert!(!first.text.is_empty() && !second.text.is_empty());
}

#[tokio::test]
async fn limits_are_kept() {
    let engine = warm().await;
    let messages = [system(), say(Role::User, "Tom: Tell me a long story.")];
    let short = Request { max_tokens: 3, ..request(&messages) };
    assert!(matches!(read(engine.generate(short).unwrap()).await.end, Ok(Finish::Length)));
    let stopped = Request { stop: vec![" ".to_owned()], ..request(&messages) };
    let stopped = read(engine.generate(stopped).unwrap()).await;
    assert!(matches!(stopped.end, Ok(Finish::Stop)) && !stopped.text.contains(' '));
    let late = Request { deadline: Duration::ZERO, ..request(&messages) };
    let late = read(engine.generate(late).unwrap()).await;
    assert!(matches!(late.end, Err(EngineError::Deadline(_))), "{:?}", late.end);
    let stranger = Request { seat: PersonaId::new("zoe"), ..request(&messages) };
    let stranger = read(engine.generate(stranger).unwrap()).await;
    assert!(matches!(stranger.end, Err(EngineError::NoSeat(_))));
    let open: Vec<_> = (0..9).map(|_| engine.generate(request(&messages))).collect();
    assert!(matches!(open.last(), Some(Err(EngineError::Overloaded { waiting: 8 }))));
}

#[tokio::test]
async fn a_full_seat_drops_its_oldest_lines_and_keeps_its_prefix() {
    let engine = warm().await;
    let line = "Tom: The moss on the northern wall is soft and green after the long rain of May.";
    let answer = "Nora: Yes, it drinks the rain and it needs no roots at all to hold on.";
    let pair = [say(Role::User, line), say(Role::Assistant, answer)];
    let talk = |pairs: usize| {
        let past = std::iter::repeat_n(pair.clone(), pairs).flatten();
        let all = std::iter::once(system()).chain(past).chain([say(Role::User, "Tom: So?")]);
        all.collect::<Vec<_>>()
    };
    let full = ask(&engine, &talk(30)).await;
    assert!(full.end.is_ok() && full.prompt_tokens < 400, "{} tokens", full.prompt_tokens);
    assert!(full.cached_tokens > 10, "the prefix was lost");
    assert_eq!(engine.stats().shortened, 1);
    let too_long = [system(), say(Role::User, &"moss ".repeat(600))];
    assert!(matches!(ask(&engine, &too_long).await.end, Err(EngineError::TooLong { .. })));
}

#[test]
fn what_cannot_be_loaded_is_refused_before_it_is_tried() {
    let load =
        |options: Options| LlamaEngine::load(options, Clock::start()).err().expect("it was loaded");
    let absurd = load(Options { context_tokens: 1 << 30, ..options() });
    assert!(absurd.to_string().contains("context_tokens"), "{absurd}");
    let seats = load(Options { seats: 1_000, ..options() });
    assert!(matches!(seats, LoadError::Options(_)), "{seats}");
    let missing = load(Options { model: "/no/model.gguf".into(), ..options() });
    assert!(missing.to_string().contains("troupe models pull"), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.gguf");
    let bytes = std::fs::read(model()).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let cut = load(Options { model: cut, ..options() });
    assert!(cut.to_string().contains("cut short"), "{cut}");
    let broken = folder.path().join("broken.gguf");
    std::fs::write(&broken, with_broken_template(bytes)).unwrap();
    let broken = load(Options { model: broken, ..options() });
    assert!(broken.to_string().contains("chat template has an error"), "{broken}");
}

/// The model with an error in its template's syntax, and nothing moved.
fn with_broken_template(mut bytes: Vec<u8>) -> Vec<u8> {
    let tag = b"{% for message in messages %}";
    let at = bytes.windows(tag.len()).position(|window| window == tag).unwrap();
    bytes[at + tag.len() - 2] = b'$';
    bytes
}
