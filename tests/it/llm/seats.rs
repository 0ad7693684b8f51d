//! What the seats of the real engine hold after whatever happened in them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use troupe::id::PersonaId;
use troupe::llm::llama::{LlamaEngine, Options};
use troupe::llm::{Engine, Event, Message, Question, Request, Role, Sampling, Score};
use troupe::time::Clock;

use super::llama::{exact_model, near};

const WAIT: Duration = Duration::from_secs(120);

fn nora() -> PersonaId {
    PersonaId::new("nora")
}

fn say(role: Role, content: &str) -> Message {
    Message::new(role, content)
}

fn system(name: &str) -> Message {
    let rules = "You talk with people in a room. Reply in the first person, in one or two short \
                 sentences. Nora and Max are in the room too.";
    say(Role::System, &format!("{rules} You are {name}."))
}

async fn engine(options: Options) -> LlamaEngine {
    // One thread: tests run side by side.
    let options = Options { threads: 1, context_tokens: 512, ..options };
    let load = || LlamaEngine::load(options, Clock::start()).unwrap();
    tokio::task::spawn_blocking(load).await.unwrap()
}

async fn two_seats() -> LlamaEngine {
    engine(Options::new(exact_model(), 2)).await
}

fn request(messages: &[Message], max_tokens: u32) -> Request {
    Request {
        seat: nora(),
        messages: messages.into(),
        max_tokens,
        sampling: Sampling { temperature: 0.0, ..Sampling::default() },
        stop: Vec::new(),
        deadline: WAIT,
        cancel: CancellationToken::new(),
    }
}

/// The tokens of the prompt that the seat held already, and how many were said.
async fn ask(engine: &LlamaEngine, request: Request) -> (u32, u32) {
    let mut events = engine.generate(request).unwrap();
    let mut cached = 0;
    loop {
        match events.recv().await.expect("an end") {
            Event::Prefilled { cached_tokens, .. } => cached = cached_tokens,
            Event::Done { completion_tokens, .. } => return (cached, completion_tokens),
            Event::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
}

fn question(seat: &PersonaId, before: &[Message], text: &str) -> Question {
    Question { seat: seat.clone(), messages: before.to_vec(), text: text.to_owned() }
}

async fn score(engine: &LlamaEngine, question: Question) -> Score {
    engine.score(vec![question], WAIT).await.unwrap()[0]
}

#[tokio::test]
async fn a_seat_whose_tokens_were_taken_back_is_as_if_it_had_never_had_them() {
    let talk = [system("Nora"), say(Role::User, "Tom: What grows in the shade?\nTom:")];
    let last = question(&nora(), &talk, " I mean behind the house, where the ferns are.");
    let fresh = two_seats().await;
    fresh.warm_up(&nora(), &talk[..1]).await.unwrap();
    let expected = score(&fresh, last.clone()).await;

    let engine = two_seats().await;
    engine.warm_up(&nora(), &talk[..1]).await.unwrap();
    // From a fixed seed, so that a failure can be seen again.
    let mut dice = 17_u32;
    let mut roll = |sides: u32| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (dice >> 16) % sides
    };
    for round in 0..12 {
        let aside = format!("Tom: Forget {round}, tell me of the sea.");
        let other = [system("Nora"), say(Role::User, &aside)];
        match roll(4) {
            // Said and never heard.
            0 => drop(ask(&engine, request(&other, 1 + roll(12))).await),
            // Stopped in the middle.
            1 => drop(engine.generate(request(&other, 200)).unwrap()),
            2 => drop(engine.warm_up(&nora(), &other).await.unwrap()),
            _ => drop(score(&engine, question(&nora(), &other, " And soon!")).await),
        }
        if roll(2) == 0 {
            let found = score(&engine, last.clone()).await;
            assert!(near(found, expected), "round {round}: {found:?}, not {expected:?}");
        }
    }
    let found = score(&engine, last).await;
    assert!(near(found, expected), "{found:?}, not {expected:?}");
}

#[tokio::test]
async fn a_seat_copied_from_another_is_as_if_it_had_been_computed() {
    let talk = [system("Nora"), say(Role::User, "Tom:")];
    let asked = question(&nora(), &talk, " What grows in the shade?");
    let max = PersonaId::new("max");
    let mut scores = Vec::new();
    let mut copied = Vec::new();
    for copy_tokens in [usize::MAX, 16] {
        let engine = engine(Options { copy_tokens, ..Options::new(exact_model(), 2) }).await;
        engine.warm_up(&max, &[system("Max")]).await.unwrap();
        engine.warm_up(&nora(), &talk[..1]).await.unwrap();
        copied.push(engine.stats().copied_tokens);
        scores.push(score(&engine, asked.clone()).await);
        // And the one that it was copied from is whole.
        let theirs = question(&max, &[system("Max"), talk[1].clone()], " Where is the sea?");
        scores.push(score(&engine, theirs).await);
    }
    assert_eq!(copied[0], 0);
    assert!(copied[1] >= 30, "{copied:?}");
    assert!(near(scores[0], scores[2]) && near(scores[1], scores[3]), "{scores:?}");
}

#[tokio::test]
async fn a_likely_text_scores_above_an_unlikely_one_and_is_in_the_seat_then() {
    let engine = two_seats().await;
    let talk = [system("Nora"), say(Role::User, "Tom: The capital of France is")];
    engine.warm_up(&nora(), &talk[..1]).await.unwrap();
    let likely = score(&engine, question(&nora(), &talk, " Paris.")).await;
    let unlikely = score(&engine, question(&nora(), &talk, " Tuesday.")).await;
    assert!(likely.nats_per_token() > unlikely.nats_per_token() + 1.0, "{likely:?} {unlikely:?}");
    // Asked again, it is computed again, to the same end.
    let again = score(&engine, question(&nora(), &talk, " Paris.")).await;
    assert!(near(again, likely), "{again:?}, not {likely:?}");

    let line = " I have walked along the river all day, and now I am hungry and tired.";
    let asked = [system("Nora"), say(Role::User, "Tom:")];
    let read = score(&engine, question(&nora(), &asked, line)).await;
    let whole = [system("Nora"), say(Role::User, &format!("Tom:{line}"))];
    let (cached, _) = ask(&engine, request(&whole, 1)).await;
    assert!(cached >= read.tokens, "only {cached} tokens were kept");
    let none = engine.score(vec![question(&nora(), &talk[..1], " x")], WAIT).await;
    assert!(none.is_err(), "a text without anything before it was scored");
}
