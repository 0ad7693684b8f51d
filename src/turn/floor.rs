//! The floor: one holder, and those who wait for it.

use std::collections::VecDeque;

use super::transcript::Place;
use super::{Manner, SpeechEnd};
use crate::id::{HumanId, LineId, TurnId};
use crate::latency::{Outcome, Reason};
use crate::time::Time;

/// A turn that is to be spoken: waiting, or holding the floor.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub turn: TurnId,
    /// An index of the cast.
    pub persona: usize,
    pub line: LineId,
    /// Who is answered; none when it is a persona.
    pub human: Option<HumanId>,
    pub manner: Manner,
    pub confidence: f32,
    pub reason: Reason,
    /// It was called by name, or as one of everybody.
    pub named: bool,
    /// Others were called by the same line: it is one of a round, and outlasts talk beside it.
    pub round: bool,
    /// It only returns a greeting to all.
    pub courtesy: bool,
    /// How often it got the floor already.
    pub grants: u32,
    /// The line can only be answered by looking.
    pub looks: bool,
}

impl Ticket {
    /// A further turn after a persona's line.
    pub(super) fn is_follow_up(&self) -> bool {
        self.human.is_none()
    }
}

/// Who has the floor. Gone only when its speech has ended.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub ticket: Ticket,
    /// Where its speech will stand in the transcript.
    pub place: Place,
    pub audible: bool,
    /// It was told to wait in silence, then.
    pub held_at: Option<Time>,
    /// Why it was told to stop.
    pub stopped: Option<Cause>,
}

/// Why a turn does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A human began to speak, or made a sound.
    Onset,
    NewLine,
    Hushed,
    Asleep,
    NotHosted,
    Alone,
    /// A human asked for silence.
    Silenced,
}

impl Cause {
    /// What becomes of a turn that had the floor.
    pub(super) fn outcome(self) -> (Outcome, Reason) {
        let (outcome, reason) = match self {
            Self::Onset => (Outcome::Interrupted, "a human spoke"),
            Self::NewLine => (Outcome::Interrupted, "a new line came first"),
            Self::Hushed => (Outcome::Interrupted, "hushed"),
            Self::Asleep => (Outcome::Asleep, "asleep"),
            Self::NotHosted => (Outcome::Failed, "not hosted"),
            Self::Alone => (Outcome::Interrupted, "everybody left"),
            Self::Silenced => (Outcome::Interrupted, "asked to be quiet"),
        };
        (outcome, Reason::Borrowed(reason))
    }

    /// What becomes of a turn that never had it.
    pub(super) fn outcome_of_waiting(self) -> (Outcome, Reason) {
        match self.outcome() {
            (Outcome::Interrupted, reason) => (Outcome::Outbid, reason),
            other => other,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Floor {
    /// One at most, unless a bench lets more in.
    pub holders: Vec<Holder>,
    pub holders_max: usize,
    /// Each persona waits once at most, so it is never longer than the cast. Answers to humans
    /// stand before follow-ups.
    waiting: VecDeque<Ticket>,
}

impl Default for Floor {
    fn default() -> Self {
        Self { holders: Vec::new(), holders_max: 1, waiting: VecDeque::new() }
    }
}

impl Floor {
    pub(super) fn is_idle(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty()
    }

    pub(super) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Those who are to speak yet by a line that called several, in order.
    pub(super) fn owed(&self) -> impl Iterator<Item = usize> {
        let holder = self.holders.iter().filter(|holder| !holder.audible);
        let tickets = holder.map(|holder| &holder.ticket).chain(&self.waiting);
        tickets.filter(|ticket| ticket.round).map(|ticket| ticket.persona)
    }

    pub(super) fn wait(&mut self, ticket: Ticket) {
        self.waiting.push_back(ticket);
    }

    /// Lets those of earlier rounds wait behind everybody else.
    pub(super) fn rounds_last(&mut self) {
        let (round, others): (Vec<_>, Vec<_>) =
            self.waiting.drain(..).partition(|ticket| ticket.round);
        self.waiting = others.into_iter().chain(round).collect();
    }

    /// Before all others: it had the floor and lost it through no fault of its own.
    pub(super) fn wait_first(&mut self, ticket: Ticket) {
        self.waiting.push_front(ticket);
    }

    pub(super) fn next(&mut self) -> Option<Ticket> {
        if self.holders.len() < self.holders_max { self.waiting.pop_front() } else { None }
    }

    /// Takes those who are to wait no longer.
    pub(super) fn take_waiting(&mut self, gone: impl Fn(&Ticket) -> bool) -> Vec<Ticket> {
        let (gone, kept) = self.waiting.drain(..).partition(|ticket| gone(ticket));
        self.waiting = kept;
        Vec::from(gone)
    }

    /// The holder of this turn.
    pub(super) fn holder_mut(&mut self, turn: TurnId) -> Option<&mut Holder> {
        self.holders.iter_mut().find(|holder| holder.ticket.turn == turn)
    }

    /// Takes the holder off the floor if `turn` is its turn.
    pub(super) fn leave(&mut self, turn: TurnId) -> Option<Holder> {
        let place = self.holders.iter().position(|holder| holder.ticket.turn == turn)?;
        Some(self.holders.remove(place))
    }
}

impl Holder {
    /// What its end means; `heard` is whether anything was heard of it.
    pub(super) fn outcome(&self, end: SpeechEnd, heard: bool) -> (Outcome, Reason) {
        match (end, self.stopped) {
            (SpeechEnd::Finished, _) if heard => (Outcome::Spoke, self.ticket.reason.clone()),
            (SpeechEnd::Finished, None) => (Outcome::Passed, "had nothing to say".into()),
            (SpeechEnd::Failed { reason }, _) => (Outcome::Failed, Reason::Owned(reason)),
            (SpeechEnd::Finished | SpeechEnd::Stopped, Some(cause)) => cause.outcome(),
            (SpeechEnd::Stopped, None) => (Outcome::Interrupted, "stopped".into()),
        }
    }
}
