//! The core: events in, effects out.
//!
//! A human line is decided at once (`addressing`). Whoever is to answer gets a ticket and waits
//! for the floor, which is granted when nobody holds it and no human makes a sound; everybody else
//! is settled at once. A human's onset silences the holder, and what is said takes the floor back
//! (`giving_way`). A line of the same human, or one that
//! calls the same persona, replaces what was not yet said. A persona's own line can lead to one
//! further turn at most, out of a budget that only human lines refill: that is what makes the room
//! fall silent by itself, whatever the model says.

use std::collections::VecDeque;
use std::time::Duration;

use lines::Said;
use ranking::Contest;

use super::addressing::SleepWords;
use super::cast::Cast;
use super::floor::{Cause, Floor, Holder, Ticket};
use super::people::People;
use super::talk::Talk;
use super::transcript::Transcript;
use super::{Decide, Effect, Event, Line, Settled, Weights, text};
use crate::id::{HumanId, PersonaId, TurnId};
use crate::latency::{Outcome, Reason};
use crate::llm::Senses;
use crate::meaning::Meaning;
use crate::persona::{Mode, Persona};
use crate::time::Time;

mod giving_way;
mod limits;
mod lines;
mod memory;
#[cfg(test)]
mod properties;
mod ranking;
mod recall;
mod speeches;
#[cfg(test)]
mod tests;

pub use memory::Memory;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Decides who begins the rotation.
    pub seed: u64,
    /// Lines of the transcript; when it is full the older half leaves.
    pub lines_max: usize,
    /// Speech whose end is never told counts as ended after this. Longer than an utterance may
    /// last together with its recognition.
    pub speech_timeout: Duration,
    /// A sound that has not lasted by then was no speech, unless its words say so: a cough is
    /// shorter, and who listens does not wait longer for the rest of a sentence.
    pub undecided: Duration,
    /// How long a human's talk with a persona goes on without naming it again.
    pub continuity: Duration,
    /// Of a holder that is stopped.
    pub fade: Duration,
    /// Turns after personas' lines for each human line.
    pub follow_ups: u32,
    /// Turns in any minute, but for those who are called by name; none is no limit.
    pub turns_per_minute: Option<u32>,
    /// Who chooses among those who may answer a question to the room.
    pub decide: Decide,
    pub weights: Weights,
    /// How long the model may think about that.
    pub rank_wait: Duration,
    /// What the model takes beside words.
    pub senses: Senses,
    /// Pictures that are kept; with one more the older half leaves.
    pub pictures_max: usize,
    /// Sounds that are kept; with one more the older half falls back to its words.
    pub sounds_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            lines_max: 64,
            speech_timeout: Duration::from_secs(45),
            undecided: Duration::from_millis(700),
            continuity: Duration::from_secs(60),
            fade: Duration::from_millis(20),
            follow_ups: 1,
            turns_per_minute: None,
            decide: Decide::default(),
            weights: Weights::default(),
            rank_wait: Duration::from_millis(150),
            senses: Senses::default(),
            // Each is some hundred tokens in every seat; enough to compare what is shown.
            pictures_max: 4,
            // Ten seconds are 60 to 250 tokens in every seat that hears.
            sounds_max: 4,
        }
    }
}

/// What the core did not take as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Lines cut at 2,000 characters.
    pub lines_cut: u64,
    /// Events that named nobody and nothing known.
    pub events_ignored: u64,
}

/// Who speaks, when, and when to stop.
#[derive(Clone, Debug)]
pub struct Core {
    options: Options,
    cast: Cast,
    people: People,
    talk: Talk,
    transcript: Transcript,
    floor: Floor,
    /// Who answers the newest line is the model's to say.
    contest: Option<Contest>,
    /// Turns after personas' lines that are left until a human says something.
    follow_ups_left: u32,
    turns: u64,
    grants: u64,
    wake_at: Option<Time>,
    deferred: giving_way::Lines,
    sleep_words: SleepWords,
    minute: limits::Minute,
    /// What was told of texts, the newest last.
    meant: VecDeque<(String, Meaning)>,
    effects: Vec<Effect>,
    stats: Stats,
}

impl Core {
    pub fn new(cast: Vec<Persona>, options: Options) -> Self {
        Self {
            grants: cast.len() as u64,
            cast: Cast::new(cast, options.seed, options.senses),
            people: People::default(),
            talk: Talk::default(),
            transcript: Transcript::new(
                options.lines_max,
                options.pictures_max,
                options.sounds_max,
            ),
            floor: Floor::default(),
            contest: None,
            follow_ups_left: 0,
            turns: 0,
            wake_at: None,
            deferred: giving_way::Lines::default(),
            sleep_words: SleepWords::default(),
            minute: limits::Minute::default(),
            meant: VecDeque::new(),
            effects: Vec::new(),
            stats: Stats::default(),
            options,
        }
    }

    /// Takes an event and says what is to be done, in order.
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Effect> {
        self.people.give_up_sounds(now, self.options.speech_timeout);
        self.end_contest(now, &event);
        match event {
            Event::HumanJoined { human, name } => {
                let name = text::tidy(&name, text::NAME_CHARS_MAX).0;
                let name = if name.is_empty() { human.as_str().to_owned() } else { name };
                if self.people.join(human, name) {
                    self.hold(now);
                }
            }
            Event::HumanLeft { human } => self.human_left(&human),
            Event::SpeechStarted { human } => self.speech_started(now, &human),
            Event::SpeechLasts { human, voiced } => self.speech_lasts(now, &human, voiced),
            Event::Words { human, text } => self.words(&human, &text),
            Event::SpeechDropped { human } => {
                let known = self.people.sound_ended(&human);
                self.stats.events_ignored += u64::from(!known);
            }
            Event::Meant { text, meaning } => self.keep_meaning(text, meaning),
            Event::Line { id, human, manner, text, shown, sound } => {
                self.take_line(now, id, human, manner, Said { text, shown, sound });
            }
            Event::SpeechBegan { turn } => match self.floor.holder_mut(turn) {
                Some(holder) => holder.audible = true,
                None => self.stats.events_ignored += 1,
            },
            Event::SpeechEnded { turn, line, heard, end } => {
                self.speech_ended(now, turn, line, &heard, end);
                self.after_an_end(now);
            }
            Event::Hosted { persona, hosted } => self.hosted(&persona, hosted),
            Event::Mode { persona, mode } => self.mode(&persona, mode),
            Event::Hush { persona } => match self.cast.find(&persona) {
                Some(persona) => self.silence(persona, Cause::Hushed),
                None => self.stats.events_ignored += 1,
            },
            Event::Ranked { line, scores } => self.ranked(line, &scores),
            Event::Wake => self.wake_at = None,
        }
        self.resume(now);
        self.grant(now);
        self.show_states();
        self.wish_to_wake();
        std::mem::take(&mut self.effects)
    }

    /// For benches of the host's own cost: so many hold the floor at once, so that everybody
    /// answers everything. It is one everywhere else.
    pub fn set_holders_max(&mut self, holders_max: usize) {
        self.floor.holders_max = holders_max.max(1);
    }

    /// The transcript, oldest line first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.transcript.lines()
    }

    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Nobody speaks, and nobody waits to.
    pub fn is_quiet(&self) -> bool {
        self.floor.is_idle() && self.deferred.is_empty() && self.contest.is_none()
    }

    fn human_left(&mut self, human: &HumanId) {
        if !self.people.leave(human) {
            self.stats.events_ignored += 1;
            return;
        }
        self.talk.left(human);
        if self.people.is_empty() {
            self.follow_ups_left = 0;
            self.stop_if(Cause::Alone, |_| true);
            self.drop_waiting(Cause::Alone, |_| true);
        }
    }

    fn hosted(&mut self, persona: &PersonaId, hosted: bool) {
        let Some(persona) = self.cast.find(persona) else {
            self.stats.events_ignored += 1;
            return;
        };
        self.cast[persona].hosted = hosted;
        if !hosted {
            self.cast[persona].state = None;
            self.silence(persona, Cause::NotHosted);
        }
    }

    fn mode(&mut self, persona: &PersonaId, mode: Mode) {
        let Some(persona) = self.cast.find(persona) else {
            self.stats.events_ignored += 1;
            return;
        };
        self.cast[persona].mode_before = None;
        self.set_mode(persona, mode);
    }

    fn set_mode(&mut self, persona: usize, mode: Mode) {
        self.cast[persona].mode = mode;
        if mode == Mode::Asleep {
            self.silence(persona, Cause::Asleep);
        }
    }

    /// Takes the floor, and the wish for it, from one persona.
    fn silence(&mut self, persona: usize, cause: Cause) {
        self.stop_if(cause, |holder| holder.ticket.persona == persona);
        self.drop_waiting(cause, |ticket| ticket.persona == persona);
    }

    fn stop_if(&mut self, cause: Cause, which: impl Fn(&Holder) -> bool) {
        let fade = self.options.fade;
        for holder in self.floor.holders.iter_mut().filter(|holder| which(holder)) {
            match holder.stopped {
                None => self.effects.push(Effect::Stop { turn: holder.ticket.turn, fade }),
                // It may have been no speech, and the turn be granted again; any other cause is
                // final.
                Some(Cause::Onset) => {}
                Some(_) => continue,
            }
            holder.stopped = Some(cause);
        }
    }

    fn drop_waiting(&mut self, cause: Cause, which: impl Fn(&Ticket) -> bool) {
        for ticket in self.floor.take_waiting(which) {
            let never_granted = ticket.grants == 0;
            let end = if never_granted { cause.outcome_of_waiting() } else { cause.outcome() };
            self.settle(&ticket, end, String::new());
        }
    }

    fn settle(&mut self, ticket: &Ticket, (outcome, reason): (Outcome, Reason), heard: String) {
        self.effects.push(Effect::Settled(Settled {
            turn: ticket.turn,
            line: ticket.line,
            persona: self.cast[ticket.persona].id.clone(),
            outcome,
            reason,
            confidence: ticket.confidence,
            heard,
        }));
    }

    fn next_turn(&mut self) -> TurnId {
        self.turns += 1;
        TurnId(self.turns)
    }
}
