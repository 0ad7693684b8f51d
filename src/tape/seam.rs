//! Parts that report to a tap what passes through them. With an idle tap they are the parts
//! themselves.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::record::{Meant, Record, Scored, Voice};
use super::tap::{Line, Tap};
use crate::audio::{Pcm, ROOM_RATE_HZ, samples_to_duration};
use crate::id::PersonaId;
use crate::llm::{
    self, Engine, EngineError, EngineStats, Event, Message, Question, Request, Score, Senses,
    WarmUp,
};
use crate::meaning::{Meaning, Read};
use crate::persona::VoiceStyle;
use crate::room::watched::{Watched, Watcher};
use crate::room::{Command, Transport};
use crate::time::{Clock, Time, micros};
use crate::tts::{Synthesiser, VoiceError};

/// A sample above this is voiced, as the playout has it: 1 % of full scale.
const VOICED_LEVEL: u16 = 328;

impl Tap {
    /// A transport whose commands and voices are reported.
    pub fn transport(&self, inner: Arc<dyn Transport>, clock: Clock) -> Arc<dyn Transport> {
        if self.is_off() { inner } else { Arc::new(Watched::new(inner, clock, self.clone())) }
    }

    /// An engine whose answers are reported.
    pub fn engine(&self, inner: Arc<dyn Engine>, clock: Clock) -> Arc<dyn Engine> {
        if !self.keeps_everything() {
            return inner;
        }
        let tapped = Tapped { tap: self.clone(), clock, inner };
        Arc::new(TappedEngine { tapped, tasks: TaskTracker::new() })
    }

    /// A voice whose clauses are reported.
    pub fn voice(&self, inner: Arc<dyn Synthesiser>, clock: Clock) -> Arc<dyn Synthesiser> {
        if !self.keeps_everything() {
            return inner;
        }
        Arc::new(Tapped { tap: self.clone(), clock, inner })
    }

    /// A reader whose meanings are reported.
    pub fn reader(&self, inner: Arc<dyn Read>, clock: Clock) -> Arc<dyn Read> {
        if !self.keeps_everything() {
            return inner;
        }
        let tapped = Tapped { tap: self.clone(), clock, inner };
        Arc::new(TappedReader { tapped })
    }
}

struct Tapped<T: ?Sized> {
    tap: Tap,
    clock: Clock,
    inner: Arc<T>,
}

impl Watcher for Tap {
    fn sent(&self, at: Time, command: &Command) {
        self.command(at, command);
    }

    fn voiced(&self, persona: &PersonaId, end: Time, frame: &[i16]) {
        self.sound(persona.as_str(), end, ROOM_RATE_HZ, frame);
    }
}

struct TappedEngine {
    tapped: Tapped<dyn Engine>,
    tasks: TaskTracker,
}

#[async_trait]
impl Engine for TappedEngine {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        self.tapped.inner.warm_up(seat, messages).await
    }

    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        let Tapped { tap, clock, inner } = &self.tapped;
        let (begun, prompt) = (clock.now(), fingerprint_of(&questions));
        let scores = inner.score(questions, deadline).await;
        tap.record(clock.now(), || {
            Record::Scored(Scored::new(prompt, clock.now().since(begun), &scores))
        });
        scores
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        let Tapped { tap, clock, inner } = &self.tapped;
        // All of a request is on the tape on which it was asked, or nothing.
        let Some(tape) = tap.tape() else { return inner.generate(request) };
        let number = tape.next_request();
        tape.record(clock.now(), || Record::Asked {
            request: number,
            persona: request.seat.clone(),
            prompt: fingerprint(&request.messages),
        });
        match inner.generate(request) {
            Ok(events) => {
                let (forward, receiver) = mpsc::channel(events.max_capacity());
                self.tasks.spawn(follow(tape, number, events, forward));
                Ok(receiver)
            }
            Err(error) => {
                tape.record(clock.now(), || Record::Failed {
                    request: number,
                    error: error.to_string(),
                    refused: true,
                });
                Err(error)
            }
        }
    }

    fn senses(&self) -> Senses {
        self.tapped.inner.senses()
    }

    fn stats(&self) -> EngineStats {
        self.tapped.inner.stats()
    }
}

/// Passes the events on. A receiver that is gone cancels, as it does without us.
async fn follow(
    tape: Arc<Line>,
    number: u64,
    mut events: mpsc::Receiver<Event>,
    forward: mpsc::Sender<Event>,
) {
    loop {
        let Some(event) = llm::next(&mut events, &forward).await else { return };
        let (at, record) = step(number, &event);
        tape.record(at, || record);
        if forward.send(event).await.is_err() {
            return;
        }
    }
}

/// What the engine did, and when.
fn step(request: u64, event: &Event) -> (Time, Record) {
    match event {
        Event::Started { at } => (*at, Record::Started { request }),
        Event::Prefilled { at, prompt_tokens, cached_tokens } => {
            let (prompt_tokens, cached_tokens) = (*prompt_tokens, *cached_tokens);
            (*at, Record::Prefilled { request, prompt_tokens, cached_tokens })
        }
        Event::Counted { at, prompt_tokens, cached_tokens } => {
            let (prompt_tokens, cached_tokens) = (*prompt_tokens, *cached_tokens);
            (*at, Record::Counted { request, prompt_tokens, cached_tokens })
        }
        Event::Text { at, text } => (*at, Record::Text { request, text: text.clone() }),
        Event::Done { at, finish, completion_tokens } => {
            let (finish, completion_tokens) = (*finish, *completion_tokens);
            (*at, Record::Done { request, finish, completion_tokens })
        }
        Event::Failed { at, error } => {
            (*at, Record::Failed { request, error: error.to_string(), refused: false })
        }
    }
}

struct TappedReader {
    tapped: Tapped<dyn Read>,
}

#[async_trait]
impl Read for TappedReader {
    async fn read(&self, text: &str) -> Option<Meaning> {
        let Tapped { tap, clock, inner } = &self.tapped;
        let begun = clock.now();
        let meaning = inner.read(text).await?;
        let now = clock.now();
        tap.record(now, || {
            let took_us = micros(now.since(begun));
            Record::Meant(Meant::new(fingerprint_of_text(text), took_us, meaning.clone()))
        });
        Some(meaning)
    }
}

/// Tells two texts apart.
pub fn fingerprint_of_text(text: &str) -> String {
    short(Sha256::new_with_prefix(text))
}

/// Tells two questions apart, whoever asks them.
pub fn fingerprint_of(questions: &[Question]) -> String {
    let mut digest = Sha256::new();
    for question in questions {
        digest.update(format!("{}\n{}\n", question.seat, fingerprint(&question.messages)));
        digest.update(format!("{}\n", question.text));
    }
    short(digest)
}

/// Tells two prompts apart.
fn fingerprint(messages: &[Message]) -> String {
    let mut digest = Sha256::new();
    for message in messages {
        digest.update(format!("{:?}\n{}\n", message.role, message.content));
        for medium in &message.media {
            digest.update(format!("{}\n", medium.id()));
        }
    }
    short(digest)
}

/// The first eight bytes of it.
fn short(digest: Sha256) -> String {
    digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[async_trait]
impl Synthesiser for Tapped<dyn Synthesiser> {
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError> {
        let begun = self.clock.now();
        let sound = self.inner.synthesise(text, style).await;
        let took_us = micros(self.clock.now().since(begun));
        self.tap.record(self.clock.now(), || {
            let (sound_us, lead_us) = sound.as_ref().map_or((0, 0), |sound| {
                let voiced = |sample: &i16| sample.unsigned_abs() > VOICED_LEVEL;
                let lead = sound.samples.iter().position(voiced).unwrap_or(sound.samples.len());
                (micros(sound.duration()), micros(samples_to_duration(lead, ROOM_RATE_HZ)))
            });
            let error = sound.as_ref().err().map(ToString::to_string);
            Record::Voice(Voice { text: text.to_owned(), took_us, sound_us, lead_us, error })
        });
        sound
    }
}
