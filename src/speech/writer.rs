//! From the engine's text to speakable clauses.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::event::{Reporter, Step};
use super::trace::Trace;
use super::{Options, Speech};
use crate::llm::guard::{Cuts, Guard};
use crate::llm::{self, Finish, Request};
use crate::time::Time;
use crate::tts::sentence::Splitter;
use crate::turn::Manner;

pub(super) struct Writer<'a> {
    speech: &'a Speech,
    reporter: &'a Reporter,
    cancel: CancellationToken,
    /// Ends the generation only.
    generation: CancellationToken,
    guard: Guard<'a>,
    splitter: Splitter,
    clauses: usize,
    trace: Trace,
    written: Written,
}

/// What the writer leaves behind.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) said: String,
    /// The reply came to its end, and all of it is in `said`.
    pub(super) complete: bool,
    pub(super) failure: Option<String>,
    pub(super) completion_tokens: Option<u32>,
    pub(super) decode: Option<Duration>,
    pub(super) cuts: Cuts,
    first_text: Option<Time>,
}

/// The voice takes no more clauses.
struct Unheard;

impl<'a> Writer<'a> {
    pub(super) fn new(
        speech: &'a Speech,
        reporter: &'a Reporter,
        cancel: CancellationToken,
    ) -> Self {
        let Options { name, names, limits, max_tokens, .. } = &speech.options;
        let guard = Guard::new(name, names, *limits);
        Self {
            speech,
            reporter,
            generation: cancel.child_token(),
            cancel,
            guard,
            splitter: Splitter::new(),
            clauses: 0,
            trace: Trace::enter(&speech.grant, *max_tokens, reporter.clock.now()),
            written: Written::default(),
        }
    }

    /// Runs until the text is complete, cancelled, or wanted no more.
    pub(super) async fn run(mut self, to_voice: mpsc::Sender<String>) -> Written {
        if let Some(words) = self.speech.grant.says {
            let cancel = self.cancel.clone();
            cancel.run_until_cancelled(self.recite(words, &to_voice)).await;
            return self.written;
        }
        let generation = self.speech.stage.engine.generate(self.request());
        // The engine is at work meanwhile.
        self.guard.follows(&self.speech.grant.messages);
        match generation {
            Err(error) => {
                self.trace.refused(self.reporter.clock.now());
                self.fail(error);
            }
            Ok(mut events) => {
                let cancel = self.cancel.clone();
                tokio::select! {
                    // First: the engine's answer to the same cancel is not an end.
                    biased;
                    () = cancel.cancelled() => {}
                    () = self.follow(&mut events, &to_voice) => {}
                }
                // The receiver goes as well, which also ends the generation.
                self.generation.cancel();
            }
        }
        self.written.cuts = self.guard.cuts();
        if self.written.said.trim().is_empty() && self.written.cuts != Cuts::default() {
            self.written.failure = Some("the model only said again what was said".to_owned());
        }
        self.written
    }

    /// Says what is given, as if it were the model's.
    async fn recite(&mut self, words: &str, to_voice: &mpsc::Sender<String>) {
        // Who takes no more clauses wants no more.
        if self.say(words, to_voice).await.is_ok() {
            let _ = self.finish(to_voice).await;
        }
    }

    fn request(&self) -> Request {
        let Speech { grant, options, .. } = self.speech;
        Request {
            seat: grant.persona.clone(),
            messages: Arc::clone(&grant.messages),
            max_tokens: options.max_tokens,
            sampling: options.sampling,
            stop: options.stop.clone(),
            deadline: options.deadline,
            cancel: self.generation.clone(),
        }
    }

    async fn follow(
        &mut self,
        events: &mut mpsc::Receiver<llm::Event>,
        to_voice: &mpsc::Sender<String>,
    ) {
        while let Some(event) = events.recv().await {
            match self.on_event(event, to_voice).await {
                Ok(true) => {}
                Ok(false) | Err(Unheard) => return,
            }
        }
        self.fail("the engine broke off");
    }

    /// What befalls the engine after the reply is complete does not matter.
    fn fail(&mut self, reason: impl ToString) {
        if !self.written.complete {
            self.written.failure = Some(reason.to_string());
        }
    }

    /// Whether more is to come.
    async fn on_event(
        &mut self,
        event: llm::Event,
        to_voice: &mpsc::Sender<String>,
    ) -> Result<bool, Unheard> {
        self.trace.saw(&event);
        match event {
            llm::Event::Started { at } => self.reporter.step_at(at, Step::Started),
            llm::Event::Prefilled { at, prompt_tokens, cached_tokens } => {
                self.reporter.step_at(at, Step::Prefilled { prompt_tokens, cached_tokens });
            }
            llm::Event::Counted { at, prompt_tokens, cached_tokens } => {
                self.reporter.step_at(at, Step::Counted { prompt_tokens, cached_tokens });
            }
            llm::Event::Text { at, text } => {
                if self.written.first_text.is_none() {
                    self.written.first_text = Some(at);
                    self.reporter.step_at(at, Step::FirstText);
                }
                self.take(&text, to_voice).await?;
            }
            llm::Event::Done { at, finish, completion_tokens } => {
                self.written.completion_tokens = Some(completion_tokens);
                self.written.decode = self.written.first_text.map(|first| at.since(first));
                if finish == Finish::Cancelled {
                    self.fail("the engine gave the reply up");
                } else {
                    self.finish(to_voice).await?;
                }
                return Ok(false);
            }
            llm::Event::Failed { error, .. } => {
                self.fail(error);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn take(&mut self, text: &str, to_voice: &mpsc::Sender<String>) -> Result<(), Unheard> {
        let text = self.guard.push(text);
        self.say(&text, to_voice).await?;
        if self.guard.stopped() {
            // What the model says beyond this is not spoken, so it need not be made.
            self.generation.cancel();
            self.finish(to_voice).await?;
        }
        Ok(())
    }

    async fn say(&mut self, text: &str, to_voice: &mpsc::Sender<String>) -> Result<(), Unheard> {
        self.written.said.push_str(text);
        for clause in self.splitter.push(text) {
            self.hand_on(clause, to_voice).await?;
        }
        Ok(())
    }

    /// The reply is complete.
    async fn finish(&mut self, to_voice: &mpsc::Sender<String>) -> Result<(), Unheard> {
        if self.written.complete {
            return Ok(());
        }
        self.written.complete = true;
        let rest = self.guard.finish();
        self.say(&rest, to_voice).await?;
        let said = self.written.said.trim();
        if self.speech.grant.manner == Manner::Typed && !said.is_empty() {
            self.speech.chat(said.to_owned());
        }
        match self.splitter.finish() {
            Some(rest) => self.hand_on(rest, to_voice).await,
            None => Ok(()),
        }
    }

    async fn hand_on(
        &mut self,
        clause: String,
        to_voice: &mpsc::Sender<String>,
    ) -> Result<(), Unheard> {
        if self.clauses == 0 {
            self.reporter.step(Step::FirstClause);
        }
        self.clauses += 1;
        to_voice.send(clause).await.map_err(|_| Unheard)
    }
}
