//! The seam between the host and its pages: what the pages show, and what they ask for.
//!
//! The host keeps the [`Publisher`] and takes [`Command`]s; the pages get the [`House`]. Nothing
//! here waits for a reader: status is the newest only, events go through a bounded ring whose
//! oldest entries are overwritten, and the pages count what they missed.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::sync::{broadcast, mpsc, watch};

use super::album::Album;
use crate::eyes::Counts;
use crate::id::{HumanId, LineId, PersonaId, Speaker, TurnId};
use crate::latency::TurnRecord;
use crate::llm::guard::Cuts;
use crate::medium::MediumId;
use crate::persona::Mode;
use crate::picture::Picture;
use crate::room::{AgentState, Caption};
use crate::turn::Manner;

/// Events that the pages may be behind the host. A turn of twelve personas makes about 60 (states,
/// captions, records), so this is some ten seconds of the liveliest room.
pub const EVENTS_MAX: usize = 1024;
/// Commands that may wait for the host; a person clicks far slower than the host takes them. When
/// it is full the page is told to try again.
pub const COMMANDS_MAX: usize = 32;

/// Everything that the pages show apart from turns, lines and latencies.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Status {
    pub version: String,
    pub room: String,
    /// The LiveKit server's WebSocket address, as a browser reaches it.
    pub url: String,
    /// Everybody who can be hosted is.
    pub ready: bool,
    pub personas: Vec<PersonaStatus>,
    pub humans: Vec<HumanStatus>,
    pub parts: Parts,
    pub hearing: Hearing,
    pub queues: Vec<QueueStatus>,
    pub ahead: Guesses,
    /// None while no microphone may have heard the cast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<Echo>,
    /// None where nobody has a face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faces: Option<Faces>,
    /// None where nobody sees and nothing was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<Pictures>,
    /// None where nobody hears.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sounds: Option<SoundCounts>,
    /// The newest recording; none before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
}

/// Seats that took in what a human was still saying, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Guesses {
    pub made: u64,
    /// That persona answered, and these were the words.
    pub right: u64,
    /// Of the engine's time, what went into the others.
    pub wasted_us: u64,
}

/// What was done about the cast's own sound in humans' microphones, since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Echo {
    /// Microphones that were found to hear the cast.
    pub microphones: u64,
    /// Sound that was replaced by silence.
    pub silenced_ms: u64,
    /// Sound that was held back until it was known what it is.
    pub held_back_ms: u64,
    /// Lines that were the cast's own words.
    pub lines: u64,
}

/// What people showed and the model was shown, counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pictures {
    #[serde(flatten)]
    pub seen: Counts,
    /// Frames and files that found no place.
    pub dropped: u64,
    /// Pictures that the engine made into what the model takes, each once for everybody.
    pub encoded: u64,
    /// Times that a prompt began to use one of these.
    pub shared: u64,
    /// Memory that they take.
    pub bytes: u64,
}

/// What people said and the model heard, counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SoundCounts {
    /// Sounds that went with a line.
    pub given: u64,
    /// Lines of which those who hear had the words only: their sound was too short or too long.
    pub dropped: u64,
    /// Sounds that the engine made into what the model takes, each once for everybody.
    pub encoded: u64,
    /// Times that a prompt began to use one of these.
    pub shared: u64,
    /// Memory that they take.
    pub bytes: u64,
}

/// How the drawing of the faces goes, counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faces {
    pub drawn: u64,
    /// Pictures that were due, and not drawn: nobody looked, or nothing had changed.
    pub skipped: u64,
    /// Pictures that came late.
    pub late: u64,
    /// Frames of voices that the mouths missed.
    pub unheard: u64,
    /// Pictures that could not be drawn, by a fault of the program.
    pub failed: u64,
    /// Pictures a second of a face that speaks; fewer when the processor is short.
    pub fps: u32,
    /// The longest that one took, the wait for a thread included.
    pub draw_us_max: u64,
}

/// How the recording of the room does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recording {
    /// Up while it runs.
    pub state: PartState,
    /// Why it does not, in one sentence.
    pub cause: Option<String>,
    /// Records that found no place in its queue.
    pub dropped: u64,
    /// Of its tape.
    pub folder: String,
}

/// One configured persona.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PersonaStatus {
    pub id: PersonaId,
    pub name: String,
    pub mode: Mode,
    pub state: AgentState,
    /// It is in the room and its seat is warm.
    pub hosted: bool,
    /// Why it is not, in one sentence.
    pub failed_cause: Option<String>,
    pub restarts: u64,
    /// Sentences of its replies that were not said, since the start.
    pub cuts: Cuts,
    pub link: Link,
    pub seat: Seat,
    /// The name of its LoRA, when it has one.
    pub adapter: Option<String>,
}

impl PersonaStatus {
    /// A persona that is not hosted yet.
    pub fn new(id: PersonaId, name: impl Into<String>, mode: Mode) -> Self {
        Self {
            id,
            name: name.into(),
            mode,
            state: AgentState::Initializing,
            hosted: false,
            failed_cause: None,
            restarts: 0,
            cuts: Cuts::default(),
            link: Link::default(),
            seat: Seat::default(),
            adapter: None,
        }
    }
}

/// One participant's connection to the room.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Link {
    pub up: bool,
    /// Why it is down, in one sentence.
    pub cause: Option<String>,
}

/// How full a persona's seat is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Seat {
    /// Tokens of its last prompt.
    pub tokens: u32,
    /// The part of all its prompts' tokens that the seat already held, 0 to 1; none before the
    /// first turn.
    pub cached_ratio: Option<f32>,
}

/// One human in the room.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HumanStatus {
    pub id: HumanId,
    pub name: String,
    pub speaking: bool,
}

/// The parts that a cast leans on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    pub ears: Part,
    pub engine: Part,
    pub voice: Part,
    pub server: Part,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    pub state: PartState,
    /// What it is (a model, an address) when it is up, what is wrong when it is not.
    pub detail: String,
    pub restarts: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartState {
    #[default]
    Starting,
    Up,
    /// It works, but not as it should.
    Strained,
    /// It is being brought back.
    Down,
}

/// How hearing goes, counted since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Hearing {
    /// Utterances that became text.
    pub heard: u64,
    /// Texts that were no speech, and were dropped.
    pub gated: u64,
    /// Utterances that the recogniser gave up.
    pub failed: u64,
    pub recognition_us_max: u64,
    pub early: EarlyPasses,
    /// None where no model judges pauses.
    pub pauses: Option<JudgedPauses>,
}

/// Recognition in a pause, ahead of the end of the turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EarlyPasses {
    pub begun: u64,
    /// Their text was there when the turn ended.
    pub used: u64,
    /// The speaker went on, or something else came first.
    pub thrown: u64,
}

/// What the model that judges whether a turn is over has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct JudgedPauses {
    pub answered: u64,
    /// Too many at once, or too late to be of use: the fixed wait held.
    pub skipped: u64,
    pub failed: u64,
    pub took_us_max: u64,
}

/// A bounded queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueStatus {
    pub name: String,
    pub len: u64,
    pub bound: u64,
    /// Since the start.
    pub dropped: u64,
}

/// What happens, as it happens.
#[derive(Clone, Debug)]
pub enum Event {
    State {
        persona: PersonaId,
        state: AgentState,
    },
    Line(Line),
    /// Text as it comes; the line follows when it is whole.
    Caption(Caption),
    /// One persona's handling of a human line, settled.
    Turn(Box<TurnRecord>),
}

/// An entry of the transcript as the pages show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub id: LineId,
    /// The participant identity.
    pub speaker: String,
    pub name: String,
    pub human: bool,
    pub manner: Manner,
    pub text: String,
    /// What was shown with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<MediumId>,
    /// How it sounded, for those who hear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<MediumId>,
}

impl Line {
    pub fn new(id: LineId, speaker: &Speaker, name: &str, manner: Manner, text: &str) -> Self {
        Self {
            id,
            speaker: speaker.as_str().to_owned(),
            name: name.to_owned(),
            human: speaker.is_human(),
            manner,
            text: text.to_owned(),
            pictures: Vec::new(),
            sound: None,
        }
    }
}

impl From<&crate::turn::Line> for Line {
    fn from(line: &crate::turn::Line) -> Self {
        Self::new(line.id, &line.speaker, &line.name, line.manner, &line.text)
    }
}

/// What a page asks of the host. The persona exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Mode { persona: PersonaId, mode: Mode },
    Hush { persona: PersonaId },
}

/// Somebody who wants to join by the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// New in the room, and no persona's.
    pub identity: String,
    /// As it was typed, trimmed; 1 to 40 characters, none of them a control character.
    pub name: String,
}

/// Leave to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The LiveKit server's WebSocket address, as the browser reaches it.
    pub url: String,
    /// Short-lived, for this room only.
    pub token: String,
    pub room: String,
}

/// Why a turn cannot be heard; each a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSound {
    /// It is on no tape, or nothing of it was aloud.
    Missing(String),
    /// This build cannot.
    NotBuilt(String),
    /// The tape is broken.
    Broken(String),
}

/// Cuts the sound of a turn out of the tape in a folder: a WAV file. It reads the disk and may take
/// a second, so it is called on a thread of its own.
pub type Sounds = Arc<dyn Fn(&Path, TurnId) -> Result<Vec<u8>, NoSound> + Send + Sync>;

/// A persona's face as a PNG file; none for one without a face.
pub type Stills = Arc<dyn Fn(&PersonaId) -> Option<Arc<[u8]>> + Send + Sync>;

/// Makes a pass for a visitor, so that the server's keys stay with the host. The error is a
/// sentence for the visitor.
pub type Passes = Arc<dyn Fn(&Visitor) -> Result<Pass, String> + Send + Sync>;

/// Starts (true) or stops the recording of the room; what is so already stays. Gives how the newest
/// recording does; the error is a sentence.
pub type RecordingSwitch =
    Arc<dyn Fn(bool) -> BoxFuture<'static, Result<Recording, String>> + Send + Sync>;

/// The host's end: it tells the pages what is the case and what happens.
#[derive(Clone, Debug)]
pub struct Publisher {
    status: watch::Sender<Status>,
    events: broadcast::Sender<Event>,
    album: Album,
}

impl Publisher {
    /// A picture that the model may be shown: the pages show it where it is named.
    pub fn picture(&self, picture: Picture) {
        self.album.put(picture);
    }

    /// What the pages show now.
    pub fn status(&self) -> watch::Ref<'_, Status> {
        self.status.borrow()
    }

    /// The status as it changes, the newest only.
    pub fn follow(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Changes the status; the pages hear of it when it differs.
    pub fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            *status != before
        });
    }

    /// Changes one persona's status; an unknown persona changes nothing.
    pub fn persona(&self, id: &PersonaId, change: impl FnOnce(&mut PersonaStatus)) {
        self.status.send_if_modified(|status| {
            let Some(persona) = status.personas.iter_mut().find(|p| p.id == *id) else {
                return false;
            };
            // Of a large cast this one is a small part to compare.
            let before = persona.clone();
            change(persona);
            *persona != before
        });
    }

    /// A persona's new state.
    pub fn state(&self, id: &PersonaId, state: AgentState) {
        self.persona(id, |persona| persona.state = state);
        self.event(Event::State { persona: id.clone(), state });
    }

    /// Something happened. Never waits; without pages it goes nowhere.
    pub fn event(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

/// The pages' end.
pub struct House {
    pub(super) status: watch::Receiver<Status>,
    pub(super) events: broadcast::Receiver<Event>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) passes: Passes,
    pub(super) recording: RecordingSwitch,
    pub(super) stills: Stills,
    pub(super) album: Album,
}

impl House {
    /// With faces; without them the pages show letters.
    #[must_use]
    pub fn with_stills(self, stills: Stills) -> Self {
        Self { stills, ..self }
    }

    /// With a recorder; without one the pages refuse to record.
    #[must_use]
    pub fn recorded_by(self, recording: RecordingSwitch) -> Self {
        Self { recording, ..self }
    }
}

/// Makes both ends and the host's inbox. `status` has the whole cast, hosted or not.
pub fn open(status: Status, passes: Passes) -> (Publisher, mpsc::Receiver<Command>, House) {
    let (status_tx, status) = watch::channel(status);
    let (events_tx, events) = broadcast::channel(EVENTS_MAX);
    let (commands, inbox) = mpsc::channel(COMMANDS_MAX);
    let album = Album::default();
    let publisher = Publisher { status: status_tx, events: events_tx, album: album.clone() };
    let refuses = |_| -> BoxFuture<'static, Result<Recording, String>> {
        Box::pin(async { Err("this host keeps no tapes".to_owned()) })
    };
    let recording: RecordingSwitch = Arc::new(refuses);
    let stills: Stills = Arc::new(|_| None);
    (publisher, inbox, House { status, events, commands, passes, recording, stills, album })
}
