//! Speech that is known from elsewhere: a conversation that is restored, or a labelled one.

use super::Core;
use crate::id::{LineId, PersonaId, Speaker};
use crate::latency::Outcome;
use crate::time::Time;
use crate::turn::floor::Holder;
use crate::turn::{Effect, Line, Manner, text};

impl Core {
    /// Takes `persona` to have said `said`, as its next line in the transcript: its turn is settled
    /// if it had one, and the line obliges others as a spoken one does. Whoever else was granted
    /// the floor and is not yet audible waits on if it is one of a round; else `persona` spoke in
    /// its place. For talk that is restored, before the room is live: no speech is stopped.
    pub fn recall(
        &mut self,
        now: Time,
        line: LineId,
        persona: &PersonaId,
        said: &str,
    ) -> Vec<Effect> {
        let Some(index) = self.cast.find(persona) else {
            self.stats.events_ignored += 1;
            return Vec::new();
        };
        let (said, cut) = text::tidy(said, text::LINE_CHARS_MAX);
        self.stats.lines_cut += u64::from(cut);
        let place = self.transcript.end();
        let own = |holder: &Holder| holder.ticket.persona == index;
        let holder = self.floor.holders.pop();
        let mut ticket = None;
        let mut replaced = None;
        match holder {
            Some(holder) if own(&holder) => ticket = Some(holder.ticket),
            Some(mut holder) if holder.ticket.round => {
                // It lost the floor to a memory, not to a sound.
                holder.ticket.grants -= 1;
                self.floor.wait_first(holder.ticket);
            }
            Some(holder) => replaced = Some(holder.ticket),
            None => {}
        }
        let waiting = self.floor.take_waiting(|waiting| waiting.persona == index);
        ticket = ticket.or(waiting.into_iter().next());
        if let Some(replaced) = replaced {
            if let Some(human) = replaced.human.as_ref().and_then(|one| self.people.get_mut(one)) {
                human.answered = Some((index, now));
            }
            let end = (Outcome::Outbid, "another spoke".into());
            self.settle(&replaced, end, String::new());
        }
        if let Some(ticket) = ticket {
            self.settle(&ticket, (Outcome::Spoke, ticket.reason.clone()), said.clone());
            self.answered(now, &ticket);
        }
        if !self.transcript.lines().any(|line| matches!(line.speaker, Speaker::Human(_))) {
            // What led to it was said before the restored part.
            self.follow_ups_left = self.options.follow_ups;
        }
        self.obliges(now, line, &said, index, true);
        let speaker = Speaker::Persona(persona.clone());
        let name = self.cast[index].name.clone();
        let entry = Line {
            id: line,
            speaker,
            name,
            manner: Manner::Spoken,
            text: said,
            shown: Vec::new(),
            sound: None,
        };
        self.transcript.insert(place, entry);
        self.grant(now);
        self.show_states();
        std::mem::take(&mut self.effects)
    }
}
