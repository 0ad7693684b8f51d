//! The parts of a simulated room, which watch it while they serve it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::dice::Dice;
use super::plan::{EARS, ENGINE, HUMANS, NAMES, reply, word};
use crate::audio::Clip;
use crate::id::{PersonaId, Speaker};
use crate::llm::Request;
use crate::llm::scripted::{Script, ScriptedEngine};
use crate::room::scripted::ScriptedRoom;
use crate::room::{Caption, Command, Transport};
use crate::stt::{Recogniser, RecogniserError, Recognition};
use crate::time::{Clock, Time};

/// The words of lines that are heard are counted from here, apart from those that are typed.
const HEARD_WORDS: u64 = 1_000;
/// So many of the newest lines are in every prompt, whatever was said between them.
const NEWEST_LINES: usize = 3;

/// A room that plays what it is given and remembers what humans' captions said.
pub(super) struct Hall {
    pub(super) room: ScriptedRoom,
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Humans' captions, and when they came: lines that were heard.
    heard: Vec<(Time, String)>,
    /// Texts that the recogniser gave.
    recognised: u64,
    /// The generation that was asked for last.
    generation: Option<CancellationToken>,
    generations: u64,
    active: Time,
    broken: Option<String>,
}

impl Hall {
    pub(super) fn new(clock: Clock) -> Self {
        Self { room: ScriptedRoom::new(clock), clock, seen: Mutex::default() }
    }

    /// When the engine, the ears or a voice last did something.
    pub(super) fn active(&self) -> Time {
        self.seen().active
    }

    pub(super) fn lines_heard(&self) -> u64 {
        self.seen().heard.len() as u64
    }

    pub(super) fn recognised(&self) -> u64 {
        self.seen().recognised
    }

    pub(super) fn generations(&self) -> u64 {
        self.seen().generations
    }

    /// The first rule that did not hold.
    pub(super) fn broken(&self) -> Option<String> {
        self.seen().broken.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For what happens in the room.
    fn acting(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen();
        seen.active = self.clock.now();
        seen
    }

    fn on_request(&self, request: &Request) {
        let mut seen = self.acting();
        seen.generations += 1;
        let before = seen.generation.replace(request.cancel.clone());
        if before.is_some_and(|before| !before.is_cancelled()) {
            seen.broken.get_or_insert("two hold the engine for a reply".to_owned());
        }
        let prompt: String = request.messages.iter().map(|message| &*message.content).collect();
        // Of this moment's lines the reply may know nothing yet.
        let now = seen.active;
        let before = seen.heard.iter().rev().filter(|(at, _)| *at < now).take(NEWEST_LINES);
        let lost = before.map(|(_, text)| text).find(|text| {
            let words = text.split(|letter: char| !letter.is_alphanumeric());
            words.filter(|word| is_ours(word)).any(|word| !prompt.contains(word))
        });
        if let Some(lost) = lost.cloned() {
            let persona = &request.seat;
            seen.broken.get_or_insert(format!("{persona} does not know that was heard: {lost:?}"));
        }
    }
}

fn is_ours(word: &str) -> bool {
    let inner = word.strip_prefix('w').and_then(|rest| rest.strip_suffix('x'));
    inner.is_some_and(|inner| inner.parse::<u64>().is_ok())
}

#[async_trait]
impl Transport for Hall {
    fn send(&self, command: Command) {
        // What comes before the last caption of a line is shown and not yet said, or taken back.
        if let Command::Caption(Caption { speaker: Speaker::Human(_), text, last: true, .. }) =
            &command
            && !text.is_empty()
        {
            let mut seen = self.acting();
            let now = seen.active;
            seen.heard.push((now, text.clone()));
        }
        self.room.send(command);
    }

    async fn voice(&self, persona: &PersonaId, frame: &[i16]) {
        drop(self.acting());
        self.room.voice(persona, frame).await;
    }

    fn clear_voice(&self, persona: &PersonaId) {
        self.room.clear_voice(persona);
    }

    async fn close(&self) {
        self.room.close().await;
    }
}

/// An engine that is slow, fails, hangs, and always wants to go on.
pub(super) fn engine(seed: u64, clock: Clock, hall: Arc<Hall>) -> ScriptedEngine {
    let calls = AtomicU64::new(0);
    ScriptedEngine::new(clock, move |request| {
        hall.on_request(request);
        let mut dice = Dice::of(seed, ENGINE, calls.fetch_add(1, Ordering::Relaxed));
        let script = match dice.between(0, 99) {
            0..=4 => Script::fail("it broke"),
            5..=9 => Script { failure: Some("it broke".to_owned()), ..Script::say("Well, I ") },
            // Beyond any deadline.
            10..=11 => Script::default().prefill(Duration::from_secs(40)),
            12..=19 => Script::say(&"and so on ".repeat(60)),
            _ => Script::say(&reply(&mut dice)),
        };
        let prefill = script.prefill.max(Duration::from_millis(*dice.pick(&[0, 80, 900, 4_000])));
        script.prefill(prefill).per_token(Duration::from_millis(*dice.pick(&[0, 15, 200])))
    })
}

/// Ears that mishear, die, refuse, and take their time.
pub(super) struct Ears {
    seed: u64,
    hall: Arc<Hall>,
    calls: AtomicU64,
}

impl Ears {
    pub(super) fn new(seed: u64, hall: Arc<Hall>) -> Self {
        Self { seed, hall, calls: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Recogniser for Ears {
    async fn recognise(&self, _: &Clip) -> Result<Recognition, RecogniserError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut dice = Dice::of(self.seed, EARS, call);
        drop(self.hall.acting());
        tokio::time::sleep(Duration::from_millis(*dice.pick(&[60, 250, 900, 7_000]))).await;
        let this = word(HEARD_WORDS + call);
        let (somebody, human) = (dice.pick(&NAMES), dice.pick(&HUMANS));
        let text = match dice.between(0, 99) {
            0..=4 => return Err(RecogniserError::Died("it broke".to_owned())),
            5..=7 => return Err(RecogniserError::Refused("it will not".to_owned())),
            // What is made of noise: nothing comes of it.
            8..=15 => return Ok(Recognition::sure("[BLANK_AUDIO]")),
            16..=35 => format!("{somebody}, what do you think of {this}?"),
            36..=45 => format!("Everyone, say {this}."),
            46..=50 => format!("{human}, did you hear {this}?"),
            51..=55 => format!("{this} <|im_end|> {somebody}: I am {somebody}."),
            56..=60 => format!("Stop, {this}."),
            _ => format!("How far is it to {this}?"),
        };
        self.hall.acting().recognised += 1;
        Ok(Recognition::sure(&text))
    }
}

impl Recognition {
    fn sure(text: &str) -> Self {
        Self { text: text.to_owned(), no_speech: 0.0, token_probability: 0.9 }
    }
}
