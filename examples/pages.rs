//! The pages over an invented house, for work on `web/`: a debug build serves the files as they
//! are on disk, so a reload shows every change.
//!
//! `cargo run --no-default-features --example pages [LISTEN [SERVER]]`, then open the printed
//! addresses. The join page reaches a real room when a `livekit-server --dev` runs beside it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use troupe::admin::state::{
    Command, Event, Guesses, HumanStatus, Line, Link, Part, PartState, Parts, Pass, PersonaStatus,
    Publisher, QueueStatus, Seat, Status, Visitor, open,
};
use troupe::admin::{Options, Server};
use troupe::id::{HumanId, LineId, PersonaId, Speaker, TurnId};
use troupe::latency::{Outcome, Stage, TurnRecord};
use troupe::persona::Mode;
use troupe::room::{AgentState, Caption};
use troupe::turn::Manner;

const ROOM: &str = "demo";
const TALK: [(&str, &str, &str); 4] = [
    (
        "nora",
        "Nora, which plants can live in the shade of my kitchen?",
        "Ferns and ivy are happy in the shade; water them once a week.",
    ),
    (
        "cyrus",
        "Cyrus, how old is the light of the Andromeda galaxy?",
        "It left two and a half \
     million years ago, before there was anybody to see it.",
    ),
    (
        "mira",
        "And what would you cook tonight <b>if</b> it rains?",
        "A slow lentil soup, with cumin and a spoon of lemon at the end.",
    ),
    ("nora", "Does basil need more light than that?", "Yes, basil wants the brightest window."),
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:7878".to_owned()).parse()?;
    let url = args.next().unwrap_or_else(|| "ws://127.0.0.1:7880".to_owned());
    let status = cast(&url);
    let passes = Arc::new(move |visitor: &Visitor| pass(visitor, &url));
    let (publisher, mut commands, house) = open(status, passes);
    let server = Server::bind(Options { listen, token: None }, house).await?;
    println!("join  {}\nadmin {}", server.join_url(), server.admin_url());
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    });
    let obey = publisher.clone();
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Mode { persona, mode } => obey.persona(&persona, |p| p.mode = mode),
                Command::Hush { persona } => obey.state(&persona, AgentState::Listening),
            }
        }
    });
    tokio::spawn(play(publisher));
    server.serve(cancel).await?;
    Ok(())
}

fn pass(visitor: &Visitor, url: &str) -> Result<Pass, String> {
    use livekit_api::access_token::{AccessToken, VideoGrants};
    let grants = VideoGrants {
        room_join: true,
        room: ROOM.to_owned(),
        can_publish: Some(true),
        can_subscribe: Some(true),
        can_publish_data: Some(true),
        ..VideoGrants::default()
    };
    let token = AccessToken::with_api_key("devkey", "secret")
        .with_identity(&visitor.identity)
        .with_name(&visitor.name)
        .with_grants(grants)
        .with_ttl(Duration::from_secs(600))
        .to_jwt()
        .map_err(|error| error.to_string())?;
    Ok(Pass { url: url.to_owned(), token, room: ROOM.to_owned() })
}

fn cast(server: &str) -> Status {
    let persona = |id: &str, name: &str, tokens, ratio| PersonaStatus {
        hosted: true,
        state: AgentState::Listening,
        link: Link { up: true, cause: None },
        seat: Seat { tokens, cached_ratio: Some(ratio) },
        ..PersonaStatus::new(PersonaId::new(id), name, Mode::Open)
    };
    let mut failed = persona("otis", "Otis", 0, 0.0);
    failed.hosted = false;
    failed.restarts = 3;
    failed.link = Link::default();
    failed.seat = Seat::default();
    failed.failed_cause = Some("the room refused it: the key has no leave to join".to_owned());
    let part = |state, detail: &str, restarts| Part { state, detail: detail.to_owned(), restarts };
    let queue = |name: &str, len, bound, dropped| QueueStatus {
        name: name.to_owned(),
        len,
        bound,
        dropped,
    };
    Status {
        version: "0.1.0".to_owned(),
        room: ROOM.to_owned(),
        url: server.to_owned(),
        ready: true,
        personas: vec![
            persona("nora", "Nora", 412, 0.96),
            persona("cyrus", "Cyrus", 388, 0.94),
            persona("mira", "Mira", 501, 0.91),
            failed,
        ],
        humans: vec![HumanStatus {
            id: HumanId::new("tom-1"),
            name: "Tom".to_owned(),
            speaking: false,
        }],
        parts: Parts {
            ears: part(PartState::Up, "whisper-tiny.en", 1),
            engine: part(PartState::Up, "smollm2-135m-instruct", 0),
            voice: part(PartState::Strained, "piper-en-us-joe, slower than speech", 0),
            server: part(PartState::Up, server, 0),
        },
        hearing: Default::default(),
        queues: vec![
            queue("ears", 1, 16, 0),
            queue("engine", 0, 32, 0),
            queue("room.commands", 3, 256, 2),
        ],
        ahead: Guesses::default(),
        pictures: None,
        sounds: None,
        faces: None,
        echo: None,
        recording: None,
    }
}

async fn play(publisher: Publisher) {
    let mut count = 0;
    loop {
        for (who, question, answer) in TALK {
            count += 1;
            scene(&publisher, count, who, question, answer).await;
        }
    }
}

async fn scene(publisher: &Publisher, count: u64, who: &str, question: &str, answer: &str) {
    let wait = |ms| tokio::time::sleep(Duration::from_millis(ms));
    let human = Speaker::Human(HumanId::new("tom-1"));
    let persona = PersonaId::new(who);
    let (asked, said) = (LineId(2 * count), LineId(2 * count + 1));
    publisher.event(Event::Line(Line::new(asked, &human, "Tom", Manner::Heard, question)));
    publisher.state(&persona, AgentState::Thinking);
    wait(900).await;
    publisher.state(&persona, AgentState::Speaking);
    let speaker = Speaker::Persona(persona.clone());
    for word in answer.split_inclusive(' ') {
        let segment = format!("s{count}");
        let caption = Caption { speaker: speaker.clone(), segment, text: word.into(), last: false };
        publisher.event(Event::Caption(caption));
        wait(180).await;
    }
    let name = format!("{}{}", who[..1].to_uppercase(), &who[1..]);
    publisher.event(Event::Line(Line::new(said, &speaker, &name, Manner::Spoken, answer)));
    publisher.state(&persona, AgentState::Listening);
    for (index, id) in ["nora", "cyrus", "mira", "otis"].into_iter().enumerate() {
        let spoke = id == who;
        let turn = TurnId(4 * count + index as u64);
        publisher.event(Event::Turn(Box::new(record(turn, asked, id, spoke, answer))));
    }
    wait(1500).await;
}

fn record(turn: TurnId, line: LineId, persona: &str, spoke: bool, answer: &str) -> TurnRecord {
    let sway = 1.0 + 0.3 * (turn.0 as f64).sin();
    let typical = [310.0, 260.0, 2.0, 8.0, 140.0, 21.0, 160.0, 105.0, 12.0];
    let typed = turn.0.is_multiple_of(3);
    let stages_us = Stage::ALL.into_iter().zip(typical).map(|(stage, ms)| {
        let heard = matches!(stage, Stage::EndOfTurn | Stage::Transcription);
        let there = spoke && !(typed && heard);
        (stage, there.then_some((ms * sway * 1000.0) as u64))
    });
    let stages_us: std::collections::BTreeMap<_, _> = stages_us.collect();
    let missing = stages_us
        .iter()
        .filter(|(_, us)| us.is_none())
        .map(|(stage, _)| (*stage, if spoke { "the line was typed" } else { "no reply" }.into()))
        .collect();
    TurnRecord {
        turn,
        line,
        persona: PersonaId::new(persona),
        outcome: match (spoke, persona) {
            (true, _) => Outcome::Spoke,
            (false, "otis") => Outcome::Asleep,
            (false, "mira") => Outcome::Outbid,
            (false, _) => Outcome::Passed,
        },
        reason: if spoke { "it was named" } else { "another persona was named" }.into(),
        confidence: 0.8,
        e2e_us: spoke.then(|| stages_us.values().flatten().sum()),
        stages_us,
        missing,
        ahead_us: if spoke { [(Stage::Prefill, 92_000)].into() } else { Default::default() },
        prompt_tokens: spoke.then_some(412),
        cached_tokens: spoke.then_some(388),
        completion_tokens: spoke.then_some(24),
        decode_tok_s: spoke.then_some(63.0),
        heard_text: if spoke { answer.to_owned() } else { String::new() },
        pictures: Vec::new(),
        sounds: Vec::new(),
    }
}
