//! The room while it lives: one task owns the turn core, everybody's ears and the open turns, and
//! every event passes through it. It never waits for an engine; those answer by events.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::ahead::Ahead;
use super::echo::Echo;
use super::faces::{self, Faces};
use super::health::{Health, queue};
use super::ledger::Ledger;
use super::listening::Listening;
use super::probes;
use super::ranker::{Ranked, Ranker};
use super::reading::{Reading, Told, Words};
use super::recording::Shown;
use super::replies::Replies;
use super::sight::{Made, Sight, Typed};
use crate::admin::state::{self as pages, Publisher};
use crate::id::{HumanId, LineId, PersonaId, Speaker, TurnId, UtteranceId};
use crate::probe::time_sync;
use crate::room::{self, Caption, Command, LinkState, Member, Transport};
use crate::speech;
use crate::stt::end_of_turn::{Asker, Verdict};
use crate::stt::hearing::{self, Hearing};
use crate::stt::service::{Heard, Intake, Partial};
use crate::tape::Tap;
use crate::time::{Clock, Time};
use crate::turn::{self, Core, Effect, Manner};

mod listening;
mod reading;
mod showing;
mod taping;

use taping::Taping;

/// Everything that can happen to a room.
pub(super) struct Inputs {
    pub(super) room: mpsc::Receiver<room::Event>,
    pub(super) heard: mpsc::Receiver<Heard>,
    pub(super) partials: watch::Receiver<Option<Partial>>,
    /// Nothing comes where no model judges pauses.
    pub(super) verdicts: mpsc::Receiver<Verdict>,
    /// What a tape holds in place of sound.
    pub(super) hearing: mpsc::Receiver<hearing::Event>,
    /// Pictures of what people show.
    pub(super) made: mpsc::Receiver<Made>,
    pub(super) speech: mpsc::Receiver<speech::Event>,
    /// Whose a line is, where the model is asked.
    pub(super) ranked: mpsc::Receiver<Ranked>,
    /// What words mean, where a model tells it.
    pub(super) told: mpsc::Receiver<Told>,
    pub(super) pages: mpsc::Receiver<pages::Command>,
    /// How the newest recording does.
    pub(super) recorder: watch::Receiver<Option<Shown>>,
}

impl Inputs {
    /// How full they are, and the room's way out. Whoever sends into one of these inboxes waits
    /// when it is full, so none of them drops; the pages count their own.
    fn queues(&self, transport: &dyn Transport) -> Vec<pages::QueueStatus> {
        fn inbox<T>(name: &str, inbox: &mpsc::Receiver<T>) -> pages::QueueStatus {
            queue(name, inbox.len() as u64, inbox.max_capacity() as u64, 0)
        }
        let texts = transport.backlog();
        vec![
            inbox("room.events", &self.room),
            inbox("heard", &self.heard),
            inbox("speech.events", &self.speech),
            queue("room.texts", texts.waiting, texts.bound, texts.dropped),
        ]
    }
}

/// What the host acts with.
pub(super) struct Outputs {
    pub(super) transport: Arc<dyn Transport>,
    /// To the recogniser.
    pub(super) intake: Intake,
    /// To the model that judges pauses, where there is one.
    pub(super) asker: Option<Asker>,
    /// Recognise in every pause.
    pub(super) early_words: bool,
    pub(super) stage: speech::Stage,
    /// Whether somebody's sound is just rising, for speeches.
    pub(super) rising: watch::Sender<bool>,
    pub(super) echo: Echo,
    pub(super) sight: Sight,
    pub(super) listening: Listening,
    pub(super) ahead: Ahead,
    pub(super) ranker: Ranker,
    pub(super) reading: Reading,
    pub(super) replies: Replies,
    pub(super) publisher: Publisher,
    pub(super) tap: Tap,
}

pub(super) struct Live {
    clock: Clock,
    core: Core,
    /// Whose seats are warm: nobody else is served.
    cast: HashSet<PersonaId>,
    core_wake: Option<Time>,
    hearing: Hearing,
    names: HashMap<HumanId, String>,
    /// Utterances that have a caption which is not final.
    captioned: HashSet<UtteranceId>,
    speeches: HashMap<TurnId, speech::Handle>,
    lines: u64,
    ledger: Ledger,
    health: Health,
    taping: Taping,
    out: Outputs,
}

impl Live {
    pub(super) fn new(
        clock: Clock,
        core: Core,
        cast: HashSet<PersonaId>,
        hearing: Hearing,
        health: Health,
        out: Outputs,
    ) -> Self {
        Self {
            clock,
            core,
            cast,
            core_wake: None,
            hearing,
            names: HashMap::new(),
            captioned: HashSet::new(),
            speeches: HashMap::new(),
            lines: 0,
            ledger: Ledger::default(),
            health,
            taping: Taping::default(),
            out,
        }
    }

    /// See [`Core::set_holders_max`].
    pub(super) fn set_holders_max(&mut self, holders_max: usize) {
        self.core.set_holders_max(holders_max);
    }

    /// Whoever draws the faces of this room, told of its voices from now on.
    pub(super) fn show_faces(&mut self, faces: Faces) -> faces::Driver {
        let (transport, publisher) = (self.out.transport.clone(), self.out.publisher.clone());
        let (driver, lips) =
            faces::Driver::new(faces::Stand { transport, clock: self.clock, publisher }, faces);
        self.out.stage.lips = lips;
        driver
    }

    /// Goes on from an earlier conversation of so many lines.
    pub(super) fn restore(&mut self, lines: u64, memory: turn::Memory) {
        self.lines = lines;
        self.core.restore(memory);
    }

    /// Runs until cancelled.
    pub(super) async fn run(mut self, mut inputs: Inputs, cancel: CancellationToken) -> Ledger {
        loop {
            let wakes = [self.core_wake, self.hearing.wake_at(), self.out.sight.wake_at()];
            let wake = wakes.into_iter().flatten().min();
            tokio::select! {
                // What comes at one time is taken in this order, in every run the same. The
                // seldom come first: sound, which comes all the time, holds nothing up.
                biased;
                () = cancel.cancelled() => break,
                Ok(()) = inputs.recorder.changed() => {
                    let shown = inputs.recorder.borrow_and_update().clone();
                    self.on_recorder(shown);
                }
                Some(command) = inputs.pages.recv() => self.on_page(command),
                Some(event) = inputs.speech.recv() => self.on_speech(event),
                Some(Ranked { line, scores }) = inputs.ranked.recv() => {
                    self.tell(turn::Event::Ranked { line, scores });
                }
                Some(told) = inputs.told.recv() => self.on_told(told),
                Some(heard) = inputs.heard.recv() => {
                    // Words that came before these are not to be shown after them.
                    if inputs.partials.has_changed().is_ok_and(|unseen| unseen) {
                        self.on_partial(inputs.partials.borrow_and_update().clone());
                    }
                    self.on_heard(heard);
                }
                Ok(()) = inputs.partials.changed() => {
                    let partial = inputs.partials.borrow_and_update().clone();
                    self.on_partial(partial);
                }
                Some(verdict) = inputs.verdicts.recv() => self.on_verdict(verdict),
                Some(event) = inputs.hearing.recv() => self.on_hearing(event),
                Some(made) = inputs.made.recv() => self.on_made(made),
                Some(event) = inputs.room.recv() => self.on_room(event),
                () = reached(self.clock, wake) => self.on_wake(),
                () = self.health.changed() => {
                    let queues = inputs.queues(&*self.out.transport);
                    self.health.refresh(&self.out.publisher, queues);
                    let echo = self.out.echo.shown();
                    let guesses = self.out.ahead.guesses();
                    let (shown, given) = (self.out.sight.shown(), self.out.listening.shown());
                    let (pictures, sounds) = self.health.with_encoded(shown, given);
                    self.out.publisher.update(|status| {
                        status.pictures = pictures;
                        status.sounds = sounds;
                        status.echo = echo;
                        status.ahead = guesses;
                    });
                }
                // Last: only when there is nothing else to do.
                place = self.out.ahead.wants() => {
                    self.out.ahead.give(self.core.view_from(place));
                }
            }
        }
        self.ledger
    }

    fn on_room(&mut self, event: room::Event) {
        let now = self.clock.now();
        if let room::Event::AudioEnded { human } | room::Event::HumanLeft { human } = &event {
            self.deafen(human);
        }
        self.out.tap.room(now, &event);
        match event {
            room::Event::Audio { human, at, samples } => {
                let speaks = self.hearing.speaks(&human);
                for (at, samples) in self.out.echo.heard(&human, at, &samples, speaks) {
                    for event in self.hearing.audio(now, &human, at, &samples) {
                        self.on_hearing(event);
                    }
                }
                self.show_rising();
            }
            room::Event::AudioEnded { .. } => {}
            room::Event::Chat { human, text } => {
                if let Some(typed) = self.out.sight.typed(Typed { human, at: now, text }) {
                    self.on_typed(typed);
                }
            }
            room::Event::View { human, source, on } => self.out.sight.view(&human, source, on),
            room::Event::Frame { human, source, frame, .. } => {
                self.out.sight.frame(human, source, frame);
            }
            room::Event::Pasted { human, file } => {
                if let Some(made) = self.out.sight.pasted(human, file) {
                    self.on_picture(made);
                }
            }
            room::Event::Picture { human, source, picture } => {
                self.on_picture(Made { human, source, picture });
            }
            room::Event::HumanJoined { human, name } => {
                tracing::info!(%human, "a human joined");
                self.names.insert(human.clone(), name.clone());
                self.out.replies.set_humans(self.names.values());
                self.show_human(&human, Some(&name));
                self.tell(turn::Event::HumanJoined { human, name });
            }
            room::Event::HumanLeft { human } => {
                tracing::info!(%human, "a human left");
                self.show_human(&human, None);
                self.names.remove(&human);
                self.out.echo.left(&human);
                self.out.sight.left(&human);
                self.out.replies.set_humans(self.names.values());
                self.tell(turn::Event::HumanLeft { human });
            }
            room::Event::Link { member, state } => self.on_link(member, state),
        }
    }

    /// What was said up to now is still transcribed.
    fn deafen(&mut self, human: &HumanId) {
        let now = self.clock.now();
        for (at, samples) in self.out.echo.end(human) {
            for event in self.hearing.audio(now, human, at, &samples) {
                self.on_hearing(event);
            }
        }
        if let Some(event) = self.hearing.end(now, human) {
            self.on_hearing(event);
        }
    }

    fn on_hearing(&mut self, event: hearing::Event) {
        self.out.tap.hearing(self.clock.now(), &event);
        match event {
            hearing::Event::SpeechStarted { human, .. } => {
                self.show_speaking(&human, true);
                self.out.sight.speaks(&human, true);
                self.tell(turn::Event::SpeechStarted { human });
            }
            hearing::Event::SpeechDropped { human } => {
                self.show_speaking(&human, false);
                self.out.sight.speaks(&human, false);
                self.tell(turn::Event::SpeechDropped { human });
            }
            hearing::Event::Lull(lull) => {
                if self.out.early_words {
                    self.out.intake.offer_early(lull);
                }
            }
            hearing::Event::Paused(paused) => {
                if let Some(asker) = &self.out.asker {
                    asker.ask(&paused);
                }
                if self.out.early_words {
                    self.out.intake.offer_early(paused);
                }
            }
            hearing::Event::StillPaused(paused) => {
                if let Some(asker) = &self.out.asker {
                    asker.ask(&paused);
                }
            }
            hearing::Event::Resumed { human } => self.out.intake.resumed(human),
            hearing::Event::Lasts { human, voiced } => {
                self.tell(turn::Event::SpeechLasts { human, voiced });
            }
            hearing::Event::Words { human, text } => {
                self.tell(turn::Event::Words { human, text });
            }
            hearing::Event::Utterance(utterance) => {
                self.show_speaking(&utterance.human, false);
                self.out.sight.speaks(&utterance.human, false);
                probes::utterance(&utterance);
                if let Err(refused) = self.out.intake.offer(utterance) {
                    let human = refused.human.clone();
                    self.uncaption(&human, refused.id);
                    tracing::error!(%human, "the recogniser is minutes behind; a line is lost");
                    self.tell(turn::Event::SpeechDropped { human });
                }
            }
        }
    }

    fn on_verdict(&mut self, verdict: Verdict) {
        let Verdict { human, voiced_end, complete } = verdict;
        for event in self.hearing.judged(self.clock.now(), &human, voiced_end, complete) {
            self.on_hearing(event);
        }
    }

    fn show_rising(&self) {
        let rises = self.hearing.anybody_rises();
        self.out.rising.send_if_modified(|rising| std::mem::replace(rising, rises) != rises);
    }

    /// Shows what a human has said so far. It tells the floor whether somebody wants to speak.
    fn on_partial(&mut self, partial: Option<Partial>) {
        let Some(partial) = partial else { return };
        self.out.tap.partial(self.clock.now(), &partial);
        let Partial { human, utterance, text } = partial;
        self.captioned.insert(utterance);
        self.caption(human.clone(), utterance, text.clone(), false);
        let now = self.clock.now();
        let whole = |words: &Words| self.core.whole(now, &words.human, &words.text);
        if let Some(words) = self.out.reading.words(Words { human, text }, whole) {
            self.on_words(words);
        }
    }

    /// A human's words, the whole of them each time.
    fn caption(&self, human: HumanId, utterance: UtteranceId, text: String, last: bool) {
        let (speaker, segment) = (Speaker::Human(human), utterance.to_string());
        self.out.transport.send(Command::Caption(Caption { speaker, segment, text, last }));
    }

    /// Takes words back that were shown and came to nothing, or into another utterance.
    fn uncaption(&mut self, human: &HumanId, utterance: UtteranceId) {
        if self.captioned.remove(&utterance) {
            self.caption(human.clone(), utterance, String::new(), true);
        }
    }

    fn on_speech(&mut self, event: speech::Event) {
        self.out.tap.speech(&event);
        self.ledger.speech(&event);
        match event.what {
            speech::What::Published => self.tell(turn::Event::SpeechBegan { turn: event.turn }),
            speech::What::Ended(ended) => {
                self.speeches.remove(&event.turn);
                let line = self.new_line();
                if let Some(persona) = self.ledger.persona(event.turn) {
                    self.out.publisher.persona(&persona, |shown| shown.cuts += ended.cuts);
                    self.show_spoken(line, persona, &ended.heard);
                }
                let (turn, heard, end) = (event.turn, ended.heard, ended.end);
                self.tell(turn::Event::SpeechEnded { turn, line, heard, end });
            }
        }
    }

    fn on_link(&mut self, member: Member, state: LinkState) {
        if let Member::Persona(persona) = &member
            && !self.cast.contains(persona)
        {
            tracing::error!(%persona, "in the room with a cold seat; it is not served");
            return;
        }
        let span = match &member {
            Member::Persona(persona) => self.out.replies.span(persona),
            Member::Listener => Span::current(),
        };
        span.in_scope(|| match &state {
            LinkState::Up => tracing::info!(?member, "in the room"),
            LinkState::Down { cause } => tracing::warn!(?member, cause, "out of the room"),
        });
        let hosted = state == LinkState::Up;
        self.health.link(&self.out.publisher, &member, state);
        if let Member::Persona(persona) = member {
            self.tell(turn::Event::Hosted { persona, hosted });
        }
    }

    fn on_page(&mut self, command: pages::Command) {
        match command {
            pages::Command::Mode { persona, mode } => {
                self.out.tap.mode(self.clock.now(), &persona, mode);
                self.out.publisher.persona(&persona, |status| status.mode = mode);
                self.tell(turn::Event::Mode { persona, mode });
            }
            pages::Command::Hush { persona } => {
                self.out.tap.hush(self.clock.now(), &persona);
                self.tell(turn::Event::Hush { persona });
            }
        }
    }

    fn on_wake(&mut self) {
        let now = self.clock.now();
        if self.core_wake.is_some_and(|wake| wake <= now) {
            self.core_wake = None;
            self.tell(turn::Event::Wake);
        }
        for event in self.hearing.wake(now) {
            self.on_hearing(event);
        }
        self.out.sight.wake(now);
    }

    /// Tells the core and does what it says.
    fn tell(&mut self, event: turn::Event) {
        let said = matches!(event, turn::Event::Line { .. } | turn::Event::SpeechEnded { .. });
        probes::told(&event);
        let now = self.clock.now();
        // What is ranked is computed for the seats anyway.
        let mut ranks = false;
        for effect in time_sync!("turn.core", self.core.handle(now, event)) {
            ranks |= matches!(effect, Effect::Rank { .. });
            self.act(effect);
        }
        if said && !ranks && self.speeches.is_empty() {
            self.out.ahead.begin();
        }
        self.tell_scene();
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Reply(grant) => {
                let (turn, persona) = (grant.turn, &grant.persona);
                tracing::debug!(%turn, %persona, "the floor is granted");
                self.out.ahead.granted(&grant);
                self.out.ranker.stop();
                self.out.tap.granted(self.clock.now(), &grant);
                self.ledger.granted(&grant, self.clock.now());
                let options = self.out.replies.options(&grant);
                self.speeches.insert(turn, self.out.stage.speak(grant, options));
            }
            Effect::Hold { turn, fade } => {
                probes::held(turn, fade);
                self.out.tap.held(self.clock.now(), turn, fade);
                if let Some(speech) = self.speeches.get(&turn) {
                    speech.hold(fade);
                }
            }
            Effect::Resume { turn, from } => {
                probes::resumed(turn);
                self.out.tap.resumed(self.clock.now(), turn, from);
                if let Some(speech) = self.speeches.get(&turn) {
                    speech.resume(from);
                }
            }
            Effect::Stop { turn, fade } => {
                probes::stopped(turn, fade);
                self.out.tap.stopped(self.clock.now(), turn, fade);
                if let Some(speech) = self.speeches.get(&turn) {
                    speech.stop(fade);
                }
            }
            Effect::Settled(settled) => {
                let record = self.ledger.settle(settled, self.clock.now());
                self.out.tap.settled(self.clock.now(), &record);
                self.out.replies.turn_span(&record.persona, record.turn).in_scope(|| {
                    tracing::info!(
                        turn = %record.turn, line = %record.line, persona = %record.persona,
                        outcome = record.outcome.as_str(), reason = %record.reason,
                        e2e_ms = record.e2e_us.map(|us| us / 1_000), "settled"
                    );
                });
                if let Some(seat) = self.ledger.seat(&record.persona) {
                    self.out.publisher.persona(&record.persona, |status| status.seat = seat);
                }
                self.out.publisher.event(pages::Event::Turn(Box::new(record)));
            }
            Effect::State { persona, state } => {
                self.out.publisher.state(&persona, state);
                self.out.transport.send(Command::State { persona, state });
            }
            Effect::Mode { persona, mode } => {
                self.out.tap.became(self.clock.now(), &persona, mode);
                self.out.publisher.persona(&persona, |status| status.mode = mode);
            }
            Effect::Rank { line, questions, wait } => {
                self.out.ahead.stop();
                self.out.ranker.ask(line, questions, wait);
            }
            Effect::WakeAt(time) => self.core_wake = Some(time),
        }
    }

    fn show_human(&self, human: &HumanId, name: Option<&str>) {
        self.out.publisher.update(|status| {
            status.humans.retain(|known| known.id != *human);
            status.humans.extend(name.map(|name| pages::HumanStatus {
                id: human.clone(),
                name: name.to_owned(),
                speaking: false,
            }));
        });
    }

    fn show_speaking(&self, human: &HumanId, speaking: bool) {
        self.out.publisher.update(|status| {
            for known in status.humans.iter_mut().filter(|known| known.id == *human) {
                known.speaking = speaking;
            }
        });
    }

    /// What a persona said, as far as it was heard.
    fn show_spoken(&self, line: LineId, persona: PersonaId, heard: &str) {
        if heard.is_empty() {
            return;
        }
        let name = self.out.replies.name(&persona).to_owned();
        let speaker = Speaker::Persona(persona);
        self.show_line(pages::Line::new(line, &speaker, &name, Manner::Spoken, heard));
    }

    fn show_line(&self, line: pages::Line) {
        let pages::Line { id, speaker, name, manner, text, pictures, sound, .. } = &line;
        let beside = (&pictures[..], sound.as_ref());
        self.out.tap.line(self.clock.now(), *id, (speaker, name), *manner, text, beside);
        self.out.publisher.event(pages::Event::Line(line));
    }

    fn new_line(&mut self) -> LineId {
        self.lines += 1;
        LineId(self.lines)
    }
}

/// Resolves at `time`, or never.
async fn reached(clock: Clock, time: Option<Time>) {
    match time {
        Some(time) => tokio::time::sleep_until(clock.instant(time)).await,
        None => pending().await,
    }
}
