//! A house that is invented: two personas, one visitor, and the pages over it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use troupe::admin::state::{
    Command, EarlyPasses, Faces, Guesses, Hearing, HumanStatus, JudgedPauses, Link, NoSound, Part,
    PartState, Parts, Pass, PersonaStatus, Publisher, QueueStatus, Recording, Seat, Status,
    Visitor, open,
};
use troupe::admin::{Options, Server};
use troupe::id::{HumanId, LineId, PersonaId, TurnId};
use troupe::latency::{Outcome, Stage as StageOfTurn, TurnRecord};
use troupe::persona::Mode;
use troupe::room::AgentState;

/// Pages that are served, and the host's end of them.
pub(super) struct Stage {
    pub(super) at: SocketAddr,
    pub(super) join_url: String,
    pub(super) admin_url: String,
    pub(super) publisher: Publisher,
    pub(super) commands: mpsc::Receiver<Command>,
    cancel: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

impl Stage {
    pub(super) async fn open() -> Self {
        Self::with(None).await
    }

    pub(super) async fn with(token: Option<&str>) -> Self {
        let (publisher, commands, house) = open(status(), Arc::new(pass));
        let house = house.recorded_by(Arc::new(|on| Box::pin(async move { record(on) })));
        let house = house.with_stills(Arc::new(still));
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = Options { listen, token: token.map(str::to_owned) };
        let server = Server::bind(options, house).await.expect("loopback has a free port");
        let server = server.with_sounds(Arc::new(sound));
        let cancel = CancellationToken::new();
        Self {
            at: server.address(),
            join_url: server.join_url(),
            admin_url: server.admin_url(),
            publisher,
            commands,
            cancel: cancel.clone(),
            served: tokio::spawn(server.serve(cancel)),
        }
    }

    /// Stops serving; fails when an open page holds it back.
    pub(super) async fn close(self) {
        self.cancel.cancel();
        let served = timeout(Duration::from_secs(5), self.served).await.expect("it ends by itself");
        served.expect("no panic").expect("no error of the socket");
    }
}

/// The tape has the turn 1; whoever asks for 501 has a build without sound.
fn sound(tape: &Path, turn: TurnId) -> Result<Vec<u8>, NoSound> {
    assert_eq!(tape, Path::new("tapes/demo-1.tape"));
    match turn.0 {
        1 => Ok(b"RIFF of t1".to_vec()),
        500 => Err(NoSound::Broken("the tape is broken".to_owned())),
        501 => Err(NoSound::NotBuilt("this build cannot".to_owned())),
        _ => Err(NoSound::Missing(format!("the turn {turn} is on no tape"))),
    }
}

/// Ada has a face.
fn still(persona: &PersonaId) -> Option<Arc<[u8]>> {
    (persona.as_str() == "ada").then(|| Arc::from(&b"PNG of Ada"[..]))
}

fn pass(visitor: &Visitor) -> Result<Pass, String> {
    if visitor.name == "Full" {
        return Err("the room is full: come back later".to_owned());
    }
    let token = format!("token for {}", visitor.name);
    Ok(Pass { url: "ws://127.0.0.1:7880".to_owned(), token, room: "demo".to_owned() })
}

/// A recorder whose disk is full.
fn record(on: bool) -> Result<Recording, String> {
    if on {
        return Err("the tape cannot be begun: the disk is full".to_owned());
    }
    let (cause, folder) = (Some("the recording ended".to_owned()), "tapes/demo-1.tape".to_owned());
    Ok(Recording { state: PartState::Down, cause, dropped: 2, folder })
}

pub(super) fn status() -> Status {
    let ada = PersonaStatus {
        hosted: true,
        state: AgentState::Listening,
        link: Link { up: true, cause: None },
        seat: Seat { tokens: 412, cached_ratio: Some(0.75) },
        adapter: Some("botanist".to_owned()),
        ..PersonaStatus::new(PersonaId::new("ada"), "Ada", Mode::Open)
    };
    let otis = PersonaStatus {
        failed_cause: Some("the room refused it".to_owned()),
        restarts: 2,
        ..PersonaStatus::new(PersonaId::new("otis"), "Otis", Mode::Asleep)
    };
    let up = |detail: &str| Part { state: PartState::Up, detail: detail.to_owned(), restarts: 0 };
    Status {
        version: "0.1.0".to_owned(),
        room: "demo".to_owned(),
        url: "ws://127.0.0.1:7880".to_owned(),
        ready: true,
        personas: vec![ada, otis],
        humans: vec![HumanStatus {
            id: HumanId::new("tom-1"),
            name: "Tom".to_owned(),
            speaking: true,
        }],
        parts: Parts {
            ears: Part { restarts: 1, ..up("whisper-tiny.en") },
            engine: up("smollm2-135m-instruct"),
            voice: up("piper-en-us-joe"),
            server: up("ws://127.0.0.1:7880"),
        },
        queues: vec![QueueStatus { name: "ears".to_owned(), len: 1, bound: 16, dropped: 3 }],
        ahead: Guesses { made: 7, right: 5, wasted_us: 90_000 },
        echo: None,
        pictures: None,
        sounds: None,
        faces: Some(Faces {
            drawn: 900,
            skipped: 40,
            late: 3,
            unheard: 2,
            failed: 1,
            fps: 12,
            draw_us_max: 4_100,
        }),
        hearing: Hearing {
            heard: 12,
            gated: 2,
            failed: 1,
            recognition_us_max: 310_000,
            early: EarlyPasses { begun: 9, used: 6, thrown: 3 },
            pauses: Some(JudgedPauses { answered: 14, skipped: 1, failed: 0, took_us_max: 61_000 }),
        },
        recording: None,
    }
}

/// A recording that runs.
pub(super) fn recording() -> Recording {
    let folder = "tapes/demo-1.tape".to_owned();
    Recording { state: PartState::Up, cause: None, dropped: 0, folder }
}

/// A turn of `ada` that spoke, every stage 10 ms times its place; or one of `otis` that slept.
pub(super) fn turn(number: u64, persona: &str) -> Box<TurnRecord> {
    let spoke = persona == "ada";
    let stages = StageOfTurn::ALL.into_iter().zip(1..);
    let stages_us = stages.map(|(stage, place)| (stage, spoke.then_some(place * 10_000)));
    let missing = StageOfTurn::ALL.into_iter().map(|stage| (stage, "not granted".into()));
    Box::new(TurnRecord {
        turn: TurnId(number),
        line: LineId(number),
        persona: PersonaId::new(persona),
        outcome: if spoke { Outcome::Spoke } else { Outcome::Asleep },
        reason: if spoke { "named" } else { "asleep" }.into(),
        confidence: 0.75,
        stages_us: stages_us.collect(),
        missing: missing.filter(|_| !spoke).collect(),
        ahead_us: Default::default(),
        e2e_us: spoke.then_some(450_000),
        prompt_tokens: spoke.then_some(412),
        cached_tokens: spoke.then_some(309),
        completion_tokens: spoke.then_some(20),
        decode_tok_s: spoke.then_some(62.5),
        heard_text: if spoke { "Ferns like shade." } else { "" }.to_owned(),
        pictures: Vec::new(),
        sounds: Vec::new(),
    })
}
