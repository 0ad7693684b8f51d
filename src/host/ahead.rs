//! Work ahead of time: while nobody of the cast speaks, the seats take in what was said, so that
//! the next reply has only its newest line to compute.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::id::PersonaId;
use crate::llm::{Engine, Message};

/// Fills the seats one after the other. A reply takes precedence: it stops the filling at the
/// engine's next step, and what was computed by then is kept.
pub(super) struct Ahead {
    engine: Arc<dyn Engine>,
    task: Option<JoinHandle<()>>,
}

impl Ahead {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, task: None }
    }

    /// Begins with these views of the conversation, in place of any older ones.
    pub(super) fn begin(&mut self, views: Vec<(PersonaId, Vec<Message>)>) {
        self.stop();
        let engine = Arc::clone(&self.engine);
        self.task = Some(tokio::spawn(async move {
            for (persona, messages) in views {
                match engine.warm_up(&persona, &messages).await {
                    Ok(_) => {}
                    // Nothing is lost: the reply computes what it needs.
                    Err(error) => tracing::debug!(%persona, %error, "not computed ahead of time"),
                }
            }
        }));
    }

    pub(super) fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop();
    }
}
