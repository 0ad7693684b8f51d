//! Engines of the wall clock below a room of the virtual one: they take what they take.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::gear::{Gear, Work};
use crate::audio::{Clip, Pcm};
use crate::id::PersonaId;
use crate::llm::{
    self, Engine, EngineError, EngineStats, Event, Message, Question, Request, Score, Senses,
    WarmUp,
};
use crate::persona::VoiceStyle;
use crate::stt::end_of_turn::{Predictor, PredictorError};
use crate::stt::{Recogniser, RecogniserError, Recognition};
use crate::time::{Clock, Time};
use crate::tts::{Synthesiser, VoiceError};

/// Wraps engines.
#[derive(Clone)]
pub(super) struct Timed {
    /// Where they run.
    real: Handle,
    gear: Gear,
    /// The room's.
    clock: Clock,
    tasks: TaskTracker,
}

struct With<T: ?Sized> {
    timed: Timed,
    inner: Arc<T>,
}

impl Timed {
    pub(super) fn new(real: Handle, gear: Gear, clock: Clock) -> Self {
        Self { real, gear, clock, tasks: TaskTracker::new() }
    }

    pub(super) fn recogniser(&self, inner: Arc<dyn Recogniser>) -> Arc<dyn Recogniser> {
        Arc::new(With { timed: self.clone(), inner })
    }

    pub(super) fn predictor(&self, inner: Arc<dyn Predictor>) -> Arc<dyn Predictor> {
        Arc::new(With { timed: self.clone(), inner })
    }

    pub(super) fn engine(&self, inner: Arc<dyn Engine>) -> Arc<dyn Engine> {
        Arc::new(With { timed: self.clone(), inner })
    }

    pub(super) fn voice(&self, inner: Arc<dyn Synthesiser>) -> Arc<dyn Synthesiser> {
        Arc::new(With { timed: self.clone(), inner })
    }

    /// Has work done on the engines' runtime. Dropping the future drops it there too. The error is
    /// a panic's.
    async fn work<O: Send + 'static>(
        &self,
        work: impl Future<Output = O> + Send + 'static,
    ) -> Result<O, String> {
        let _work = self.gear.engage();
        let task = AbortOnDropHandle::new(self.real.spawn(work));
        task.await.map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Recogniser for With<dyn Recogniser> {
    async fn recognise(&self, clip: &Clip) -> Result<Recognition, RecogniserError> {
        let (inner, clip) = (Arc::clone(&self.inner), clip.clone());
        let done = self.timed.work(async move { inner.recognise(&clip).await }).await;
        done.unwrap_or_else(|cause| Err(RecogniserError::Died(cause)))
    }
}

#[async_trait]
impl Predictor for With<dyn Predictor> {
    async fn probability(&self, clip: &Clip) -> Result<f32, PredictorError> {
        let (inner, clip) = (Arc::clone(&self.inner), clip.clone());
        let done = self.timed.work(async move { inner.probability(&clip).await }).await;
        done.unwrap_or_else(|cause| Err(PredictorError(cause)))
    }
}

#[async_trait]
impl Synthesiser for With<dyn Synthesiser> {
    async fn synthesise(&self, text: &str, style: &VoiceStyle) -> Result<Pcm, VoiceError> {
        let (inner, text, style) = (Arc::clone(&self.inner), text.to_owned(), *style);
        let done = self.timed.work(async move { inner.synthesise(&text, &style).await }).await;
        done.unwrap_or_else(|cause| Err(VoiceError::Model(cause)))
    }
}

#[async_trait]
impl Engine for With<dyn Engine> {
    async fn warm_up(&self, seat: &PersonaId, messages: &[Message]) -> Result<WarmUp, EngineError> {
        let (inner, seat, messages) = (Arc::clone(&self.inner), seat.clone(), messages.to_vec());
        let done = self.timed.work(async move { inner.warm_up(&seat, &messages).await }).await;
        done.unwrap_or_else(|cause| Err(EngineError::Failed(cause)))
    }

    fn generate(&self, request: Request) -> Result<mpsc::Receiver<Event>, EngineError> {
        let work = self.timed.gear.engage();
        let events = {
            // The engine asks its own clock when the request came.
            let _real = self.timed.real.enter();
            self.inner.generate(request)?
        };
        let (forward, receiver) = mpsc::channel(events.max_capacity());
        self.timed.tasks.spawn(follow(self.timed.clock, events, forward, work));
        Ok(receiver)
    }

    async fn score(
        &self,
        questions: Vec<Question>,
        deadline: Duration,
    ) -> Result<Vec<Score>, EngineError> {
        let inner = Arc::clone(&self.inner);
        let done = self.timed.work(async move { inner.score(questions, deadline).await }).await;
        done.unwrap_or_else(|cause| Err(EngineError::Failed(cause)))
    }

    fn senses(&self) -> Senses {
        self.inner.senses()
    }

    fn stats(&self) -> EngineStats {
        self.inner.stats()
    }
}

/// Passes an answer on at the room's time. A receiver that is gone cancels, as it does without us.
async fn follow(
    clock: Clock,
    mut events: mpsc::Receiver<Event>,
    forward: mpsc::Sender<Event>,
    _work: Work,
) {
    loop {
        let Some(event) = llm::next(&mut events, &forward).await else { return };
        let last = matches!(event, Event::Done { .. } | Event::Failed { .. });
        if forward.send(at(clock.now(), event)).await.is_err() || last {
            return;
        }
    }
}

/// The event, as if it came now.
fn at(at: Time, event: Event) -> Event {
    match event {
        Event::Started { .. } => Event::Started { at },
        Event::Prefilled { prompt_tokens, cached_tokens, .. } => {
            Event::Prefilled { at, prompt_tokens, cached_tokens }
        }
        Event::Counted { prompt_tokens, cached_tokens, .. } => {
            Event::Counted { at, prompt_tokens, cached_tokens }
        }
        Event::Text { text, .. } => Event::Text { at, text },
        Event::Done { finish, completion_tokens, .. } => {
            Event::Done { at, finish, completion_tokens }
        }
        Event::Failed { error, .. } => Event::Failed { at, error },
    }
}
