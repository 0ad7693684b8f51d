//! The real engine with the default model and ears of noise: what sounds do to its seats.

use std::time::Duration;

use troupe::llm::llama::LlamaEngine;
use troupe::llm::{
    Engine, EngineError, EngineStats, Event, Finish, Medium, Message, Question, Request, Role,
};
use troupe::sound::Sound;
use troupe::time::Clock;

use super::llama::{ROUNDING_NATS, near};
use super::pictures::{
    WAIT, WIDTH, ask, assert_as_llama_cpp, assert_copies, assert_taken_back, engine, fresh,
    persona, picture, request, says, score, system, warm, with_projector,
};
use super::projector::{GEMMA_SAMPLES, Projector, Value};

/// Of a sound with [`Projector::ears`].
const PLACES: u32 = 15;

/// A tone of half a second, one for each number.
fn sound(number: u8) -> Sound {
    lasting(number, 8_000)
}

fn lasting(number: u8, samples: usize) -> Sound {
    let pitch = 0.02 * f32::from(number + 1);
    let tone: Vec<f32> = (0..samples).map(|at| (at as f32 * pitch).sin() * 0.4).collect();
    Sound::of_samples(&tone).unwrap()
}

fn heard(number: u8) -> Medium {
    Medium::Sound(sound(number))
}

fn every_kind() -> [Projector; 3] {
    [Projector::ears(WIDTH), Projector::both(WIDTH), Projector::gemma(WIDTH)]
}

async fn hearing(ears: &Projector) -> LlamaEngine {
    // Gemma's 30 seconds are 752 tokens.
    engine(ears, |options| options.context_tokens = 1_024).await
}

#[tokio::test]
async fn what_is_heard_changes_what_is_likely_and_the_same_sound_does_so_equally() {
    for ears in every_kind() {
        let engine = hearing(&ears).await;
        assert!(engine.senses().hears);
        warm(&engine, "nora").await;
        let one = [says("Tom: |\nTom:", &[heard(0)])];
        let other = [says("Tom: |\nTom:", &[heard(5)])];
        let first = score(&engine, &one).await;
        let second = score(&engine, &other).await;
        let again = score(&engine, &one).await;
        assert!((first.nats - second.nats).abs() > 2.0 * ROUNDING_NATS, "{first:?} {second:?}");
        assert!(near(first, again), "{first:?}, then {again:?}");
        // Two engines, two encodings: the same.
        let expected = fresh(&ears, &other).await;
        assert!(near(second, expected), "{second:?}, not {expected:?}");
        // Three prompts gave two sounds.
        let stats = engine.stats();
        let counts = (stats.sounds_encoded, stats.pictures_encoded, stats.failed);
        assert_eq!(counts, (2, 0, 0), "{stats:?}");
    }
}

#[tokio::test]
async fn a_sound_means_what_it_means_to_llama_cpps_own_helper() {
    let both = vec![heard(3), Medium::Picture(picture(2)), heard(4)];
    for (ears, words, media) in [
        (Projector::ears(WIDTH), "Tom: | and tell me.\nTom:", vec![heard(3)]),
        (Projector::ears(WIDTH), "Tom: | and | too.\nTom:", vec![heard(3), heard(4)]),
        (Projector::gemma(WIDTH), "Tom: | and tell me.\nTom:", vec![heard(3)]),
        (Projector::both(WIDTH), "Tom: | of | or | there.\nTom:", both.clone()),
        (Projector::gemma(WIDTH), "Tom: | of | or | there.\nTom:", both),
    ] {
        assert_as_llama_cpp(ears, says(words, &media)).await;
    }
}

#[tokio::test]
async fn a_seat_keeps_sounds_and_takes_them_back_as_if_they_had_never_been_there() {
    for ears in every_kind() {
        let plainly = [says("Tom: What do you think?\nTom:", &[])];
        let talk = [
            says("Tom: |\nZoe: |", &[heard(1), heard(2)]),
            Message::new(Role::Assistant, "nora: It is nice."),
            says("Tom: | And this?\nTom:", &[heard(3)]),
        ];
        let (other, close) = (says("Tom: |", &[heard(4)]), says("Tom: |", &[heard(6)]));
        let engine = hearing(&ears).await;
        assert_taken_back(&engine, &ears, 2 * 12, [&plainly, &talk], [other, close]).await;
    }
}

#[tokio::test]
async fn a_sound_is_encoded_once_for_all_who_hear_it() {
    let engine = engine(&Projector::both(WIDTH), |_| {}).await;
    for name in ["nora", "max", "zoe"] {
        warm(&engine, name).await;
    }
    let media = [Medium::Picture(picture(1)), heard(1)];
    let given = |name: &str| [system(name), says("(Tom's camera: |)\nTom: |", &media)];
    let [nora, max, zoe] = ["nora", "max", "zoe"].map(|name| request(name, &given(name)));
    let all = tokio::join!(ask(&engine, nora), ask(&engine, max), ask(&engine, zoe));
    for (prompt, cached) in [all.0, all.1, all.2].map(Result::unwrap) {
        assert!(prompt - cached > PLACES + 16, "{cached} of {prompt}");
    }
    let stats = engine.stats();
    assert_eq!((stats.sounds_encoded, stats.sounds_shared), (1, 2), "{stats:?}");
    assert_eq!((stats.pictures_encoded, stats.pictures_shared), (1, 2), "{stats:?}");
    assert_eq!(stats.sounds_bytes, u64::from(PLACES) * WIDTH * 4);
    // What a seat holds already is no new use.
    let (prompt, cached) = ask(&engine, request("nora", &given("nora"))).await.unwrap();
    assert_eq!((cached, engine.stats().sounds_shared), (prompt - 1, 2));
}

#[tokio::test]
async fn a_seat_copied_with_a_sound_is_as_if_it_had_been_computed() {
    // Before the names differ, both hear the same.
    let start = says("Tom: | is what all of you hear, wherever you are.", &[heard(2)]);
    let counts = |stats: EngineStats| (stats.sounds_encoded, stats.sounds_shared);
    assert_copies(&Projector::ears(WIDTH), &start, " I hear a street.", PLACES, counts).await;
}

#[tokio::test]
async fn pictures_and_sounds_share_the_memory_that_they_may_take() {
    let bytes = u64::from(PLACES) * WIDTH * 4;
    let engine = engine(&Projector::both(WIDTH), |o| o.media_bytes = 2 * bytes + 10_000).await;
    warm(&engine, "nora").await;
    let given = |medium: Medium| [system("nora"), says("Tom: |", &[medium])];
    for number in 0..5 {
        ask(&engine, request("nora", &given(heard(number)))).await.unwrap();
        let stats = engine.stats();
        assert!(stats.sounds_bytes <= 2 * bytes, "{stats:?}");
        assert_eq!(stats.sounds_encoded, u64::from(number) + 1);
    }
    // A picture takes a sound's place.
    ask(&engine, request("nora", &given(Medium::Picture(picture(1))))).await.unwrap();
    let stats = engine.stats();
    assert_eq!(stats.sounds_bytes, bytes);
    assert!(stats.pictures_bytes > bytes, "{stats:?}");
    ask(&engine, request("nora", &given(heard(4)))).await.unwrap();
    assert_eq!(engine.stats().sounds_encoded, 5, "the newest sound had left");
    ask(&engine, request("nora", &given(heard(0)))).await.unwrap();
    assert_eq!(engine.stats().sounds_encoded, 6, "the oldest sound had stayed");
    // More in one request than there is memory for: each is kept until it is in the seat.
    let all: Vec<_> = (0..6).map(heard).collect();
    let album = [system("nora"), says("Tom: | and | and | and | and | and | there.", &all)];
    let (prompt, _) = ask(&engine, request("nora", &album)).await.unwrap();
    let stats = engine.stats();
    let kept = stats.sounds_bytes + stats.pictures_bytes;
    assert!(prompt > 6 * PLACES && kept <= 2 * bytes + 10_000, "{stats:?}");
    let found = score(&engine, &album[1..]).await;
    let expected = fresh(&Projector::both(WIDTH), &album[1..]).await;
    assert!(near(found, expected), "{found:?}, not {expected:?}");
    assert_eq!(engine.stats().failed, 0);
}

#[tokio::test]
async fn a_full_seat_drops_old_sounds_with_their_lines() {
    let engine = engine(&Projector::ears(WIDTH), |_| {}).await;
    warm(&engine, "nora").await;
    let mut talk = vec![system("nora")];
    for number in 0..16u8 {
        let line = "Tom: | The moss on the northern wall is soft and green after the rain";
        talk.push(says(line, &[heard(number % 8)]));
        talk.push(Message::new(Role::Assistant, "nora: Yes, it needs no roots to hold on."));
    }
    talk.push(says("Tom: |", &[heard(9)]));
    let (prompt, _) = ask(&engine, request("nora", &talk)).await.unwrap();
    let stats = engine.stats();
    assert!(prompt < 400 && stats.shortened == 1, "{prompt} tokens");
    // Those that left with their lines were never encoded.
    assert!((4..9).contains(&stats.sounds_encoded), "{stats:?}");
    let (prompt, cached) = ask(&engine, request("nora", &talk)).await.unwrap();
    assert_eq!((cached, engine.stats().shortened), (prompt - 1, 1));
}

#[tokio::test]
async fn how_long_a_sound_is_decides_how_much_of_a_seat_it_takes() {
    let gemma = hearing(&Projector::gemma(WIDTH)).await;
    let whisper = hearing(&Projector::ears(WIDTH)).await;
    let mut took = Vec::new();
    for engine in [&gemma, &whisper] {
        warm(engine, "nora").await;
        for samples in [1_600, 16_000, 480_000] {
            let sound = Medium::Sound(lasting(1, samples));
            let given = [system("nora"), says("Tom: |", &[sound])];
            took.push(ask(engine, request("nora", &given)).await.unwrap().0);
        }
    }
    let places = |samples: u64| samples.div_ceil(GEMMA_SAMPLES) as u32;
    let more = |than: u32, samples: u64| than + places(samples) - places(1_600);
    assert_eq!(took[1..3], [more(took[0], 16_000), more(took[0], 480_000)]);
    // Whisper's ears make 15 places of whatever they hear, and begin anew after 30 s whole.
    assert_eq!(took[4..], [took[3], took[3] + 15], "{took:?}");
}

#[tokio::test]
async fn an_engine_without_ears_says_so_at_once() {
    let engine = engine(&Projector::plain(WIDTH), |_| {}).await;
    assert!(engine.senses().sees && !engine.senses().hears);
    let given = [system("nora"), says("Tom: |", &[heard(1)])];
    let refused = engine.generate(request("nora", &given));
    assert!(matches!(refused, Err(EngineError::Deaf)));
    let refused = engine.warm_up(&persona("nora"), &given).await;
    assert!(matches!(refused, Err(EngineError::Deaf)));
    let (seat, text) = (persona("nora"), "!".to_owned());
    let question = Question { seat, messages: given.to_vec(), text };
    assert!(matches!(engine.score(vec![question], WAIT).await, Err(EngineError::Deaf)));
    // And one that only hears sees nothing.
    let engine = hearing(&Projector::ears(WIDTH)).await;
    let shown = [system("nora"), says("Tom: |", &[Medium::Picture(picture(1))])];
    assert!(matches!(engine.generate(request("nora", &shown)), Err(EngineError::Blind)));
}

#[tokio::test]
async fn while_sounds_are_encoded_others_speak_and_whoever_waits_can_leave() {
    let engine = engine(&Projector::slow_ears(WIDTH), |_| {}).await;
    for name in ["nora", "max", "zoe"] {
        warm(&engine, name).await;
    }
    let given = |name: &str, number| [system(name), says("Tom: |", &[heard(number)])];
    ask(&engine, request("nora", &given("nora", 1))).await.unwrap();
    // Another, which is encoded from now on: long after all of what follows.
    let waits = request("nora", &given("nora", 2));
    let cancel = waits.cancel.clone();
    let mut waits = engine.generate(waits).unwrap();
    let talk = [system("max"), Message::new(Role::User, "Tom: Hello, Max.")];
    ask(&engine, request("max", &talk)).await.unwrap();
    assert_eq!(engine.stats().sounds_encoded, 1, "the speaker had to wait");
    let deadline = Duration::from_millis(20);
    let late = Request { deadline, ..request("zoe", &given("zoe", 2)) };
    let late = ask(&engine, late).await;
    assert!(matches!(late, Err(EngineError::Deadline(_))), "{late:?}");
    cancel.cancel();
    assert!(matches!(waits.recv().await, Some(Event::Started { .. })));
    let end = waits.recv().await;
    assert!(matches!(end, Some(Event::Done { finish: Finish::Cancelled, .. })), "{end:?}");
    assert_eq!(engine.stats().sounds_encoded, 1, "whoever left had to wait");
    // Its seat is as it was, and hears what it is given next.
    ask(&engine, request("nora", &given("nora", 2))).await.unwrap();
    let stats = engine.stats();
    assert_eq!((stats.cancelled, stats.failed), (1, 1), "{stats:?}");
}

#[tokio::test]
async fn a_sound_that_cannot_be_encoded_fails_its_requests_alone() {
    let mut spoilt = Projector::ears(WIDTH);
    spoilt.spoil("mm.a.mlp.2.weight");
    let engine = engine(&spoilt, |_| {}).await;
    warm(&engine, "nora").await;
    let given = [system("nora"), says("Tom: |", &[heard(1)])];
    let error = ask(&engine, request("nora", &given)).await.unwrap_err().to_string();
    assert!(error.contains("no numbers") && error.ends_with("say it again"), "{error}");
    let said = [system("nora"), Message::new(Role::User, "Tom: Hello, Nora.")];
    ask(&engine, request("nora", &said)).await.unwrap();
    let stats = engine.stats();
    assert_eq!((stats.failed, stats.sounds_encoded, stats.sounds_bytes), (1, 0, 0));
}

#[test]
fn ears_that_cannot_be_used_are_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |bytes: &[u8]| {
        let options = with_projector(&folder, bytes);
        LlamaEngine::load(options, Clock::start()).err().expect("loaded").to_string()
    };
    let wide = refused(&Projector::ears(512).bytes());
    assert!(wide.contains("it makes 512 values of a place, and the model takes 576"), "{wide}");
    // Larger than a seat of 512 tokens.
    let large = refused(&Projector::gemma(WIDTH).bytes());
    assert!(large.contains("a sound of 30 s takes 7") && large.contains("raise"), "{large}");
    // What only llama.cpp knows.
    let mut odd = Projector::ears(WIDTH);
    odd.set("clip.projector_type", Value::Text("trumpet".to_owned()));
    let odd = refused(&odd.bytes());
    assert!(odd.contains("llama.cpp cannot use the projector"), "{odd}");
}
