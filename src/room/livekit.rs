//! The room on a LiveKit server: one hidden listener that hears all humans, one connection per
//! persona that speaks, writes and shows its state and its face.
//!
//! ```text
//! LiveKitRoom ── listener task      joins, subscribes to humans, sends their captions
//!             │  └─ task per track  hears a human, or looks at its camera or screen when told to
//!             └─ task per persona   joins, publishes its tracks, sends state, captions and chat
//! ```
//! Every task joins again by itself when its connection is lost, with back-off, for ever. The only
//! errors that end the start are those a person has to mend: no server, wrong key, a full room.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use livekit::webrtc::audio_frame::AudioFrame;
use livekit::webrtc::audio_source::AudioSourceOptions;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};

use crate::audio::{FRAME_MS, FRAME_SAMPLES, ROOM_RATE_HZ};
use crate::id::{HumanId, PersonaId, Speaker};
use crate::picture::Source;
use crate::room::token::Mint;
use crate::room::{Backlog, Command, Event, Member, Transport};
use crate::time::Clock;
use crate::video::I420;

mod eyes;
mod face;
mod link;
mod listener;
mod mail;
mod member;
mod outbox;
mod post;
mod upright;
pub mod viewer;
pub mod visitor;

pub use link::JoinError;

/// Room events waiting for the host: ten humans' sound for a second. The senders wait when it is
/// full, and LiveKit's own bounded stream queues drop behind them.
const EVENTS_BOUND: usize = 1_024;
/// A leave that takes longer than this is left to the server's time-out.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What to join, and as whom.
pub struct Options {
    /// `ws://…` or `wss://…`.
    pub url: String,
    pub mint: Mint,
    /// Identity and name of each persona, and what its connection's log stands in.
    pub cast: Vec<(PersonaId, String, Span)>,
}

/// The cast in one LiveKit room.
pub struct LiveKitRoom {
    listener: outbox::Inbox,
    wishes: eyes::Wishes,
    personas: HashMap<PersonaId, Mouth>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

struct Mouth {
    inbox: outbox::Inbox,
    source: NativeAudioSource,
    face: Arc<face::Face>,
}

impl LiveKitRoom {
    /// Joins with everybody in parallel, and returns when each has joined or failed once. A
    /// persona that failed keeps trying; its state comes as [`Event::Link`].
    ///
    /// # Errors
    /// When the listener cannot join.
    pub async fn join(
        options: Options,
        clock: Clock,
    ) -> Result<(Self, mpsc::Receiver<Event>), JoinError> {
        let (events, events_out) = mpsc::channel(EVENTS_BOUND);
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();
        let mut joins = Vec::new();
        let start = |member, name: &str| link::Link {
            url: options.url.clone(),
            mint: options.mint.clone(),
            member,
            name: name.to_owned(),
            events: events.clone(),
            cancel: cancel.clone(),
        };

        let (first, joined) = oneshot::channel();
        joins.push(joined);
        let (listener, outbox) = outbox::pair();
        let (wishes, looks) = eyes::wishes();
        let link = start(Member::Listener, "");
        tasks.spawn(listener::run(link, outbox, looks, clock, first));

        let mut personas = HashMap::new();
        for (id, name, span) in &options.cast {
            let (first, joined) = oneshot::channel();
            joins.push(joined);
            let (inbox, outbox) = outbox::pair();
            let source = voice_source();
            let link = start(Member::Persona(id.clone()), name);
            let face = Arc::new(face::Face::new());
            let member = member::run(link, outbox, source.clone(), Arc::clone(&face), first);
            tasks.spawn(member.instrument(span.clone()));
            personas.insert(id.clone(), Mouth { inbox, source, face });
        }
        tasks.close();

        let room = Self { listener, wishes, personas, cancel, tasks };
        let mut joins = joins.into_iter();
        if let Some(joined) = joins.next()
            && let Err(error) = joined.await.unwrap_or(Err(JoinError::Cancelled))
        {
            room.close().await;
            return Err(error);
        }
        for joined in joins {
            // A persona's failure was told as an event already.
            let _ = joined.await;
        }
        Ok((room, events_out))
    }
}

fn voice_source() -> NativeAudioSource {
    // Two frames: the playout is paced by the caller, and what waits here cannot be taken back
    // any faster than `clear_buffer`.
    const QUEUE_MS: u32 = 2 * FRAME_MS;
    NativeAudioSource::new(AudioSourceOptions::default(), ROOM_RATE_HZ, 1, QUEUE_MS)
}

#[async_trait]
impl Transport for LiveKitRoom {
    fn send(&self, command: Command) {
        let (to, text) = match command {
            Command::State { persona, state } => {
                if let Some(mouth) = self.personas.get(&persona) {
                    mouth.inbox.state(state);
                }
                return;
            }
            Command::Recording(on) => {
                for mouth in self.personas.values() {
                    mouth.inbox.recording(on);
                }
                return;
            }
            Command::Caption(caption) => match &caption.speaker {
                Speaker::Human(_) => (Some(&self.listener), outbox::Text::Caption(caption)),
                Speaker::Persona(id) => (
                    self.personas.get(id).map(|mouth| &mouth.inbox),
                    outbox::Text::Caption(caption),
                ),
            },
            Command::Chat { persona, text } => {
                (self.personas.get(&persona).map(|mouth| &mouth.inbox), outbox::Text::Chat(text))
            }
        };
        match to {
            Some(inbox) => inbox.text(text),
            None => tracing::warn!("a text for a persona that is not in the room was dropped"),
        }
    }

    fn backlog(&self) -> Backlog {
        let personas = self.personas.values().map(|mouth| mouth.inbox.backlog());
        personas.fold(self.listener.backlog(), |sum, one| Backlog {
            waiting: sum.waiting + one.waiting,
            bound: sum.bound + one.bound,
            dropped: sum.dropped + one.dropped,
        })
    }

    async fn voice(&self, persona: &PersonaId, frame: &[i16]) {
        debug_assert_eq!(frame.len(), FRAME_SAMPLES);
        let Some(mouth) = self.personas.get(persona) else { return };
        let frame = AudioFrame {
            data: Cow::Borrowed(frame),
            sample_rate: ROOM_RATE_HZ,
            num_channels: 1,
            samples_per_channel: frame.len() as u32,
        };
        if let Err(error) = mouth.source.capture_frame(&frame).await {
            tracing::debug!(%persona, %error, "a voice frame was not taken");
        }
    }

    fn clear_voice(&self, persona: &PersonaId) {
        if let Some(mouth) = self.personas.get(persona) {
            mouth.source.clear_buffer();
        }
    }

    fn face(&self, persona: &PersonaId, frame: Arc<I420>) {
        if let Some(mouth) = self.personas.get(persona) {
            mouth.face.show(&frame);
        }
    }

    fn is_seen(&self, persona: &PersonaId) -> bool {
        self.personas.get(persona).is_some_and(|mouth| mouth.face.is_seen())
    }

    fn look(&self, human: &HumanId, source: Source) {
        self.wishes.make(human, source);
    }

    async fn close(&self) {
        self.cancel.cancel();
        self.tasks.close();
        if tokio::time::timeout(LEAVE_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!("a participant did not leave in time; the server will drop it");
        }
    }
}
