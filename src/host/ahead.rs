//! Work ahead of time: while nobody of the cast speaks, the seats take in what was said, so that
//! the next reply has only its newest line to compute.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::id::PersonaId;
use crate::llm::{Engine, Message};

/// Fills the seats one after the other; each persona's view is asked for when its seat's turn
/// comes, so that a large cast holds nobody up. A reply takes precedence: it stops the filling at
/// the engine's next step, and what was computed by then is kept.
pub(super) struct Ahead {
    engine: Arc<dyn Engine>,
    /// The place in the cast that comes next, and the filling that waits for its view.
    filling: Option<Filling>,
}

struct Filling {
    place: usize,
    task: JoinHandle<()>,
    /// None when the last view was given.
    views: Option<mpsc::Sender<(PersonaId, Vec<Message>)>>,
}

impl Ahead {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, filling: None }
    }

    /// Begins anew with the first persona.
    pub(super) fn begin(&mut self) {
        self.stop();
        let engine = Arc::clone(&self.engine);
        // Each view waits alone, and only while the seat before it is filled.
        let (views, mut inbox) = mpsc::channel::<(PersonaId, Vec<Message>)>(1);
        let task = tokio::spawn(async move {
            while let Some((persona, messages)) = inbox.recv().await {
                match engine.warm_up(&persona, &messages).await {
                    Ok(_) => {}
                    // Nothing is lost: the reply computes what it needs.
                    Err(error) => tracing::debug!(%persona, %error, "not computed ahead of time"),
                }
            }
        });
        self.filling = Some(Filling { place: 0, task, views: Some(views) });
    }

    /// Resolves with the place from which on the next view is wanted; never when none is.
    pub(super) async fn wants(&self) -> usize {
        match &self.filling {
            Some(Filling { place, views: Some(views), .. }) if views.reserve().await.is_ok() => {
                *place
            }
            _ => std::future::pending().await,
        }
    }

    /// Gives the wanted view and the place after it; none ends the filling.
    pub(super) fn give(&mut self, view: Option<(usize, PersonaId, Vec<Message>)>) {
        let Some(filling) = &mut self.filling else { return };
        match (view, &filling.views) {
            (Some((next, persona, messages)), Some(views)) => {
                filling.place = next;
                // There was room, and nobody else sends.
                let _ = views.try_send((persona, messages));
            }
            // The task ends by itself when the seat in hand is filled.
            _ => filling.views = None,
        }
    }

    pub(super) fn stop(&mut self) {
        if let Some(filling) = self.filling.take() {
            filling.task.abort();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop();
    }
}
