//! A persona's speech: the floor is granted, it ends, and what may follow it.

use super::super::cast::Member;
use super::Core;
use crate::id::{HumanId, LineId, PersonaId, Speaker, TurnId};
use crate::llm::{Message, prompt};
use crate::persona::Mode;
use crate::room::AgentState;
use crate::time::Time;
use crate::turn::addressing::{self, Spoken};
use crate::turn::floor::{Cause, Holder, Ticket};
use crate::turn::{Effect, Grant, Line, Manner, Shown, SpeechEnd, sight, text};

/// A turn that a sound stopped before it was audible gets the floor so often in all.
const GRANTS_MAX: u32 = 3;

impl Core {
    /// The conversation as each persona who may speak sees it now.
    pub fn views(&self) -> impl Iterator<Item = (PersonaId, Vec<Message>)> {
        let mut place = 0;
        std::iter::from_fn(move || {
            let (next, persona, view) = self.view_from(place)?;
            place = next;
            Some((persona, view))
        })
    }

    /// The conversation as the first persona from `place` in the cast on who may speak sees it now,
    /// its card first: what its next reply will begin with. Also the place after that persona.
    pub fn view_from(&self, place: usize) -> Option<(usize, PersonaId, Vec<Message>)> {
        let awake = |(_, member): &(usize, &Member)| member.can_speak();
        let (index, member) = self.cast.iter().enumerate().skip(place).find(awake)?;
        Some((index + 1, member.id.clone(), self.view(index)))
    }

    /// The view of whoever would answer `text`, were it all that `human` says, with what would go
    /// with it; none when nobody would, as while it is unfinished, and when that persona will hear
    /// it: its prompt begins with a sound that is not over. For work ahead of time: nothing follows
    /// from it.
    pub fn likely(
        &self,
        now: Time,
        human: &HumanId,
        text: &str,
        shown: Vec<Shown>,
    ) -> Option<(PersonaId, Vec<Message>)> {
        let (text, _) = text::tidy(text, text::LINE_CHARS_MAX);
        let verdict = self.judge(now, human, Manner::Heard, &self.whole(now, human, &text));
        let persona = verdict.addressees.first()?.persona;
        let member = Some(&self.cast[persona])
            .filter(|member| member.can_speak() && !member.hears.takes_sound())?;
        let name = self.people.get(human).map_or(human.as_str(), |human| &human.name).to_owned();
        // Nobody asks for its number.
        let (id, speaker, manner) = (LineId(0), Speaker::Human(human.clone()), Manner::Heard);
        let line = Line { id, speaker, name, manner, text, shown, sound: None };
        let lines = self.transcript.lines().chain([&line]);
        Some((member.id.clone(), self.view_of(persona, lines)))
    }

    pub(super) fn view(&self, persona: usize) -> Vec<Message> {
        self.view_of(persona, self.transcript.lines())
    }

    pub(super) fn view_of<'a>(
        &self,
        persona: usize,
        lines: impl Iterator<Item = &'a Line>,
    ) -> Vec<Message> {
        let member = &self.cast[persona];
        let lines = prompt::conversation(&member.id, member.sees, member.hears, lines);
        std::iter::once(member.system.clone()).chain(lines).collect()
    }

    pub(super) fn grant(&mut self, now: Time) {
        if self.people.speaking_until(self.options.speech_timeout).is_some() {
            return;
        }
        while let Some(ticket) = self.floor.next() {
            self.grant_to(now, ticket);
        }
    }

    fn grant_to(&mut self, now: Time, mut ticket: Ticket) {
        if ticket.grants == 0 && self.options.turns_per_minute.is_some() {
            self.minute.granted(now);
        }
        ticket.grants += 1;
        self.grants += 1;
        let member = &mut self.cast[ticket.persona];
        member.rank = self.grants;
        let view = self.view(ticket.persona);
        let member = &self.cast[ticket.persona];
        let blind = ticket.looks && !member.sees;
        self.effects.push(Effect::Reply(Grant {
            turn: ticket.turn,
            persona: member.id.clone(),
            line: ticket.line,
            manner: ticket.manner,
            confidence: ticket.confidence,
            messages: view.into_iter().chain([prompt::cue(&member.name)]).collect(),
            says: blind.then_some(sight::CANNOT_SEE),
        }));
        let place = self.transcript.end();
        self.floor.holders.push(Holder {
            ticket,
            place,
            audible: false,
            held_at: None,
            stopped: None,
        });
    }

    pub(super) fn speech_ended(
        &mut self,
        now: Time,
        turn: TurnId,
        line: LineId,
        heard: &str,
        end: SpeechEnd,
    ) {
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
        self.answered(now, &holder.ticket);
        let persona = holder.ticket.persona;
        self.obliges(now, line, &heard, persona, finished);
        let member = &self.cast[persona];
        let speaker = Speaker::Persona(member.id.clone());
        let name = member.name.clone();
        let (manner, text, shown) = (Manner::Spoken, heard, Vec::new());
        let said = Line { id: line, speaker, name, manner, text, shown, sound: None };
        self.transcript.insert(holder.place, said);
    }

    /// The human whose line it was has an answer.
    pub(super) fn answered(&mut self, now: Time, ticket: &Ticket) {
        let Some(human) = ticket.human.as_ref().and_then(|human| self.people.get_mut(human)) else {
            return;
        };
        let persona = ticket.persona;
        human.answered = Some((persona, now));
        if ticket.named {
            human.named = human.named.filter(|(named, _)| *named != persona);
            human.named = human.named.or(Some((persona, now)));
        }
    }

    /// What a persona's line leads to; only a whole one hands the talk to another.
    pub(super) fn obliges(
        &mut self,
        now: Time,
        line: LineId,
        heard: &str,
        speaker: usize,
        finished: bool,
    ) {
        let cast = self.cast.iter().map(|one| &one.card);
        let (ids, humans): (Vec<_>, Vec<&str>) = self.people.without(None).unzip();
        let spoken = addressing::spoken(heard, cast, &humans, speaker);
        let asked = spoken.asked.and_then(|one| ids.get(one)).copied().cloned();
        self.talk.persona_spoke(now, spoken.spoke, asked);
        if finished {
            self.follow_up(now, line, spoken);
        }
    }

    /// Lets a persona answer another one that named it, while nobody else waits.
    fn follow_up(&mut self, now: Time, line: LineId, spoken: Spoken) {
        let full = self.minute_is_full(now);
        if self.follow_ups_left == 0 || full || self.floor.has_waiting() || self.people.is_empty() {
            return;
        }
        let Some((persona, reason)) = spoken.next else { return };
        if !self.cast[persona].follows_personas() || self.talk.is_silenced(now, persona) {
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
            reason,
            named: true,
            round: false,
            courtesy: false,
            grants: 0,
            looks: false,
        };
        self.floor.wait(ticket);
    }

    pub(super) fn show_states(&mut self) {
        let rest = if self.people.is_empty() { AgentState::Idle } else { AgentState::Listening };
        // By persona; of two the first counts.
        let mut holders = vec![None; self.cast.len()];
        for holder in self.floor.holders.iter().rev() {
            holders[holder.ticket.persona] = Some(holder);
        }
        let cast = self.cast.iter_mut().zip(holders).filter(|(member, _)| member.hosted);
        for (member, holder) in cast {
            let state = match holder {
                Some(Holder { audible: true, held_at: Some(_), .. }) => rest,
                Some(Holder { audible: true, .. }) => AgentState::Speaking,
                Some(Holder { audible: false, .. }) => AgentState::Thinking,
                None if member.mode == Mode::Asleep => AgentState::Idle,
                None => rest,
            };
            if member.state.replace(state) != Some(state) {
                self.effects.push(Effect::State { persona: member.id.clone(), state });
            }
        }
    }

    pub(super) fn wish_to_wake(&mut self) {
        let speaking = self.people.speaking_until(self.options.speech_timeout);
        let speaking = speaking.filter(|_| self.floor.has_waiting());
        let times = [self.resumes_at(), self.contest_until()].into_iter().flatten();
        let Some(at) = speaking.into_iter().chain(times).min() else { return };
        if self.wake_at.replace(at) != Some(at) {
            self.effects.push(Effect::WakeAt(at));
        }
    }
}
