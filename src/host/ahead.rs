//! Work ahead of time: while nobody of the cast speaks, the seats take in what was said, so that
//! the next reply has only its newest line to compute; and what is recognised in a pause goes into
//! the seat of whoever would answer it, so that the reply has nothing but its cue to compute.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::admin::state::Guesses;
use crate::id::PersonaId;
use crate::llm::{Engine, Message};
use crate::turn::Grant;

/// Fills the seats one after the other; each persona's view is asked for when its seat's turn
/// comes, so that a large cast holds nobody up. A reply takes precedence: it stops the filling at
/// the engine's next step, and what was computed by then is kept.
pub(super) struct Ahead {
    engine: Arc<dyn Engine>,
    /// The place in the cast that comes next, and the filling that waits for its view.
    filling: Option<Filling>,
    /// Of whoever is thought to answer next.
    guess: Option<Guess>,
    guesses: Guesses,
}

struct Guess {
    persona: PersonaId,
    messages: Arc<[Message]>,
    /// What it took; nothing while it is not done.
    took_us: Arc<AtomicU64>,
}

struct Filling {
    place: usize,
    task: JoinHandle<()>,
    /// None when the last view was given.
    views: Option<mpsc::Sender<(PersonaId, Vec<Message>)>>,
}

impl Ahead {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, filling: None, guess: None, guesses: Guesses::default() }
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

    /// Whoever would answer what is being said, and its view with that.
    pub(super) fn guess(&mut self, persona: PersonaId, messages: Vec<Message>) {
        let same = |guess: &Guess| guess.persona == persona && *guess.messages == *messages;
        if self.guess.as_ref().is_some_and(same) {
            return;
        }
        self.stop();
        self.settle(false);
        self.guesses.made += 1;
        let took_us = Arc::new(AtomicU64::new(0));
        let (engine, took) = (Arc::clone(&self.engine), Arc::clone(&took_us));
        let messages: Arc<[Message]> = messages.into();
        let (seat, view) = (persona.clone(), Arc::clone(&messages));
        let task = tokio::spawn(async move {
            match engine.warm_up(&seat, &view).await {
                Ok(done) => took.store(done.took_us, Ordering::Relaxed),
                Err(error) => tracing::debug!(persona = %seat, %error, "not computed ahead"),
            }
        });
        self.filling = Some(Filling { place: 0, task, views: None });
        self.guess = Some(Guess { persona, messages, took_us });
    }

    /// The floor is granted: everything else waits.
    pub(super) fn granted(&mut self, grant: &Grant) {
        self.stop();
        let right = self.guess.as_ref().is_some_and(|guess| {
            guess.persona == grant.persona && grant.messages.starts_with(&guess.messages)
        });
        self.settle(right);
    }

    fn settle(&mut self, right: bool) {
        if let Some(guess) = self.guess.take() {
            self.guesses.right += u64::from(right);
            if !right {
                self.guesses.wasted_us += guess.took_us.load(Ordering::Relaxed);
            }
        }
    }

    pub(super) fn guesses(&self) -> Guesses {
        self.guesses
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{LineId, TurnId};
    use crate::llm::Role;
    use crate::llm::scripted::{Script, ScriptedEngine};
    use crate::time::Clock;
    use crate::turn::Manner;
    use std::time::Duration;

    fn view(text: &str) -> Vec<Message> {
        vec![Message::new(Role::User, format!("Tom: {text}"))]
    }

    fn grant(persona: &str, text: &str) -> Grant {
        let cue = Message::new(Role::Assistant, "Ada:");
        Grant {
            turn: TurnId(1),
            persona: PersonaId::new(persona),
            line: LineId(1),
            manner: Manner::Heard,
            confidence: 1.0,
            messages: view(text).into_iter().chain([cue]).collect(),
            says: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_guess_is_right_when_that_persona_answers_these_words() {
        let clock = Clock::start();
        let engine = ScriptedEngine::new(clock, |_| Script::fail("nobody asks"));
        let engine = Arc::new(engine.warming(Duration::from_millis(40)));
        let mut ahead = Ahead::new(engine.clone());
        let ada = PersonaId::new("ada");
        ahead.guess(ada.clone(), view("Is it"));
        tokio::time::sleep(Duration::from_millis(50)).await;
        // The same again costs nothing, other words are another guess.
        ahead.guess(ada.clone(), view("Is it"));
        ahead.guess(ada.clone(), view("Is it late?"));
        ahead.granted(&grant("ada", "Is it late?"));
        let (made, right) = (ahead.guesses().made, ahead.guesses().right);
        assert_eq!((made, right, ahead.guesses().wasted_us), (2, 1, 40_000));
        // Another persona, and then nobody was guessed.
        ahead.guess(ada, view("And now?"));
        ahead.granted(&grant("bo", "And now?"));
        ahead.granted(&grant("ada", "And now?"));
        assert_eq!((ahead.guesses().made, ahead.guesses().right), (3, 1));
    }
}
