//! A human's line: who answers it, and what it makes pointless.

use std::time::Duration;

use super::Core;
use crate::id::{HumanId, LineId, Speaker};
use crate::latency::{Outcome, Reason};
use crate::persona::Mode;
use crate::time::Time;
use crate::turn::addressing::{self, Candidate, Scene, Verdict};
use crate::turn::floor::{Cause, Ticket};
use crate::turn::people::recent;
use crate::turn::{Line, Manner, text};

/// An answer from one human to another comes within this time.
const ANSWER_REACH: Duration = Duration::from_secs(20);

impl Core {
    pub(super) fn line(
        &mut self,
        now: Time,
        id: LineId,
        human: HumanId,
        manner: Manner,
        text: &str,
    ) {
        let (text, cut) = text::tidy(text, text::LINE_CHARS_MAX);
        self.stats.lines_cut += u64::from(cut);
        if manner == Manner::Heard {
            self.people.sound_ended(&human);
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
            let is_heard = holder.audible && holder.stopped.is_none();
            same(old) && (typed || !is_heard) || again(old) && !is_heard
        });
    }
}
