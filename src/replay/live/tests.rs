//! With engines of the wall clock that are scripted, so that no model is needed.

use tokio::sync::watch;

use super::*;
use crate::config::{Env, Flags, Options};
use crate::llm::scripted::{Script, ScriptedEngine};
use crate::stt::ears;
use crate::stt::end_of_turn::scripted::ScriptedPredictor;
use crate::stt::scripted::{ScriptedRecogniser, Step};
use crate::tts::scripted::ScriptedVoice;

const QUESTION: &[u8] = include_bytes!("../../../tests/sounds/room_evening.wav");
const HEARS: Duration = Duration::from_millis(220);
const PREFILLS: Duration = Duration::from_millis(150);
const SPEAKS: Duration = Duration::from_millis(130);

/// Tom asks twice, a minute apart.
fn tape() -> Tape {
    let text = r#"{"format":"troupe-tape","version":1,"cast":[{"id":"ada","name":"Ada"}]}
{"at_us":0,"kind":"link","persona":"ada","up":true}
{"at_us":1000,"kind":"join","human":"tom","name":"Tom"}
{"at_us":2000,"kind":"says","human":"tom","text":"not asked for","speech_us":1,"took_us":1}
{"at_us":70000000,"kind":"end"}
"#;
    Tape::parse(text.as_bytes()).expect("a good tape")
}

/// The question at these times, in pieces of 10 ms.
fn sound(starts_ms: &[u64]) -> Vec<Sound> {
    let mut wav = hound::WavReader::new(QUESTION).expect("a good file");
    let samples: Vec<i16> = wav.samples().map(|sample| sample.expect("a sample")).collect();
    let piece = |start_ms: u64, (index, samples): (usize, &[i16])| {
        (Time::from_ms(start_ms + 10 * (index as u64 + 1)), samples.to_vec())
    };
    let pieces: Vec<_> = starts_ms
        .iter()
        .flat_map(|start| samples.chunks(160).enumerate().map(|chunk| piece(*start, chunk)))
        .collect();
    vec![Sound { human: HumanId::new("tom"), pieces: Box::new(pieces.into_iter()) }]
}

fn settings() -> Config {
    let env = Env { models_root: Some("unused".into()), ..Env::default() };
    let options = Options::default();
    let mut config =
        Config::resolve(&Flags::default(), &env, &options, Path::new(".")).expect("defaults hold");
    // So that the recogniser's work comes after the silence, and not in it.
    config.hearing.early_words = false;
    config
}

fn replayed(answers: usize) -> (Replay, Duration) {
    let real = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (_ears, ears) = watch::channel(ears::Status::ready());
    let engines = real.block_on(async {
        let engine = ScriptedEngine::new(Clock::start(), |_| {
            Script::say("Seven times nine, and a rest.")
                .prefill(PREFILLS)
                .per_token(Duration::from_millis(15))
        });
        let mut voice = ScriptedVoice::default();
        voice.delay = SPEAKS;
        Engines {
            recogniser: Arc::new(ScriptedRecogniser::in_order(
                (0..answers).map(|_| Step::text("Ada, how was the evening?", HEARS)),
            )),
            ears,
            engine: Arc::new(engine),
            voice: Arc::new(voice),
            predictor: Some(Arc::new(ScriptedPredictor::default())),
            reader: None,
        }
    });
    let tape = tape();
    let config = config(&tape, &settings());
    let begun = Instant::now();
    let replay = play(&tape, sound(&[1_000, 61_000]), &config, engines, &real).expect("it runs");
    (replay, begun.elapsed())
}

#[test]
fn engines_take_what_they_take_and_the_rest_takes_no_time() {
    let (replay, wall) = replayed(2);
    assert!(replay.tape > Duration::from_secs(70), "{:?}", replay.tape);
    // Two answers, of each some 2 s on the wall clock, with a wide margin for a loaded machine.
    assert!(wall < Duration::from_secs(35), "{wall:?} for {:?}", replay.tape);
    let spoken: Vec<_> = replay.turns.iter().filter(|turn| turn.e2e_us.is_some()).collect();
    assert_eq!(spoken.len(), 2, "{:#?}", replay.turns);
    for turn in spoken {
        // The fixed silence, then each engine's work; timers have whole milliseconds.
        let least = Duration::from_millis(300) + HEARS + PREFILLS + SPEAKS;
        let e2e = Duration::from_micros(turn.e2e_us.expect("it was spoken"));
        assert!(e2e >= least - Duration::from_millis(5), "{turn:#?}");
        assert!(e2e < least + Duration::from_secs(2), "{turn:#?}");
    }
    let said = |entry: &&crate::tape::Entry| match &entry.record {
        Record::Line { text, .. } => text == "Ada, how was the evening?",
        _ => false,
    };
    assert_eq!(replay.effects.iter().filter(said).count(), 2);
}

#[test]
fn a_line_that_is_not_understood_is_told_and_nothing_hangs() {
    let (replay, _) = replayed(0);
    assert!(replay.turns.is_empty(), "{:#?}", replay.turns);
}

#[test]
fn a_tape_without_its_sound_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let error = run(place.path(), &tape(), &settings()).expect_err("no sound").to_string();
    assert!(error.contains("sound"), "{error}");
}

#[test]
fn what_is_told_at_one_time_is_the_tapes_first() {
    let feed = vec![(
        Time::from_ms(10),
        Feed::Page(crate::admin::state::Command::Hush {
            persona: crate::id::PersonaId::new("ada"),
        }),
    )];
    let mut sound = sound(&[0]);
    sound[0].pieces =
        Box::new([(Time::from_ms(10), vec![0]), (Time::from_ms(30), vec![0])].into_iter());
    let all: Vec<_> = merged(feed, sound, Time::ZERO, Time::from_ms(20)).collect();
    assert_eq!(all.len(), 2, "what comes after the end is left out");
    assert!(matches!(all[0].1, Feed::Page(_)));
}
