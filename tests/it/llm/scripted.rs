use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;
use troupe::id::PersonaId;
use troupe::llm::scripted::{Counts, Script, ScriptedEngine};
use troupe::llm::{
    Engine, EngineError, Event, Finish, Message, Question, Request, Role, Sampling, Senses,
};
use troupe::picture::Picture;
use troupe::time::Clock;
use troupe::video::I420;

const TOKEN_MS: u64 = 50;

fn nora() -> PersonaId {
    PersonaId::new("nora")
}

fn request(max_tokens: u32) -> Request {
    Request {
        seat: nora(),
        messages: [Message::new(Role::User, "Tom: Hi.")].into(),
        max_tokens,
        sampling: Sampling::default(),
        stop: vec!["\nTom:".to_owned()],
        deadline: Duration::from_secs(5),
        cancel: CancellationToken::new(),
    }
}

fn engine(text: &'static str) -> ScriptedEngine {
    let delay = Duration::from_millis(TOKEN_MS);
    let script = Script::say(text).prefill(delay).per_token(delay);
    ScriptedEngine::by_persona(Clock::start(), [(nora(), script)])
}

async fn all(mut events: Receiver<Event>) -> Vec<Event> {
    let mut seen = Vec::new();
    while let Some(event) = events.recv().await {
        seen.push(event);
    }
    seen
}

/// The events in short: S(tarted), P(refilled), their texts, and how it ended; with times in ms.
fn short(events: &[Event]) -> Vec<String> {
    let ms = |at: &troupe::time::Time| at.as_us() / 1_000;
    let one = |event: &Event| match event {
        Event::Started { at } => format!("S@{}", ms(at)),
        Event::Prefilled { at, .. } => format!("P@{}", ms(at)),
        Event::Counted { prompt_tokens, .. } => format!("C{prompt_tokens}"),
        Event::Text { at, text } => format!("{text}@{}", ms(at)),
        Event::Done { at, finish, completion_tokens } => {
            format!("{finish:?} {completion_tokens}@{}", ms(at))
        }
        Event::Failed { at, error } => format!("{error}@{}", ms(at)),
    };
    events.iter().map(one).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reply_takes_the_time_that_the_script_says() {
    let engine = engine("I see.");
    let events = all(engine.generate(request(10)).unwrap()).await;
    assert_eq!(short(&events), ["S@0", "P@50", "I @100", "see.@150", "Stop 2@150"]);
    let stats = engine.stats();
    assert_eq!((stats.requests, stats.completion_tokens, stats.waiting), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn length_and_stop_texts_end_it() {
    let events = all(engine("a b c d").generate(request(2)).unwrap()).await;
    assert_eq!(short(&events)[2..], ["a @100", "b @150", "Length 2@150"]);
    let events = all(engine("Yes.\nTom: no").generate(request(9)).unwrap()).await;
    assert_eq!(short(&events)[2..], ["Yes.@100", "Stop 1@100"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_seen_at_the_next_token() {
    let request = request(10);
    let cancel = request.cancel.clone();
    let engine = engine("a b c d");
    let mut events = engine.generate(request).unwrap();
    while !matches!(events.recv().await, Some(Event::Text { .. })) {}
    cancel.cancel();
    assert!(matches!(all(events).await[..], [Event::Done { finish: Finish::Cancelled, .. }]));
    assert_eq!(engine.stats().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_receiver_is_a_cancel() {
    let engine = engine("a b c d");
    drop(engine.generate(request(10)).unwrap());
    tokio::time::sleep(Duration::from_millis(2 * TOKEN_MS)).await;
    let stats = engine.stats();
    assert_eq!((stats.cancelled, stats.waiting), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_fails_it() {
    let late = Request { deadline: Duration::from_millis(120), ..request(10) };
    let events = all(engine("a b c d").generate(late).unwrap()).await;
    let short = short(&events);
    assert!(short.last().unwrap().contains("did not answer within 120ms"), "{short:?}");
}

#[tokio::test(start_paused = true)]
async fn more_than_its_capacity_is_refused_at_once() {
    let engine = engine("a b").with_capacity(1);
    let first = engine.generate(request(10)).unwrap();
    let refused = engine.generate(request(10)).unwrap_err();
    assert!(matches!(refused, EngineError::Overloaded { waiting: 1 }), "{refused}");
    all(first).await;
    engine.generate(request(10)).unwrap();
    assert_eq!(engine.stats().refused, 1);
}

#[tokio::test(start_paused = true)]
async fn it_fails_as_often_as_it_is_told() {
    let engine = engine("a").failing(1);
    let events = all(engine.generate(request(10)).unwrap()).await;
    assert!(matches!(events.last(), Some(Event::Failed { .. })));
    let events = all(engine.generate(request(10)).unwrap()).await;
    assert!(matches!(events.last(), Some(Event::Done { finish: Finish::Stop, .. })));
    assert_eq!(engine.counts(), Counts { warm_ups: 0, generations: 2 });
}

#[tokio::test(start_paused = true)]
async fn a_seat_can_be_told_to_stay_cold() {
    let max = PersonaId::new("max");
    let engine = engine("a").warming(Duration::from_millis(30)).cold(max.clone(), "no seat left");
    let warm = engine.warm_up(&nora(), &request(1).messages).await.unwrap();
    assert_eq!(warm.took_us, 30_000);
    assert!(engine.warm_up(&max, &[]).await.unwrap_err().to_string().contains("no seat left"));
    assert_eq!(engine.counts().warm_ups, 2);
}

#[tokio::test(start_paused = true)]
async fn a_text_is_likelier_where_its_words_were_said() {
    let question = |card: &str| Question {
        seat: nora(),
        messages: vec![Message::new(Role::System, card), Message::new(Role::User, "Tom:")],
        text: " How deep do roots grow?".to_owned(),
    };
    let asked = || vec![question("You know roots and soil."), question("You cook.")];
    let ms = Duration::from_millis;
    let able = engine("I see.").scoring(Some(ms(30)));
    let scores = able.score(asked(), ms(100)).await.expect("in time");
    assert_eq!(scores.iter().map(|score| score.tokens).collect::<Vec<_>>(), [5, 5]);
    assert!(scores[0].nats > scores[1].nats, "{scores:?}");
    let late = able.score(asked(), ms(20)).await;
    assert!(matches!(late, Err(EngineError::Deadline(_))), "{late:?}");
    assert!(engine("").scoring(None).score(asked(), ms(20)).await.is_err());
}

fn shows(picture: &Picture) -> Request {
    let mut message = Message::new(Role::User, "Tom: What is it? ");
    message.show(picture.clone());
    Request { messages: [message].into(), ..request(20) }
}

#[tokio::test(start_paused = true)]
async fn it_tells_what_it_was_shown_and_encodes_each_picture_once() {
    let picture = Picture::of_frame(&I420::black(16, 8).unwrap());
    let engine = ScriptedEngine::describing(Clock::start());
    for seat in ["nora", "felix"] {
        let request = Request { seat: PersonaId::new(seat), ..shows(&picture) };
        let told = short(&all(engine.generate(request).unwrap()).await).join("");
        assert!(told.contains(picture.id().as_str()), "{told}");
    }
    let stats = engine.stats();
    assert_eq!((stats.pictures_encoded, stats.pictures_shared), (1, 1));
    let blind = ScriptedEngine::describing(Clock::start()).sensing(Senses::default());
    assert!(matches!(blind.generate(shows(&picture)), Err(EngineError::Blind)));
}
