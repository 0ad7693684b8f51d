//! One spoken reply, from the grant of the floor to its last sample.
//!
//! Three parts run side by side in one task and hand on through bounded queues:
//! the [`writer`] takes text from the engine and cuts it into clauses, the [`reciter`] has them
//! turned into sound, one clause ahead of the playout, and the [`player`] paces the sound into the
//! room, with captions in step. Whatever happens, the last event is [`What::Ended`].

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use crate::llm::guard::{Limits, Names};
use crate::llm::{Engine, Sampling};
use crate::persona::VoiceStyle;
use crate::room::{Command, Transport};
use crate::time::Clock;
use crate::tts::Synthesiser;
use crate::turn::{Grant, Manner, Restart, SpeechEnd};

mod event;
mod lips;
mod player;
mod reciter;
mod trace;
mod track;
mod writer;

pub use event::{Ended, Event, Step, What};
pub use lips::{Lips, Moved};

use event::Reporter;
use player::{Played, Player};
use reciter::Reciter;
use writer::{Writer, Written};

/// The fade of a speech whose handle is dropped.
const DROP_FADE: Duration = Duration::from_millis(20);
/// Clauses that wait for the voice. A full queue holds the writer, and through the engine's own
/// bounded queue the generation, so nothing is dropped; replies rarely have so many.
const CLAUSES_MAX: usize = 64;
/// Sounds that wait for the player or are being made: the voice is so many clauses ahead.
const SOUNDS_MAX: usize = 1;

/// What speeches are made with.
#[derive(Clone)]
pub struct Stage {
    pub engine: Arc<dyn Engine>,
    pub voice: Arc<dyn Synthesiser>,
    pub transport: Arc<dyn Transport>,
    pub clock: Clock,
    /// Whether some human's sound is just rising: a speech does not begin into that, and dips.
    pub rising: watch::Receiver<bool>,
    /// Of all speeches. Each sends [`What::COUNT`] at most; when the queue is full the speech
    /// waits, but its sound does not.
    pub events: mpsc::Sender<Event>,
    /// To the faces.
    pub lips: Lips,
}

/// How one reply is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The speaker's name, which the model may put before its line.
    pub name: String,
    /// Everybody's in the room: a line of anybody else ends the reply.
    pub names: Arc<Names>,
    pub limits: Limits,
    pub style: VoiceStyle,
    pub max_tokens: u32,
    pub sampling: Sampling,
    /// Texts that end the reply.
    pub stop: Vec<String>,
    /// For the generation, from its request on.
    pub deadline: Duration,
    /// What is logged stands in it.
    pub span: Span,
}

/// A speech under way. Dropping it stops the speech.
#[derive(Debug)]
pub struct Handle {
    wish: watch::Sender<Wish>,
    task: JoinHandle<()>,
}

/// What its owner wants a speech to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Play(Restart),
    /// Fall silent within this time, and wait.
    Hold(Duration),
    /// Fall silent within this time, and end.
    Stop(Duration),
}

impl Handle {
    /// Fades the sound out and keeps its place; text and sound are made on as far as they wait.
    /// A speech of which no more than a moment is left goes on to its end.
    pub fn hold(&self, fade: Duration) {
        self.wish(Wish::Hold(fade), |now| matches!(now, Wish::Play(_)));
    }

    /// Goes on after [`Self::hold`].
    pub fn resume(&self, from: Restart) {
        self.wish(Wish::Play(from), |now| matches!(now, Wish::Hold(_)));
    }

    fn wish(&self, wish: Wish, after: impl Fn(&Wish) -> bool) {
        self.wish.send_if_modified(|now| {
            let is_new = after(now);
            if is_new {
                *now = wish;
            }
            is_new
        });
    }

    /// Fades the sound out, cancels what is not yet said, and ends the speech. Later calls change
    /// nothing.
    pub fn stop(&self, fade: Duration) {
        self.wish(Wish::Stop(fade), |now| !matches!(now, Wish::Stop(_)));
    }

    /// Waits until the speech has sent its last event.
    pub async fn finished(mut self) {
        // The task ends by itself; it can only fail by a panic, which the runtime has reported.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop(DROP_FADE);
    }
}

impl Stage {
    /// Starts to speak.
    pub fn speak(&self, grant: Grant, options: Options) -> Handle {
        let (wish, wishes) = watch::channel(Wish::Play(Restart::Clause));
        let span = options.span.clone();
        let reporter = Reporter::new(grant.turn, self.clock, self.events.clone());
        let speech = Speech { stage: self.clone(), grant, options };
        let run = async move {
            // A fault in one speech is the end of that speech, and of no other.
            if AssertUnwindSafe(speech.run(&reporter, wishes)).catch_unwind().await.is_err() {
                tracing::error!("a speech broke off; this is a fault of the program");
                reporter.report(What::Ended(Ended::broken())).await;
            }
        };
        Handle { wish, task: tokio::spawn(run.instrument(span)) }
    }
}

struct Speech {
    stage: Stage,
    grant: Grant,
    options: Options,
}

impl Speech {
    async fn run(self, reporter: &Reporter, wishes: watch::Receiver<Wish>) {
        let turn = self.grant.turn;
        let (to_voice, clauses) = mpsc::channel(CLAUSES_MAX);
        let (to_room, sounds) = mpsc::channel(SOUNDS_MAX);
        let cancel = CancellationToken::new();
        let writer = Writer::new(&self, reporter, cancel.clone());
        let reciter = Reciter::new(&self, reporter, cancel.clone());
        let player = Player::new(&self, reporter);
        let play = async {
            let played = player.run(sounds, wishes).await;
            // Finished or not, nobody listens any more.
            cancel.cancel();
            played
        };
        // In the order of the way, so that a clause becomes sound at once and not when this task
        // comes round again, behind all others.
        let (written, recited, played) = tokio::join!(
            biased;
            Box::pin(writer.run(to_voice)),
            reciter.run(clauses, to_room),
            play,
        );
        if self.grant.manner == Manner::Typed && !written.complete && !played.heard.is_empty() {
            self.chat(played.heard.clone());
        }
        let ended = ended(written, recited, played);
        tracing::debug!(%turn, end = ?ended.end, heard = ended.heard, "speech ended");
        reporter.report(What::Ended(ended)).await;
    }

    fn chat(&self, text: String) {
        self.stage.transport.send(Command::Chat { persona: self.grant.persona.clone(), text });
    }
}

fn ended(written: Written, recited: Result<(), String>, played: Played) -> Ended {
    let failed = |reason: String| SpeechEnd::Failed { reason };
    let end = match (played.end, written.failure, recited) {
        (SpeechEnd::Finished, Some(reason), _) | (SpeechEnd::Finished, None, Err(reason)) => {
            failed(reason)
        }
        (SpeechEnd::Finished, None, Ok(())) if !played.any_sound => {
            failed("the model said nothing".to_owned())
        }
        (end, _, _) => end,
    };
    Ended {
        heard: played.heard,
        said: written.said.trim().to_owned(),
        end,
        completion_tokens: written.completion_tokens,
        decode: written.decode,
        cuts: written.cuts,
    }
}

#[cfg(test)]
mod tests;
