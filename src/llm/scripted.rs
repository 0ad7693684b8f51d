//! An engine without a model: replies by programme, with the times that they are told to take.
//!
//! It keeps the real engine's contract: events in order, cancel seen at the next token, a dropped
//! receiver is a cancel, `max_tokens` and stop texts hold, a full queue refuses at once. It sleeps
//! on tokio's clock, so a paused runtime runs it in virtual time.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::counters::{Counters, Pass, add};
use super::stream::TextStream;
use super::{
    Engine, EngineError, EngineStats, Event, Finish, Medium, Message, Question, Request, Score,
    Senses, WarmUp,
};
use crate::id::PersonaId;
use crate::medium::MediumId;
use crate::time::{Clock, micros};

/// One reply: what to say and how long each part of it takes.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Before the request leaves the queue.
    pub queue: Duration,
    pub prefill: Duration,
    pub prompt_tokens: u32,
    pub cached_tokens: u32,
    pub tokens: Vec<String>,
    /// Before each token.
    pub per_token: Duration,
    /// Fails with this text after the tokens instead of being done.
    pub failure: Option<String>,
}

impl Script {
    /// Says `text` word by word, without delay.
    pub fn say(text: &str) -> Self {
        let tokens = text.split_inclusive(' ').map(str::to_owned).collect();
        Self { tokens, ..Self::default() }
    }

    pub fn fail(why: &str) -> Self {
        Self { failure: Some(why.to_owned()), ..Self::default() }
    }

    pub fn per_token(self, delay: Duration) -> Self {
        Self { per_token: delay, ..self }
    }

    pub fn prefill(self, delay: Duration) -> Self {
        Self { prefill: delay, ..self }
    }
}

type Programme = Box<dyn Fn(&Request) -> Script + Send + Sync>;

/// What of one kind was encoded, and how often one of these was used again.
#[derive(Default)]
struct Encoded {
    known: HashSet<MediumId>,
    shared: u64,
}

/// How often the engine was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub warm_ups: u64,
    pub generations: u64,
}

/// See the module.
pub struct ScriptedEngine {
    clock: Clock,
    programme: Programme,
    warm_up: Duration,
    scoring: Option<Duration>,
    cold: HashMap<PersonaId, String>,
    capacity: u64,
    fails_left: AtomicU64,
    senses: Senses,
    encoded: Mutex<[Encoded; 2]>,
    warm_ups: AtomicU64,
    counters: Arc<Counters>,
    tasks: TaskTracker,
}

impl ScriptedEngine {
    /// An engine that answers each request with what `programme` makes of it.
    pub fn new(
        clock: Clock,
        programme: impl Fn(&Request) -> Script + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock,
            programme: Box::new(programme),
            warm_up: Duration::ZERO,
            scoring: Some(Duration::ZERO),
            cold: HashMap::new(),
            capacity: u64::MAX,
            fails_left: AtomicU64::new(0),
            senses: Senses::default(),
            encoded: Mutex::default(),
            warm_ups: AtomicU64::new(0),
            counters: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// An engine with eyes and ears, whose personas say the names of the pictures that they are
    /// shown and of the sounds that they hear, and nothing else that they were told.
    pub fn describing(clock: Clock) -> Self {
        let engine = Self::new(clock, |request| Script::say(&describe(&request.messages)));
        engine.sensing(Senses { sees: true, hears: true })
    }

    /// What it takes beside words.
    pub fn sensing(self, senses: Senses) -> Self {
        Self { senses, ..self }
    }

    /// An engine in which each persona always says the same; others fail.
    pub fn by_persona(
        clock: Clock,
        replies: impl IntoIterator<Item = (PersonaId, Script)>,
    ) -> Self {
        let replies: HashMap<PersonaId, Script> = replies.into_iter().collect();
        Self::new(clock, move |request| {
            let known = replies.get(&request.seat).cloned();
            known.unwrap_or_else(|| Script::fail("the script has no reply for this persona"))
        })
    }

    /// The first `times` requests fail; `u64::MAX` is always.
    pub fn failing(self, times: u64) -> Self {
        Self { fails_left: AtomicU64::new(times), ..self }
    }

    /// Requests that may be open at a time; one more is refused.
    pub fn with_capacity(self, requests: u64) -> Self {
        Self { capacity: requests, ..self }
    }

    /// What warming a seat takes.
    pub fn warming(self, took: Duration) -> Self {
        Self { warm_up: took, ..self }
    }

    /// What telling how likely texts are takes; without a time it fails.
    pub fn scoring(self, took: Option<Duration>) -> Self {
        Self { scoring: took, ..self }
    }

    /// This persona's seat cannot be warmed.
    pub fn cold(mut self, persona: PersonaId, why: &str) -> Self {
        self.cold.insert(persona, why.to_owned());
        self
    }

    pub fn counts(&self) -> Counts {
        Counts {
            warm_ups: self.warm_ups.load(Ordering::Relaxed),
            generations: self.counters.requests.load(Ordering::Relaxed),
        }
    }

    /// Each picture and sound once, as a real engine does.
    fn encode(&self, medium: &Medium) {
        let mut encoded = self.encoded();
        let of_kind = &mut encoded[usize::from(medium.sound().is_some())];
        if !of_kind.known.insert(medium.id().clone()) {
            of_kind.shared += 1;
        }
    }

    /// Pictures and sounds. A poisoned set is still a set.
    fn encoded(&self) -> MutexGuard<'_, [Encoded; 2]> {
        self.encoded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self, request: &Request) -> Script {
        let fewer = |left: u64| match left {
            0 => None,
            u64::MAX => Some(u64::MAX),
            _ => Some(left - 1),
        };
        let failing = self.fails_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        if failing.is_ok() { Script::fail("the script says so") } else { (self.programme)(request) }
    }
}

#[async_trait]
impl Engine for ScriptedEngine {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        self.warm_ups.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(self.warm_up).await;
        if let Some(why) = self.cold.get(seat) {
            return Err(EngineError::Failed(why.clone()));
        }
        let words = messages.iter().flat_map(|message| message.content.split_whitespace()).count();
        Ok(WarmUp { prompt_tokens: words as u32, took_us: micros(self.warm_up) })
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        self.senses.check(&request.messages)?;
        let pass = self.counters.enter(self.capacity)?;
        add(&self.counters.requests, 1);
        request.messages.iter().flat_map(|message| &message.media).for_each(|it| self.encode(it));
        let script = self.script(&request);
        // Room for every event, so that a slow reader never holds the engine up.
        let (events, receiver) = mpsc::channel(script.tokens.len() + 4);
        let counters = Arc::clone(&self.counters);
        let play = Play { clock: self.clock, events, counters };
        self.tasks.spawn(play.run(pass, request, script));
        Ok(receiver)
    }

    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        let took = self.scoring.ok_or_else(|| EngineError::Failed("the script says so".into()))?;
        let all = async {
            tokio::time::sleep(took).await;
            questions.iter().map(by_shared_words).collect()
        };
        let late = |_| EngineError::Deadline(deadline);
        tokio::time::timeout(deadline, all).await.map_err(late)
    }

    fn senses(&self) -> Senses {
        self.senses
    }

    fn stats(&self) -> EngineStats {
        let encoded = self.encoded();
        let [pictures, sounds] = &*encoded;
        EngineStats {
            pictures_encoded: pictures.known.len() as u64,
            pictures_shared: pictures.shared,
            sounds_encoded: sounds.known.len() as u64,
            sounds_shared: sounds.shared,
            ..self.counters.stats(self.capacity)
        }
    }
}

/// What somebody says of it who has eyes and ears, and no words.
fn describe(messages: &[Message]) -> String {
    let seen: Vec<&str> =
        messages.iter().flat_map(Message::pictures).map(|picture| picture.id().as_str()).collect();
    let heard: Vec<&str> =
        messages.iter().flat_map(Message::sounds).map(|sound| sound.id().as_str()).collect();
    let all = |verb: &str, noun: &str, names: &[&str]| match names {
        [] => None,
        [one] => Some(format!("I {verb} the {noun} {one}.")),
        many => Some(format!("I {verb} the {noun}s {}.", many.join(" and "))),
    };
    let told: Vec<String> =
        all("see", "picture", &seen).into_iter().chain(all("hear", "sound", &heard)).collect();
    if told.is_empty() { "I was shown no picture.".to_owned() } else { told.join(" ") }
}

/// A model of likelihood without a model: a word that stands before the text is likely, any other
/// is not.
pub(super) fn by_shared_words(question: &Question) -> Score {
    const SEEN_NATS: f64 = -1.0;
    const NEW_NATS: f64 = -8.0;
    let words = |text: &str| -> Vec<String> {
        let letters = |letter: char| !letter.is_alphanumeric();
        let words = text.split(letters).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let seen: Vec<String> =
        question.messages.iter().flat_map(|message| words(&message.content)).collect();
    let text = words(&question.text);
    let nats = text.iter().map(|word| if seen.contains(word) { SEEN_NATS } else { NEW_NATS }).sum();
    Score { nats, tokens: text.len() as u32 }
}

/// One request being played.
struct Play {
    clock: Clock,
    events: mpsc::Sender<Event>,
    counters: Arc<Counters>,
}

impl Play {
    async fn run(self, pass: Pass, request: Request, script: Script) {
        let mut completion_tokens = 0;
        let speaking = self.speak(&request, &script, &mut completion_tokens);
        let over = tokio::select! {
            biased;
            () = request.cancel.cancelled() => Ok(Finish::Cancelled),
            () = self.events.closed() => Ok(Finish::Cancelled),
            over = tokio::time::timeout(request.deadline, speaking) => {
                over.unwrap_or(Err(EngineError::Deadline(request.deadline)))
            }
        };
        add(&self.counters.completion_tokens, completion_tokens);
        match &over {
            Ok(Finish::Cancelled) => add(&self.counters.cancelled, 1),
            Err(_) => add(&self.counters.failed, 1),
            Ok(_) => {}
        }
        drop(pass);
        let at = self.clock.now();
        self.send(match over {
            Ok(finish) => Event::Done { at, finish, completion_tokens },
            Err(error) => Event::Failed { at, error },
        });
    }

    async fn speak(
        &self,
        request: &Request,
        script: &Script,
        completion_tokens: &mut u32,
    ) -> Result<Finish, EngineError> {
        tokio::time::sleep(script.queue).await;
        self.send(Event::Started { at: self.clock.now() });
        tokio::time::sleep(script.prefill).await;
        let &Script { prompt_tokens, cached_tokens, .. } = script;
        add(&self.counters.prompt_tokens, prompt_tokens);
        add(&self.counters.cached_tokens, cached_tokens);
        self.send(Event::Prefilled { at: self.clock.now(), prompt_tokens, cached_tokens });
        let mut stream = TextStream::new(&request.stop);
        for token in &script.tokens {
            if *completion_tokens >= request.max_tokens {
                self.text(stream.finish());
                return Ok(Finish::Length);
            }
            tokio::time::sleep(script.per_token).await;
            *completion_tokens += 1;
            self.text(stream.push(token.as_bytes()));
            if stream.stopped() {
                return Ok(Finish::Stop);
            }
        }
        self.text(stream.finish());
        match &script.failure {
            Some(why) => Err(EngineError::Failed(why.clone())),
            None => Ok(Finish::Stop),
        }
    }

    fn text(&self, text: String) {
        if !text.is_empty() {
            self.send(Event::Text { at: self.clock.now(), text });
        }
    }

    /// The channel holds every event; only a receiver that is gone refuses, and that is a cancel.
    fn send(&self, event: Event) {
        let _ = self.events.try_send(event);
    }
}
