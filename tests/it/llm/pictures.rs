//! The real engine with the default model and eyes of noise: what pictures do to its seats.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use troupe::id::PersonaId;
use troupe::llm::budget::LoadError;
use troupe::llm::llama::bare::Bare;
use troupe::llm::llama::{LlamaEngine, Options};
use troupe::llm::{
    Engine, EngineError, EngineStats, Event, Finish, Medium, Message, Question, Request, Role,
    Sampling, Score,
};
use troupe::picture::Picture;
use troupe::time::Clock;
use troupe::video::I420;

use super::llama::{ROUNDING_NATS, exact_model, near};
use super::projector::{Projector, Value};

pub(super) const WAIT: Duration = Duration::from_secs(120);
/// Values that stand for a token in the default model.
pub(super) const WIDTH: u64 = 576;
/// Of a picture with [`Projector::plain`].
const PLACES: u32 = 16;

/// An engine with eyes or ears. The folder holds them, and has to live until it is loaded.
pub(super) async fn engine(eyes: &Projector, change: impl FnOnce(&mut Options)) -> LlamaEngine {
    let folder = tempfile::tempdir().unwrap();
    let mut options = with_projector(&folder, &eyes.bytes());
    change(&mut options);
    let load = || LlamaEngine::load(options, Clock::start()).unwrap();
    tokio::task::spawn_blocking(load).await.unwrap()
}

pub(super) fn with_projector(folder: &TempDir, bytes: &[u8]) -> Options {
    let path = folder.path().join("eyes.gguf");
    std::fs::write(&path, bytes).unwrap();
    let projector = Some(path);
    // One thread: tests run side by side.
    Options { threads: 1, context_tokens: 512, projector, ..Options::new(exact_model(), 3) }
}

async fn plain() -> LlamaEngine {
    engine(&Projector::plain(WIDTH), |_| {}).await
}

/// A picture of stripes, one for each number.
pub(super) fn picture(number: u8) -> Picture {
    sized(number, 64, 32)
}

fn sized(number: u8, width: u32, height: u32) -> Picture {
    let mut frame = I420::black(width, height).unwrap();
    let (ys, us, vs) = frame.planes_mut();
    for (at, y) in ys.iter_mut().enumerate() {
        let (column, row) = (at % width as usize, at / width as usize);
        *y = if (column + row) / (2 + usize::from(number)) % 2 == 0 { 30 } else { 200 };
    }
    us.fill(40 + 20 * number);
    vs.fill(220 - 20 * number);
    Picture::of_frame(&frame)
}

pub(super) fn persona(name: &str) -> PersonaId {
    PersonaId::new(name)
}

pub(super) fn system(name: &str) -> Message {
    let rules = "You talk with people in a room. Reply in the first person, in one short sentence.";
    Message::new(Role::System, format!("{rules} You are {name}."))
}

/// Says `words`, with media between them at the marks of `|`.
pub(super) fn says(words: &str, media: &[Medium]) -> Message {
    let mut message = Message::new(Role::User, "");
    let mut media = media.iter();
    for (place, words) in words.split('|').enumerate() {
        match (place > 0).then(|| media.next().unwrap().clone()) {
            Some(Medium::Sound(sound)) => message.play(sound),
            Some(Medium::Picture(picture)) => message.show(picture),
            None => {}
        }
        message.content.push_str(words);
    }
    message
}

/// Says `words`, and shows pictures between them at the marks of `|`.
fn shows(words: &str, pictures: &[Picture]) -> Message {
    let media: Vec<Medium> = pictures.iter().cloned().map(Medium::Picture).collect();
    says(words, &media)
}

pub(super) fn request(seat: &str, messages: &[Message]) -> Request {
    Request {
        seat: persona(seat),
        messages: messages.into(),
        max_tokens: 4,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        stop: Vec::new(),
        deadline: WAIT,
        cancel: CancellationToken::new(),
    }
}

/// The tokens of the prompt, and how many of them the seat held or took from another.
pub(super) async fn ask(engine: &LlamaEngine, request: Request) -> Result<(u32, u32), EngineError> {
    let mut events = engine.generate(request)?;
    let mut counts = (0, 0);
    loop {
        match events.recv().await.expect("an end") {
            Event::Prefilled { prompt_tokens, cached_tokens, .. } => {
                counts = (prompt_tokens, cached_tokens);
            }
            Event::Done { .. } => return Ok(counts),
            Event::Failed { error, .. } => return Err(error),
            _ => {}
        }
    }
}

pub(super) async fn warm(engine: &LlamaEngine, name: &str) {
    engine.warm_up(&persona(name), &[system(name)]).await.unwrap();
}

/// What Nora is scored for.
pub(super) const TEXT: &str = " I like the colours of this, but not the shape.";

/// How likely that is behind what was shown.
pub(super) async fn score(engine: &LlamaEngine, shown: &[Message]) -> Score {
    let messages = [&[system("nora")], shown].concat();
    let question = Question { seat: persona("nora"), messages, text: TEXT.to_owned() };
    engine.score(vec![question], WAIT).await.unwrap()[0]
}

pub(super) async fn fresh(eyes: &Projector, shown: &[Message]) -> Score {
    // Gemma's 30 seconds of sound are 752 tokens.
    let engine = engine(eyes, |options| options.context_tokens = 1_024).await;
    warm(&engine, "nora").await;
    score(&engine, shown).await
}

#[tokio::test]
async fn what_is_shown_changes_what_is_likely_and_the_same_picture_does_so_equally() {
    let eyes = Projector::plain(WIDTH);
    let engine = plain().await;
    assert!(engine.senses().sees);
    warm(&engine, "nora").await;
    let one = [shows("Tom: Look at this: |\nTom:", &[picture(0)])];
    let other = [shows("Tom: Look at this: |\nTom:", &[picture(5)])];
    let first = score(&engine, &one).await;
    let second = score(&engine, &other).await;
    let again = score(&engine, &one).await;
    assert!((first.nats - second.nats).abs() > 5.0 * ROUNDING_NATS, "{first:?} {second:?}");
    assert!(near(first, again), "{first:?}, then {again:?}");
    // Two engines, two encodings: the same.
    let expected = fresh(&eyes, &other).await;
    assert!(near(second, expected), "{second:?}, not {expected:?}");
    let both = [shows("Tom: First | then |\nTom:", &[picture(0), picture(5)])];
    let turned = [shows("Tom: First | then |\nTom:", &[picture(5), picture(0)])];
    let (both, turned) = (score(&engine, &both).await, score(&engine, &turned).await);
    assert!((both.nats - turned.nats).abs() > 2.0 * ROUNDING_NATS, "{both:?} {turned:?}");
    // Six prompts showed two pictures.
    let stats = engine.stats();
    assert_eq!((stats.pictures_encoded, stats.failed), (2, 0), "{stats:?}");
}

#[tokio::test]
async fn a_picture_means_what_it_means_to_llama_cpps_own_helper() {
    for eyes in [Projector::plain(WIDTH), Projector::tiled(WIDTH), Projector::wrapped(WIDTH)] {
        let shown = shows("Tom: Look at this: | and tell me.\nTom:", &[picture(3)]);
        assert_as_llama_cpp(eyes, shown).await;
    }
}

/// What is said means to an engine what it means to llama.cpp's own helper.
pub(super) async fn assert_as_llama_cpp(projector: Projector, said: Message) {
    let found = fresh(&projector, std::slice::from_ref(&said)).await;
    let (system, Message { content: user, media, .. }) = (system("nora").content, said);
    let before = format!("<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{user}");
    let bare = move || {
        let folder = tempfile::tempdir().unwrap();
        let bare = Bare::load(with_projector(&folder, &projector.bytes())).unwrap();
        bare.likelihood(&before, &media, TEXT).unwrap()
    };
    let expected = tokio::task::spawn_blocking(bare).await.unwrap();
    assert!((found.nats - expected).abs() < ROUNDING_NATS, "{user}: {found:?}, not {expected}");
}

#[tokio::test]
async fn a_seat_keeps_pictures_and_takes_them_back_as_if_they_had_never_been_there() {
    for eyes in [Projector::plain(WIDTH), Projector::tiled(WIDTH), Projector::wrapped(WIDTH)] {
        let plainly = [shows("Tom: What do you think?\nTom:", &[])];
        let talk = [
            shows("Tom: This | is my garden, and this | my house.", &[picture(1), picture(2)]),
            Message::new(Role::Assistant, "nora: It is nice."),
            shows("Tom: And this? |\nTom:", &[picture(3)]),
        ];
        let other = shows("Tom: This | is my car.", &[picture(4)]);
        let close = shows("Tom: |", &[picture(6)]);
        let engine = engine(&eyes, |_| {}).await;
        assert_taken_back(&engine, &eyes, 2 * 4, [&plainly, &talk], [other, close]).await;
    }
}

/// A seat keeps the media of a talk and takes them back as if they had never been there: it is as
/// likely there what a fresh one finds, `plainly` and after the `talk`, whose first line has more
/// than so many tokens of media. The media of `other` stand in the same place, and a text is read
/// right behind that of `close`.
pub(super) async fn assert_taken_back(
    engine: &LlamaEngine,
    projector: &Projector,
    media_tokens: u32,
    [plainly, talk]: [&[Message]; 2],
    [other, close]: [Message; 2],
) {
    let (without, all) = (fresh(projector, plainly).await, fresh(projector, talk).await);
    warm(engine, "nora").await;
    // Another medium in the same place, and then none.
    ask(engine, request("nora", &[system("nora"), other])).await.unwrap();
    let found = score(engine, plainly).await;
    assert!(near(found, without), "{found:?}, not {without:?}");
    // Piece by piece, and computed ahead.
    let messages = [&[system("nora")], talk].concat();
    engine.warm_up(&persona("nora"), &messages[..2]).await.unwrap();
    let (prompt, cached) = ask(engine, request("nora", &messages[..2])).await.unwrap();
    assert!(cached > media_tokens && prompt - cached < 12, "{cached} of {prompt} were kept");
    let (prompt, cached) = ask(engine, request("nora", &messages)).await.unwrap();
    assert!(cached > 50, "only {cached} of {prompt} were kept");
    let found = score(engine, talk).await;
    assert!(near(found, all), "{found:?}, not {all:?}");
    let found = score(engine, plainly).await;
    assert!(near(found, without), "{found:?}, not {without:?}");
    // A text right behind a medium is read off the medium's last position.
    let close = [close];
    let (found, again) = (score(engine, &close).await, score(engine, &close).await);
    let expected = fresh(projector, &close).await;
    assert!(near(found, expected) && near(again, expected), "{found:?} {again:?} {expected:?}");
    assert_eq!(engine.stats().failed, 0);
}

#[tokio::test]
async fn a_picture_is_encoded_once_for_all_who_see_it() {
    let engine = plain().await;
    for name in ["nora", "max", "zoe"] {
        warm(&engine, name).await;
    }
    let seen = |name: &str| [system(name), shows("Tom: What is this? |", &[picture(1)])];
    let [nora, max, zoe] = ["nora", "max", "zoe"].map(|name| request(name, &seen(name)));
    let all = tokio::join!(ask(&engine, nora), ask(&engine, max), ask(&engine, zoe));
    for (prompt, cached) in [all.0, all.1, all.2].map(Result::unwrap) {
        assert!(prompt - cached > PLACES, "{cached} of {prompt}");
    }
    let stats = engine.stats();
    assert_eq!((stats.pictures_encoded, stats.pictures_shared), (1, 2), "{stats:?}");
    assert_eq!(stats.pictures_bytes, u64::from(PLACES) * WIDTH * 4);
    // What a seat holds already is no new use.
    let (prompt, cached) = ask(&engine, request("nora", &seen("nora"))).await.unwrap();
    assert_eq!((cached, engine.stats().pictures_shared), (prompt - 1, 2));
}

#[tokio::test]
async fn a_seat_copied_with_a_picture_is_as_if_it_had_been_computed() {
    // Before the names differ, both see the same.
    let start = shows("Tom: This | is where we are, and you are all in it.", &[picture(2)]);
    let counts = |stats: EngineStats| (stats.pictures_encoded, stats.pictures_shared);
    assert_copies(&Projector::plain(WIDTH), &start, " I see a street.", PLACES, counts).await;
}

/// `text` is as likely in a seat that took `start` over from another, with the one medium of so
/// many places in it, as in one that computed it; `counts` are how often that was encoded and
/// shared.
pub(super) async fn assert_copies(
    eyes: &Projector,
    start: &Message,
    text: &str,
    places: u32,
    counts: impl Fn(EngineStats) -> (u64, u64),
) {
    let asked = |name: &str| [start.clone(), Message::new(Role::User, format!("{name}:"))];
    let mut scores = Vec::new();
    for copy_tokens in [usize::MAX, 16] {
        let engine = engine(eyes, |options| options.copy_tokens = copy_tokens).await;
        engine.warm_up(&persona("max"), &asked("Max")).await.unwrap();
        engine.warm_up(&persona("nora"), &asked("Nora")).await.unwrap();
        let stats = engine.stats();
        let copied = stats.copied_tokens > u64::from(places);
        assert_eq!((copied, counts(stats)), (copy_tokens == 16, (1, 1)));
        let (seat, text) = (persona("nora"), text.to_owned());
        let question = Question { seat, messages: asked("Nora").to_vec(), text };
        scores.push(engine.score(vec![question], WAIT).await.unwrap()[0]);
    }
    assert!(near(scores[0], scores[1]), "{scores:?}");
}

#[tokio::test]
async fn encoded_pictures_stay_within_their_memory_and_come_back() {
    let bytes = u64::from(PLACES) * WIDTH * 4;
    let engine = engine(&Projector::plain(WIDTH), |o| o.media_bytes = 2 * bytes + 100).await;
    warm(&engine, "nora").await;
    let shown = |number: u8| [system("nora"), shows("Tom: What? |", &[picture(number)])];
    for number in 0..5 {
        ask(&engine, request("nora", &shown(number))).await.unwrap();
        let stats = engine.stats();
        assert!(stats.pictures_bytes <= 2 * bytes, "{stats:?}");
        assert_eq!(stats.pictures_encoded, u64::from(number) + 1);
    }
    // The seat holds the last: it is not encoded again. The first left long ago, and is.
    ask(&engine, request("nora", &shown(4))).await.unwrap();
    assert_eq!(engine.stats().pictures_encoded, 5);
    ask(&engine, request("nora", &shown(0))).await.unwrap();
    assert_eq!(engine.stats().pictures_encoded, 6);
    // More in one request than there is memory for: each is kept until it is in the seat.
    let all: Vec<_> = (0..6).map(picture).collect();
    let album = [system("nora"), shows("Tom: | and | and | and | and | and | there.", &all)];
    let (prompt, _) = ask(&engine, request("nora", &album)).await.unwrap();
    assert!(prompt > 6 * PLACES && engine.stats().pictures_bytes <= 2 * bytes);
    let found = score(&engine, &album[1..]).await;
    let expected = fresh(&Projector::plain(WIDTH), &album[1..]).await;
    assert!(near(found, expected), "{found:?}, not {expected:?}");
    assert_eq!(engine.stats().failed, 0);
}

#[tokio::test]
async fn a_full_seat_drops_old_pictures_with_their_lines() {
    let engine = plain().await;
    warm(&engine, "nora").await;
    let mut talk = vec![system("nora")];
    for number in 0..16u8 {
        let line = "Tom: The moss on the northern wall is soft and green after the rain |";
        talk.push(shows(line, &[picture(number % 8)]));
        talk.push(Message::new(Role::Assistant, "nora: Yes, it needs no roots to hold on."));
    }
    talk.push(shows("Tom: And now | what?", &[picture(9)]));
    let (prompt, _) = ask(&engine, request("nora", &talk)).await.unwrap();
    let stats = engine.stats();
    assert!(prompt < 400 && stats.shortened == 1, "{prompt} tokens");
    // Those that left with their lines were never encoded.
    assert!((4..9).contains(&stats.pictures_encoded), "{stats:?}");
    let (prompt, cached) = ask(&engine, request("nora", &talk)).await.unwrap();
    assert_eq!((cached, engine.stats().shortened), (prompt - 1, 1));
}

#[tokio::test]
async fn an_engine_without_eyes_says_so_at_once() {
    let options = Options { threads: 1, context_tokens: 512, ..Options::new(exact_model(), 1) };
    let load = || LlamaEngine::load(options, Clock::start()).unwrap();
    let engine = tokio::task::spawn_blocking(load).await.unwrap();
    assert!(!engine.senses().sees);
    let shown = [system("nora"), shows("Tom: What is this? |", &[picture(1)])];
    let refused = engine.generate(request("nora", &shown));
    assert!(matches!(refused, Err(EngineError::Blind)));
    let refused = engine.warm_up(&persona("nora"), &shown).await;
    assert!(matches!(refused, Err(EngineError::Blind)));
    let (seat, text) = (persona("nora"), "!".to_owned());
    let question = Question { seat, messages: shown.to_vec(), text };
    assert!(matches!(engine.score(vec![question], WAIT).await, Err(EngineError::Blind)));
}

#[tokio::test]
async fn while_pictures_are_encoded_others_speak_and_whoever_waits_can_leave() {
    let engine = engine(&Projector::slow(WIDTH), |_| {}).await;
    for name in ["nora", "max", "zoe"] {
        warm(&engine, name).await;
    }
    let seen = |name: &str| [system(name), shows("Tom: What is this? |", &[picture(1)])];
    ask(&engine, request("nora", &seen("nora"))).await.unwrap();
    // Another, which is encoded from now on: long after all of what follows.
    let slowly = |name: &str| [system(name), shows("Tom: What is this? |", &[picture(2)])];
    let waits = request("nora", &slowly("nora"));
    let cancel = waits.cancel.clone();
    let mut waits = engine.generate(waits).unwrap();
    let talk = [system("max"), Message::new(Role::User, "Tom: Hello, Max.")];
    ask(&engine, request("max", &talk)).await.unwrap();
    assert_eq!(engine.stats().pictures_encoded, 1, "the speaker had to wait");
    let late = Request { deadline: Duration::from_millis(20), ..request("zoe", &slowly("zoe")) };
    let late = ask(&engine, late).await;
    assert!(matches!(late, Err(EngineError::Deadline(_))), "{late:?}");
    cancel.cancel();
    assert!(matches!(waits.recv().await, Some(Event::Started { .. })));
    let end = waits.recv().await;
    assert!(matches!(end, Some(Event::Done { finish: Finish::Cancelled, .. })), "{end:?}");
    assert_eq!(engine.stats().pictures_encoded, 1, "whoever left had to wait");
    // Its seat is as it was, and sees what it is shown next.
    ask(&engine, request("nora", &slowly("nora"))).await.unwrap();
    let stats = engine.stats();
    assert_eq!((stats.cancelled, stats.failed), (1, 1), "{stats:?}");
}

#[tokio::test]
async fn a_prompt_with_a_mark_too_many_fails_alone() {
    let engine = plain().await;
    warm(&engine, "nora").await;
    let mut odd = shows("Tom: What is this? |", &[picture(1)]);
    odd.content.push('\u{fffc}');
    let error = ask(&engine, request("nora", &[system("nora"), odd])).await.unwrap_err();
    assert!(error.to_string().contains("2 places for 1 pictures and sounds"), "{error}");
    let fine = [system("nora"), shows("Tom: What is this? |", &[picture(1)])];
    ask(&engine, request("nora", &fine)).await.unwrap();
    let many: Vec<_> = (0..40).map(|at| sized(at % 8, 32 + 2 * u32::from(at), 32)).collect();
    let album = [system("nora"), shows(&"|".repeat(40), &many)];
    let error = ask(&engine, request("nora", &album)).await.unwrap_err();
    assert!(matches!(error, EngineError::TooLong { .. }), "{error}");
    assert_eq!(engine.stats().pictures_encoded, 1);
}

#[tokio::test]
async fn a_picture_that_cannot_be_encoded_fails_its_requests_alone() {
    let mut spoilt = Projector::plain(WIDTH);
    spoilt.spoil("mm.2.bias");
    let engine = engine(&spoilt, |_| {}).await;
    for name in ["nora", "max", "zoe"] {
        warm(&engine, name).await;
    }
    let seen = |name: &str| [system(name), shows("Tom: What is this? |", &[picture(1)])];
    let talk = [system("zoe"), Message::new(Role::User, "Tom: Hello, Zoe.")];
    let [nora, max] = ["nora", "max"].map(|name| request(name, &seen(name)));
    let zoe = request("zoe", &talk);
    let all = tokio::join!(ask(&engine, nora), ask(&engine, max), ask(&engine, zoe));
    for failed in [all.0, all.1] {
        let error = failed.unwrap_err().to_string();
        assert!(error.contains("no numbers") && error.ends_with("show another"), "{error}");
    }
    all.2.unwrap();
    // And their seats are none the worse.
    let said = [system("nora"), Message::new(Role::User, "Tom: Hello, Nora.")];
    ask(&engine, request("nora", &said)).await.unwrap();
    let stats = engine.stats();
    assert_eq!((stats.failed, stats.pictures_encoded, stats.pictures_bytes), (2, 0, 0));
}

#[test]
fn a_projector_that_cannot_be_used_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let load = |options: Options| LlamaEngine::load(options, Clock::start()).err().expect("loaded");
    let refused = |bytes: &[u8]| load(with_projector(&folder, bytes)).to_string();
    let good = Projector::plain(WIDTH).bytes();
    assert!(refused(&good[..good.len() / 2]).contains("it is cut short"));
    assert!(refused(b"nothing of the kind, at all").contains("it is no GGUF file"));
    let wide = refused(&Projector::plain(512).bytes());
    assert!(wide.contains("it makes 512 values of a place, and the model takes 576"), "{wide}");
    let missing = load(Options {
        projector: Some(Path::new("/no/eyes.gguf").to_owned()),
        ..with_projector(&folder, &good)
    });
    assert!(missing.to_string().contains("/no/eyes.gguf cannot be read"), "{missing}");
    // What only llama.cpp knows.
    let mut odd = Projector::plain(WIDTH);
    odd.set("clip.projector_type", Value::Text("kaleidoscope".to_owned()));
    let odd = refused(&odd.bytes());
    assert!(odd.contains("llama.cpp cannot use the projector"), "{odd}");
    let mut torn = Projector::plain(WIDTH);
    torn.remove("v.blk.1.attn_out.weight");
    let torn = refused(&torn.bytes());
    assert!(torn.contains("llama.cpp cannot use the projector"), "{torn}");
    // Larger than a seat, and larger than a step where all of a picture is seen at once.
    let mut fine = Projector::tiled(WIDTH);
    fine.set("clip.vision.image_grid_pinpoints", Value::Numbers(vec![256, 256]));
    let large = refused(&fine.bytes());
    assert!(large.contains("tokens and a seat has 512; raise"), "{large}");
    let narrow =
        Options { step_tokens: 3, ..with_projector(&folder, &Projector::wrapped(WIDTH).bytes()) };
    let narrow = load(narrow);
    assert!(narrow.to_string().contains("4 tokens at once and a step 3"), "{narrow}");
    let memory = load(Options { media_bytes: 1 << 50, ..with_projector(&folder, &good) });
    assert!(matches!(memory, LoadError::Memory { .. }), "{memory}");
}
