//! The core: events in, effects out.
//!
//! A human line is decided at once (`addressing`). Whoever is to answer gets a ticket and waits
//! for the floor, which is granted when nobody holds it and no human makes a sound; everybody else
//! is settled at once. A human's onset takes the floor back. A line of the same human, or one that
//! calls the same persona, replaces what was not yet said. A persona's own line can lead to one
//! further turn at most, out of a budget that only human lines refill: that is what makes the room
//! fall silent by itself, whatever the model says.

use std::time::Duration;

use super::addressing::{self, Candidate, Scene, Verdict};
use super::cast::Cast;
use super::floor::{Cause, Floor, Holder, Ticket};
use super::people::{People, recent};
use super::text;
use super::transcript::Transcript;
use super::{Effect, Event, Grant, Line, Manner, Settled, SpeechEnd};
use crate::id::{HumanId, LineId, PersonaId, Speaker, TurnId};
use crate::latency::{Outcome, Reason};
use crate::llm::prompt;
use crate::persona::{Mode, Persona};
use crate::room::AgentState;
use crate::time::Time;

/// A turn that a sound stopped before it was audible is granted again this often.
const GRANTS_MAX: u32 = 3;
/// An answer from one human to another comes within this time.
const ANSWER_REACH: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Decides who begins the rotation.
    pub seed: u64,
    /// Lines of the transcript; when it is full the older half leaves.
    pub lines_max: usize,
    /// Speech whose end is never told counts as ended after this. Longer than an utterance may
    /// last together with its recognition.
    pub speech_timeout: Duration,
    /// How long a human's talk with a persona goes on without naming it again.
    pub continuity: Duration,
    /// Of a holder that is stopped.
    pub fade: Duration,
    /// Turns after personas' lines for each human line.
    pub follow_ups: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            lines_max: 64,
            speech_timeout: Duration::from_secs(45),
            continuity: Duration::from_secs(60),
            fade: Duration::from_millis(20),
            follow_ups: 1,
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
    transcript: Transcript,
    floor: Floor,
    /// Turns after personas' lines that are left until a human says something.
    follow_ups_left: u32,
    turns: u64,
    grants: u64,
    wake_at: Option<Time>,
    effects: Vec<Effect>,
    stats: Stats,
}

impl Core {
    pub fn new(cast: Vec<Persona>, options: Options) -> Self {
        Self {
            grants: cast.len() as u64,
            cast: Cast::new(cast, options.seed),
            people: People::default(),
            transcript: Transcript::new(options.lines_max),
            floor: Floor::default(),
            follow_ups_left: 0,
            turns: 0,
            wake_at: None,
            effects: Vec::new(),
            stats: Stats::default(),
            options,
        }
    }

    /// Takes an event and says what is to be done, in order.
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Effect> {
        match event {
            Event::HumanJoined { human, name } => {
                let name = text::tidy(&name, text::NAME_CHARS_MAX).0;
                let name = if name.is_empty() { human.as_str().to_owned() } else { name };
                self.people.join(human, name);
            }
            Event::HumanLeft { human } => self.human_left(&human),
            Event::SpeechStarted { human } => self.speech_started(now, &human),
            Event::SpeechDropped { human } => match self.people.get_mut(&human) {
                Some(human) => human.sound_ended(),
                None => self.stats.events_ignored += 1,
            },
            Event::Line { id, human, manner, text } => self.line(now, id, human, manner, &text),
            Event::SpeechBegan { turn } => match &mut self.floor.holder {
                Some(holder) if holder.ticket.turn == turn => holder.audible = true,
                _ => self.stats.events_ignored += 1,
            },
            Event::SpeechEnded { turn, line, heard, end } => {
                self.speech_ended(now, turn, line, &heard, end);
            }
            Event::Hosted { persona, hosted } => self.hosted(&persona, hosted),
            Event::Mode { persona, mode } => self.mode(&persona, mode),
            Event::Hush { persona } => match self.cast.find(&persona) {
                Some(persona) => self.silence(persona, Cause::Hushed),
                None => self.stats.events_ignored += 1,
            },
            Event::Wake => self.wake_at = None,
        }
        self.grant(now);
        self.show_states();
        self.wish_to_wake(now);
        std::mem::take(&mut self.effects)
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
        self.floor.is_idle()
    }

    fn human_left(&mut self, human: &HumanId) {
        if !self.people.leave(human) {
            self.stats.events_ignored += 1;
        } else if self.people.is_empty() {
            self.follow_ups_left = 0;
            self.stop_if(Cause::Alone, |_| true);
            self.drop_waiting(Cause::Alone, |_| true);
        }
    }

    fn speech_started(&mut self, now: Time, human: &HumanId) {
        let Some(human) = self.people.get_mut(human) else {
            self.stats.events_ignored += 1;
            return;
        };
        human.sound_began(now);
        self.stop_if(Cause::Onset, |_| true);
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
        let Some(holder) = self.floor.running().filter(|holder| which(holder)) else { return };
        holder.stopped = Some(cause);
        let turn = holder.ticket.turn;
        self.effects.push(Effect::Stop { turn, fade });
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

/// A human's line.
impl Core {
    fn line(&mut self, now: Time, id: LineId, human: HumanId, manner: Manner, text: &str) {
        let (text, cut) = text::tidy(text, text::LINE_CHARS_MAX);
        self.stats.lines_cut += u64::from(cut);
        if manner == Manner::Heard
            && let Some(human) = self.people.get_mut(&human)
        {
            human.sound_ended();
        }
        let verdict = addressing::addressees(&text, &self.scene(now, &human));
        if !text.is_empty() {
            let name = self.people.get(&human).map_or(human.as_str(), |human| &human.name);
            let name = name.to_owned();
            let speaker = Speaker::Human(human.clone());
            self.transcript.push(now, Line { id, speaker, name, manner, text });
            self.follow_ups_left = self.options.follow_ups;
        }
        let tickets = self.sort_out(id, &human, manner, &verdict);
        let first = tickets.first().map(|ticket| ticket.persona);
        if let Some(first) = first {
            self.make_way(&human, manner, &tickets);
            if let Some(human) = self.people.get_mut(&human).filter(|_| verdict.named) {
                human.named = (tickets.len() == 1).then_some((first, now));
            }
        }
        for ticket in tickets {
            self.floor.wait(ticket);
        }
    }

    fn scene<'a>(&'a self, now: Time, human: &'a HumanId) -> Scene<'a> {
        let speaker = self.people.get(human);
        let reach = self.options.continuity;
        let asked_by_human = speaker.is_some_and(|speaker| {
            self.transcript.last().is_some_and(|last| {
                matches!(&last.line.speaker, Speaker::Human(other) if other != human)
                    && now.since(last.at) <= ANSWER_REACH
                    && addressing::calls_human(&last.line.text, &speaker.name)
            })
        });
        let candidate = |index: usize| {
            let member = &self.cast[index];
            Candidate { name: &member.name, open: member.is_open(), rank: member.rank }
        };
        Scene {
            cast: (0..self.cast.len()).map(candidate).collect(),
            humans: self.people.names_without(human).collect(),
            named_before: speaker.and_then(|speaker| recent(speaker.named, now, reach)),
            answered_before: speaker.and_then(|speaker| recent(speaker.answered, now, reach)),
            asked_by_human,
        }
    }

    /// Settles everybody who is not to answer, and gives the others their tickets, in order.
    fn sort_out(
        &mut self,
        line: LineId,
        human: &HumanId,
        manner: Manner,
        verdict: &Verdict,
    ) -> Vec<Ticket> {
        let chosen = |persona| verdict.addressees.iter().position(|one| one.persona == persona);
        let mut tickets = Vec::new();
        for persona in 0..self.cast.len() {
            let member = &self.cast[persona];
            let place = chosen(persona);
            let (confidence, reason) = match place {
                Some(place) => {
                    let one = &verdict.addressees[place];
                    (one.confidence, one.reason.clone())
                }
                None => (0.0, Reason::Borrowed("")),
            };
            let settled = if member.mode == Mode::Asleep {
                Some((Outcome::Asleep, Reason::Borrowed("asleep")))
            } else if !member.hosted {
                Some((Outcome::Failed, Reason::Borrowed("not hosted")))
            } else if place.is_some() {
                None
            } else if !member.is_open() && verdict.others.0 == Outcome::Outbid {
                Some((Outcome::Passed, Reason::Borrowed("not named")))
            } else {
                Some(verdict.others.clone())
            };
            let ticket = Ticket {
                turn: self.next_turn(),
                persona,
                line,
                human: Some(human.clone()),
                manner,
                confidence,
                reason,
                named: verdict.named,
                grants: 0,
            };
            match settled {
                Some(end) => self.settle(&ticket, end, String::new()),
                None => tickets.push(ticket),
            }
        }
        tickets.sort_by_key(|ticket| chosen(ticket.persona));
        tickets
    }

    /// Ends what a new line of `human` makes pointless: answers to the same human, further turns
    /// among personas, and other turns of those who are to answer it. What others hear already
    /// goes on.
    fn make_way(&mut self, human: &HumanId, manner: Manner, tickets: &[Ticket]) {
        let same = |old: &Ticket| old.is_follow_up() || old.human.as_ref() == Some(human);
        let again = |old: &Ticket| tickets.iter().any(|ticket| ticket.persona == old.persona);
        self.drop_waiting(Cause::NewLine, |old| same(old) || again(old));
        // A spoken line has silenced an audible holder by its onset, if it was to be silenced.
        let typed = manner == Manner::Typed;
        self.stop_if(Cause::NewLine, |holder| {
            let old = &holder.ticket;
            if holder.audible { typed && same(old) } else { same(old) || again(old) }
        });
        if let Some(holder) = &mut self.floor.holder
            && holder.stopped == Some(Cause::Onset)
            && (same(&holder.ticket) || again(&holder.ticket))
        {
            holder.stopped = Some(Cause::NewLine);
        }
    }
}

/// A persona's speech.
impl Core {
    fn grant(&mut self, now: Time) {
        if self.people.speaking_until(now, self.options.speech_timeout).is_some() {
            return;
        }
        let Some(mut ticket) = self.floor.next() else { return };
        ticket.grants += 1;
        self.grants += 1;
        let member = &mut self.cast[ticket.persona];
        member.rank = self.grants;
        let mut messages = vec![member.system.clone()];
        messages.extend(prompt::conversation(&member.id, self.transcript.lines()));
        messages.push(prompt::cue(&member.name));
        self.effects.push(Effect::Reply(Grant {
            turn: ticket.turn,
            persona: member.id.clone(),
            line: ticket.line,
            manner: ticket.manner,
            confidence: ticket.confidence,
            messages,
        }));
        let place = self.transcript.end();
        self.floor.holder = Some(Holder { ticket, place, audible: false, stopped: None });
    }

    fn speech_ended(&mut self, now: Time, turn: TurnId, line: LineId, heard: &str, end: SpeechEnd) {
        let Some(holder) = self.floor.leave(turn) else {
            self.stats.events_ignored += 1;
            return;
        };
        let (heard, cut) = text::tidy(heard, text::LINE_CHARS_MAX);
        self.stats.lines_cut += u64::from(cut);
        let unheard = heard.is_empty() && !holder.audible;
        let by_sound = end == SpeechEnd::Stopped && holder.stopped == Some(Cause::Onset);
        if unheard && by_sound && holder.ticket.grants < GRANTS_MAX {
            self.floor.wait_first(holder.ticket);
            return;
        }
        let finished = end == SpeechEnd::Finished;
        let outcome = holder.outcome(end, !heard.is_empty());
        self.settle(&holder.ticket, outcome, heard.clone());
        if heard.is_empty() {
            return;
        }
        let persona = holder.ticket.persona;
        let human = holder.ticket.human.as_ref().and_then(|human| self.people.get_mut(human));
        if let Some(human) = human {
            human.answered = Some((persona, now));
            if holder.ticket.named {
                human.named = human.named.filter(|(named, _)| *named != persona);
                human.named = human.named.or(Some((persona, now)));
            }
        }
        if finished {
            self.follow_up(line, &heard, persona);
        }
        let member = &self.cast[persona];
        let speaker = Speaker::Persona(member.id.clone());
        let name = member.name.clone();
        let said = Line { id: line, speaker, name, manner: Manner::Spoken, text: heard };
        self.transcript.insert(holder.place, now, said);
    }

    /// Lets a persona answer another one that named it, while nobody else waits.
    fn follow_up(&mut self, line: LineId, heard: &str, speaker: usize) {
        if self.follow_ups_left == 0 || self.floor.has_waiting() || self.people.is_empty() {
            return;
        }
        let names: Vec<&str> = self.cast.iter().map(|member| member.name.as_str()).collect();
        let Some(persona) = addressing::follow_up(heard, &names, speaker) else { return };
        if !self.cast[persona].follows_personas() {
            return;
        }
        self.follow_ups_left -= 1;
        let ticket = Ticket {
            turn: self.next_turn(),
            persona,
            line,
            human: None,
            manner: Manner::Spoken,
            confidence: 0.8,
            reason: Reason::Borrowed("called by a persona"),
            named: true,
            grants: 0,
        };
        self.floor.wait(ticket);
    }

    fn show_states(&mut self) {
        let rest = if self.people.is_empty() { AgentState::Idle } else { AgentState::Listening };
        let holder = self.floor.holder.as_ref();
        let holder = holder.map(|holder| (holder.ticket.persona, holder.audible));
        for (index, member) in self.cast.iter_mut().enumerate().filter(|(_, one)| one.hosted) {
            let state = match holder {
                Some((persona, true)) if persona == index => AgentState::Speaking,
                Some((persona, false)) if persona == index => AgentState::Thinking,
                _ if member.mode == Mode::Asleep => AgentState::Idle,
                _ => rest,
            };
            if member.state.replace(state) != Some(state) {
                self.effects.push(Effect::State { persona: member.id.clone(), state });
            }
        }
    }

    fn wish_to_wake(&mut self, now: Time) {
        let speaking = self.people.speaking_until(now, self.options.speech_timeout);
        let Some(at) = speaking.filter(|_| self.floor.has_waiting()) else { return };
        if self.wake_at.replace(at) != Some(at) {
            self.effects.push(Effect::WakeAt(at));
        }
    }
}
