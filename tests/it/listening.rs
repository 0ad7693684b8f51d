//! How a human's line sounded: from the room's sound to the prompts of those who hear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use troupe::config::{Config, EndOfTurn};
use troupe::latency::{Outcome, TurnRecord};
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::llm::{Message, Senses};
use troupe::persona::Hears;
use troupe::stt::scripted::{ScriptedRecogniser, Step};
use troupe::time::Clock;

use super::host::{Stand, config, publisher};

/// All that comes of a line.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause that ends a line.
const PAUSE: Duration = Duration::from_secs(1);

/// Nora hears, Felix hears and reads, and Ada reads.
fn hearing_cast() -> Config {
    let mut config = config();
    config.hearing.end_of_turn = EndOfTurn::Fixed(Duration::from_millis(300));
    config.hearing.early_words = false;
    for persona in &mut config.cast {
        persona.hears = match persona.id.as_str() {
            "nora" => Hears::Audio,
            "felix" => Hears::Both,
            _ => Hears::Transcript,
        };
    }
    config
}

type Prompts = Arc<Mutex<Vec<Arc<[Message]>>>>;

/// An engine that keeps what it was asked, and says "Well."
fn keeping(clock: Clock, senses: Senses) -> (ScriptedEngine, Prompts) {
    let prompts = Prompts::default();
    let kept = Arc::clone(&prompts);
    let engine = ScriptedEngine::new(clock, move |request| {
        kept.lock().unwrap().push(Arc::clone(&request.messages));
        Script::say("Well.")
    });
    (engine.sensing(senses), prompts)
}

const HEARS: Senses = Senses { sees: false, hears: true };

async fn open(clock: Clock, engine: ScriptedEngine, words: &[(&str, u64)]) -> Stand {
    let steps = words.iter().map(|(text, ms)| Step::text(text, Duration::from_millis(*ms)));
    let recogniser = ScriptedRecogniser::in_order(steps.collect::<Vec<_>>());
    let config = hearing_cast();
    let pages = publisher(&config);
    Stand::open_as(&config, clock, Arc::new(engine), recogniser, None, pages).await
}

/// What the newest prompt is answered with: the conversation without its card and cue.
fn newest(prompts: &Prompts) -> Vec<Message> {
    let prompts = prompts.lock().unwrap();
    let newest = prompts.last().expect("somebody was asked");
    newest[1..newest.len() - 1].to_vec()
}

fn text(messages: &[Message]) -> String {
    messages.iter().map(|message| message.content.as_str()).collect::<Vec<_>>().join("\n")
}

fn spoke(records: Vec<TurnRecord>) -> Vec<TurnRecord> {
    records.into_iter().filter(|record| record.outcome == Outcome::Spoke).collect()
}

#[tokio::test(start_paused = true)]
async fn each_takes_a_line_as_it_hears() {
    let clock = Clock::start();
    let (engine, prompts) = keeping(clock, HEARS);
    let lines = [("Nora, who is there?", 50), ("Felix, and you?", 50), ("Ada, well?", 50)];
    let stand = open(clock, engine, &lines).await;

    stand.says_the_question(clock, PAUSE).await;
    tokio::time::sleep(PATIENCE).await;
    let heard = newest(&prompts);
    assert_eq!(text(&heard), "Tom: \u{fffc}");
    let first = heard[0].sounds().next().expect("it is a sound").clone();
    // The whole question, and no more than the pauses around it.
    let wav = hound::WavReader::open("tests/sounds/room_evening.wav").expect("it is there");
    let said = Duration::from_millis(u64::from(wav.duration()) / 16);
    assert!(first.duration() > said / 2, "{:?} of {said:?}", first.duration());
    assert!(first.duration() < said + Duration::from_secs(2));

    stand.says_the_question(clock, PAUSE).await;
    tokio::time::sleep(PATIENCE).await;
    let both = newest(&prompts);
    let told = "Tom: \u{fffc} Nora, who is there?\nNora: Well.\nTom: \u{fffc} Felix, and you?";
    assert_eq!(text(&both), told);
    assert_eq!(both[0].sounds().next(), Some(&first));

    stand.says_the_question(clock, PAUSE).await;
    tokio::time::sleep(PATIENCE).await;
    let read = newest(&prompts);
    assert!(!text(&read).contains('\u{fffc}') && text(&read).ends_with("Tom: Ada, well?"));

    stand.types("Nora, I write now.", PATIENCE).await;
    let typed = newest(&prompts);
    assert!(text(&typed).ends_with("Tom: Nora, I write now."), "{}", text(&typed));
    assert_eq!(typed.iter().flat_map(Message::sounds).count(), 3);

    let sounds = stand.publisher.status().sounds.expect("somebody hears");
    assert_eq!((sounds.given, sounds.dropped), (3, 0));
    assert!(sounds.encoded >= 1 && sounds.shared >= 1, "{sounds:?}");
    let records = spoke(stand.end().await);
    let counts: Vec<usize> = records.iter().map(|record| record.sounds.len()).collect();
    assert_eq!(counts, [1, 2, 0, 3]);
    assert_eq!(records[0].sounds[0], *first.id());
}

#[tokio::test(start_paused = true)]
async fn what_was_said_in_parts_sounds_like_all_of_it() {
    let clock = Clock::start();
    let (engine, prompts) = keeping(clock, HEARS);
    // The first takes so long that the other two wait together, and become one.
    let lines = [("Ada, one.", 30_000), ("Nora, two and three.", 50)];
    let stand = open(clock, engine, &lines).await;
    for _ in 0..3 {
        stand.says_the_question(clock, Duration::from_millis(600)).await;
    }
    tokio::time::sleep(PATIENCE * 3).await;
    let heard = newest(&prompts);
    assert!(text(&heard).ends_with("Tom: \u{fffc}"), "{}", text(&heard));
    let sounds: Vec<_> = heard.iter().flat_map(Message::sounds).collect();
    assert_eq!(sounds.len(), 2);
    assert!(sounds[1].duration() > sounds[0].duration().mul_f32(1.8), "{sounds:?}");
    stand.end().await;
}

#[tokio::test(start_paused = true)]
async fn with_a_model_that_cannot_hear_no_sound_is_kept() {
    let clock = Clock::start();
    let (engine, prompts) = keeping(clock, Senses::default());
    let stand = open(clock, engine, &[("Nora, who is there?", 50)]).await;
    stand.says_the_question(clock, PAUSE).await;
    tokio::time::sleep(PATIENCE).await;
    assert_eq!(text(&newest(&prompts)), "Tom: Nora, who is there?");
    assert_eq!(stand.publisher.status().sounds, None);
    assert!(spoke(stand.end().await)[0].sounds.is_empty());
}
