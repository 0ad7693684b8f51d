//! A human's line: who answers it, what it makes pointless, and what it obliges to.

use std::time::Duration;

use super::Core;
use crate::id::{HumanId, LineId, Speaker};
use crate::latency::{Outcome, Reason};
use crate::meaning::Meaning;
use crate::persona::Mode;
use crate::sound::Sound;
use crate::time::Time;
use crate::turn::addressing::{self, Bearing, Candidate, Scene, Verdict};
use crate::turn::floor::{Cause, Ticket};
use crate::turn::people::recent;
use crate::turn::{Line, Manner, Shown, sight, text};

/// A speaker who broke off goes on within this time, or means something new.
const UNFINISHED_REACH: Duration = Duration::from_secs(10);

/// Texts whose meaning is kept: of each speaker the one that comes next.
const MEANT_MAX: usize = 16;

/// A human's words, what was shown with them, and how they sounded.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) shown: Vec<Shown>,
    pub(super) sound: Option<Sound>,
}

impl Core {
    pub(super) fn line(
        &mut self,
        now: Time,
        id: LineId,
        human: HumanId,
        manner: Manner,
        Said { text, mut shown, sound }: Said,
    ) {
        for shown in &mut shown {
            shown.by = text::tidy(&shown.by, text::NAME_CHARS_MAX).0;
        }
        let (text, cut) = text::tidy(&text, text::LINE_CHARS_MAX);
        self.stats.lines_cut += u64::from(cut);
        // A line that waited behind another comes right after it.
        self.decided(None);
        self.obey_sleep_words(id, &text);
        let whole = self.whole(now, &human, &text);
        let verdict = self.judge(now, &human, manner, &whole);
        let said = text.clone();
        let looks = sight::is_about_seeing(&text, &shown);
        if !text.is_empty() {
            let name = self.people.get(&human).map_or(human.as_str(), |human| &human.name);
            let name = name.to_owned();
            let speaker = Speaker::Human(human.clone());
            self.transcript.push(Line { id, speaker, name, manner, text, shown, sound });
            self.follow_ups_left = self.options.follow_ups;
        }
        self.silence_those(now, &verdict);
        let (mut tickets, mut rest) = self.sort_out(now, id, &human, manner, &verdict);
        for ticket in tickets.iter_mut().chain(&mut rest) {
            ticket.looks = looks;
        }
        self.make_way(&human, manner, &verdict, &tickets);
        self.remember(now, &human, whole, &verdict, &tickets);
        if !rest.is_empty()
            && let Some(chosen) = tickets.pop()
        {
            return self.contest(now, &said, chosen, rest, &verdict);
        }
        for ticket in tickets {
            self.floor.wait(ticket);
        }
        if verdict.addressees.len() == 1 {
            // Who is asked beside a round answers before the round goes on.
            self.floor.rounds_last();
        }
    }

    /// Those whose cards are not the cast's are of another room.
    pub(super) fn keep_meaning(&mut self, text: String, meaning: Meaning) {
        if meaning.near.len() != self.cast.len() {
            self.stats.events_ignored += 1;
            return;
        }
        if self.meant.len() == MEANT_MAX {
            self.meant.pop_front();
        }
        self.meant.push_back((text, meaning));
    }

    fn meaning_of(&self, text: &str) -> Option<&Meaning> {
        self.meant.iter().rev().find(|(of, _)| of == text).map(|(_, meaning)| meaning)
    }

    /// What the human says, with what it began to say just before: what a line of these words is
    /// judged by.
    pub fn whole(&self, now: Time, human: &HumanId, text: &str) -> String {
        let begun = self.people.get(human).and_then(|human| human.unfinished.as_ref());
        match begun.filter(|(_, at)| now.since(*at) <= UNFINISHED_REACH) {
            Some((begun, _)) => text::tidy(&format!("{begun} {text}"), text::LINE_CHARS_MAX).0,
            None => text::tidy(text, text::LINE_CHARS_MAX).0,
        }
    }

    /// What a line of `human` would be taken for if it came now.
    pub fn judge(&self, now: Time, human: &HumanId, manner: Manner, text: &str) -> Verdict {
        let typed = manner == Manner::Typed;
        let meaning = self.meaning_of(text);
        addressing::addressees(text, &Scene { typed, meaning, ..self.scene(now, human) })
    }

    fn scene<'a>(&'a self, now: Time, human: &'a HumanId) -> Scene<'a> {
        let speaker = self.people.get(human);
        let reach = self.options.continuity;
        let candidate = |index: usize| {
            let member = &self.cast[index];
            Candidate {
                card: &member.card,
                open: member.is_open(),
                silenced: self.talk.is_silenced(now, index),
                rank: member.rank,
            }
        };
        Scene {
            cast: (0..self.cast.len()).map(candidate).collect(),
            humans: self.people.without(Some(human)).map(|(_, name)| name).collect(),
            named_before: speaker.and_then(|speaker| recent(speaker.named, now, reach)),
            answered_before: speaker.and_then(|speaker| recent(speaker.answered, now, reach)),
            spoke_last: self.talk.spoke_last(now),
            asked_another: self.talk.is_to_another(now, human),
            after_human: self.talk.is_after_another(now, human),
            among_humans: self.talk.part_of(now, human),
            answers_human: self.talk.answers_a_human(now, human).is_some(),
            is_opening: self.talk.is_opening(now),
            typed: false,
            meaning: None,
            asked_before: speaker.and_then(|speaker| speaker.asked.as_deref()),
            owed: self.floor.owed().collect(),
        }
    }

    /// Ends the turns of those who were asked to be silent.
    fn silence_those(&mut self, now: Time, verdict: &Verdict) {
        if verdict.lifts_silence {
            self.talk.lift_silence();
        }
        for &persona in &verdict.stopped {
            self.silence(persona, Cause::Silenced);
        }
        for &persona in &verdict.silenced {
            self.talk.silence(now, persona);
        }
        if verdict.bearing == Bearing::Calls {
            for one in &verdict.addressees {
                self.talk.unsilence(one.persona);
            }
        }
    }

    /// Settles everybody who is not to answer, and gives the others their tickets, in order, and
    /// tickets to those who may answer as well, where the model is to choose.
    fn sort_out(
        &mut self,
        now: Time,
        line: LineId,
        human: &HumanId,
        manner: Manner,
        verdict: &Verdict,
    ) -> (Vec<Ticket>, Vec<Ticket>) {
        let full = !verdict.named && self.minute_is_full(now);
        let contested = !full && self.is_contested(verdict);
        let mut rest = Vec::new();
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
                let told = member.slept_by == Some(line);
                let reason = if told { "asked to sleep" } else { "asleep" };
                Some((Outcome::Asleep, Reason::Borrowed(reason)))
            } else if !member.hosted {
                Some((Outcome::Failed, Reason::Borrowed("not hosted")))
            } else if place.is_some() && full {
                Some((Outcome::Outbid, Reason::Borrowed("too many turns this minute")))
            } else if place.is_some() {
                None
            } else if self.talk.is_silenced(now, persona) {
                Some((Outcome::Passed, Reason::Borrowed("asked to be quiet")))
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
                named: verdict.named && !verdict.courtesy,
                round: verdict.addressees.len() > 1 && !verdict.courtesy,
                courtesy: verdict.courtesy,
                grants: 0,
                looks: false,
            };
            let may = contested && verdict.candidates.contains(&persona);
            match settled {
                Some(_) if may => rest.push(ticket),
                Some(end) => self.settle(&ticket, end, String::new()),
                None => tickets.push(ticket),
            }
        }
        tickets.sort_by_key(|ticket| chosen(ticket.persona));
        if tickets.is_empty() {
            for ticket in std::mem::take(&mut rest) {
                self.settle(&ticket, verdict.others.clone(), String::new());
            }
        }
        (tickets, rest)
    }

    /// Ends what a new line of `human` makes pointless. What others hear already goes on.
    ///
    /// When somebody is to answer it: answers to the same human, further turns among personas,
    /// answers to nobody in particular, and other turns of those who are to answer it; a round
    /// outlasts a question beside it. When humans turn to each other: answers to nobody in
    /// particular. When its speaker is not done: answers to what came before.
    fn make_way(&mut self, human: &HumanId, manner: Manner, verdict: &Verdict, tickets: &[Ticket]) {
        let again = |old: &Ticket| tickets.iter().any(|ticket| ticket.persona == old.persona);
        let own = |old: &Ticket| old.human.as_ref() == Some(human);
        let pointless = |old: &Ticket| match verdict.bearing {
            _ if again(old) => true,
            _ if verdict.takes_back && (own(old) || old.is_follow_up()) => true,
            _ if old.round && !verdict.named => false,
            Bearing::Humans => !old.named && !old.is_follow_up(),
            Bearing::Unfinished => own(old) || !old.named,
            Bearing::Statement => old.courtesy,
            // Back to the round: what was asked beside it is over.
            Bearing::Owed => !old.round,
            _ => !tickets.is_empty() && (old.is_follow_up() || own(old) || !old.named),
        };
        self.drop_waiting(Cause::NewLine, pointless);
        // A spoken line has silenced an audible holder before, if it was to be silenced.
        let typed = manner == Manner::Typed;
        self.stop_if(Cause::NewLine, |holder| {
            let old = &holder.ticket;
            let is_heard = holder.audible && holder.stopped.is_none();
            let same = old.is_follow_up() || own(old);
            let calls = !tickets.is_empty();
            pointless(old) && (!is_heard || typed && same && calls && !again(old))
                || is_heard && typed && same && calls
        });
    }

    /// Keeps what the line means for those after it.
    fn remember(
        &mut self,
        now: Time,
        human: &HumanId,
        whole: String,
        verdict: &Verdict,
        tickets: &[Ticket],
    ) {
        match verdict.bearing {
            Bearing::Nothing => return,
            Bearing::Humans => {
                let others = self.people.without(Some(human)).map(|(id, _)| id.clone());
                let others: Vec<HumanId> = others.collect();
                let mut called: Vec<HumanId> =
                    verdict.humans.iter().filter_map(|&at| others.get(at).cloned()).collect();
                called.extend(self.talk.answers_a_human(now, human));
                self.talk.among_humans(now, human, called);
            }
            Bearing::Room => self.talk.asked_the_room(now, human),
            Bearing::Calls | Bearing::Continues => self.talk.turned_to_personas(),
            _ => {}
        }
        self.talk.human_spoke(now, human);
        self.talk.said(now, human);
        let Some(speaker) = self.people.get_mut(human) else { return };
        if verdict.bearing == Bearing::Unfinished {
            speaker.unfinished = Some((whole, now));
            return;
        }
        speaker.unfinished = None;
        if let Some(first) = tickets.first() {
            if verdict.named {
                speaker.named = (tickets.len() == 1).then_some((first.persona, now));
            }
            speaker.asked = Some(whole);
        }
    }
}
