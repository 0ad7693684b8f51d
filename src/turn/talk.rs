//! What the talk obliges people to: who spoke last and asked what, which humans talk with each
//! other, and whom silence was asked of.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::addressing::{Part, SpokeLast};
use crate::id::HumanId;
use crate::time::Time;

/// A request to be silent is forgotten after this: longer than a phone call or a meal's grace, and
/// nobody sits in a room that stays mute for reasons long past.
const SILENCE: Duration = Duration::from_secs(15 * 60);
/// Talk among humans is over when nothing was said for this time.
const EXCHANGE_REACH: Duration = Duration::from_secs(20);
/// So long a persona's speech stays what the next line is about.
const SPEECH_REACH: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Talk {
    spoke: Option<(SpokeLast, Time)>,
    /// The human to whom the newest speech put its question by name.
    asked: Option<HumanId>,
    exchange: Option<Exchange>,
    /// Until when each persona that was asked to be is silent: indices of the cast.
    #[serde(with = "pairs")]
    silenced: BTreeMap<usize, Time>,
    /// Who put a question to the room that no persona has answered yet.
    open_question: Option<(HumanId, Time)>,
    /// Which human said the newest thing, if no persona has spoken since.
    said: Option<(HumanId, Time)>,
}

/// Humans who talk with each other. As many as there are in the room at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Exchange {
    members: Vec<HumanId>,
    at: Time,
}

impl Talk {
    pub(super) fn persona_spoke(&mut self, now: Time, spoke: SpokeLast, asked: Option<HumanId>) {
        self.spoke = Some((spoke, now));
        self.asked = asked.filter(|_| spoke.asked);
        self.exchange = None;
        self.open_question = None;
        self.said = None;
    }

    /// A human's line that is more than a nod is the newest thing said.
    pub(super) fn said(&mut self, now: Time, human: &HumanId) {
        self.said = Some((human.clone(), now));
    }

    /// Whether the newest thing was said by a human who is not `human`.
    pub(super) fn is_after_another(&self, now: Time, human: &HumanId) -> bool {
        let said = self.said.as_ref();
        said.is_some_and(|(other, at)| other != human && now.since(*at) <= EXCHANGE_REACH)
    }

    /// Whether nothing was said lately.
    pub(super) fn is_opening(&self, now: Time) -> bool {
        let said = self.said.as_ref().is_some_and(|(_, at)| now.since(*at) <= EXCHANGE_REACH);
        !said && self.spoke_last(now).is_none()
    }

    /// A human said something that is more than a nod; a question to another one stays open.
    pub(super) fn human_spoke(&mut self, now: Time, human: &HumanId) {
        if !self.is_to_another(now, human) {
            self.spoke = None;
        }
    }

    /// Whether the newest speech asked a human who is not `human`.
    pub(super) fn is_to_another(&self, now: Time, human: &HumanId) -> bool {
        let asked = self.asked.as_ref().filter(|_| self.spoke_last(now).is_some());
        asked.is_some_and(|asked| asked != human)
    }

    pub(super) fn spoke_last(&self, now: Time) -> Option<SpokeLast> {
        self.spoke.filter(|(_, at)| now.since(*at) <= SPEECH_REACH).map(|(spoke, _)| spoke)
    }

    pub(super) fn asked_the_room(&mut self, now: Time, human: &HumanId) {
        self.exchange = None;
        self.open_question = Some((human.clone(), now));
    }

    pub(super) fn turned_to_personas(&mut self) {
        self.exchange = None;
        self.open_question = None;
    }

    /// `human` spoke to `others`, or went on talking with whom it was.
    pub(super) fn among_humans(&mut self, now: Time, human: &HumanId, others: Vec<HumanId>) {
        let exchange =
            self.exchange.get_or_insert_with(|| Exchange { members: Vec::new(), at: now });
        exchange.at = now;
        for member in others.into_iter().chain([human.clone()]) {
            if !exchange.members.contains(&member) {
                exchange.members.push(member);
            }
        }
    }

    /// Whether `human` answers what another human asked the room.
    pub(super) fn answers_a_human(&self, now: Time, human: &HumanId) -> Option<HumanId> {
        let (asker, at) = self.open_question.as_ref()?;
        (asker != human && now.since(*at) <= EXCHANGE_REACH).then(|| asker.clone())
    }

    pub(super) fn part_of(&self, now: Time, human: &HumanId) -> Option<Part> {
        let exchange = self.exchange.as_ref().filter(|one| now.since(one.at) <= EXCHANGE_REACH)?;
        let member = exchange.members.contains(human);
        Some(if member { Part::Member } else { Part::Listener })
    }

    pub(super) fn silence(&mut self, now: Time, persona: usize) {
        self.silenced.insert(persona, now + SILENCE);
    }

    pub(super) fn lift_silence(&mut self) {
        self.silenced.clear();
    }

    /// Whoever is called may speak again.
    pub(super) fn unsilence(&mut self, persona: usize) {
        self.silenced.remove(&persona);
    }

    pub(super) fn is_silenced(&self, now: Time, persona: usize) -> bool {
        self.silenced.get(&persona).is_some_and(|until| now < *until)
    }

    /// Whether it names only personas of a cast of `count`.
    pub(super) fn fits(&self, count: usize) -> bool {
        let spoke = self.spoke.iter().flat_map(|(spoke, _)| [Some(spoke.persona), spoke.pointed]);
        let spoke = spoke.flatten();
        spoke.chain(self.silenced.keys().copied()).all(|persona| persona < count)
    }

    /// Everybody that it names.
    pub(super) fn humans_mut(&mut self) -> impl Iterator<Item = &mut HumanId> {
        let members = self.exchange.iter_mut().flat_map(|exchange| &mut exchange.members);
        let open = self.open_question.iter_mut().map(|(human, _)| human);
        members.chain(open).chain(&mut self.asked)
    }

    pub(super) fn left(&mut self, human: &HumanId) {
        self.asked.take_if(|asked| asked == human);
        if let Some(exchange) = &mut self.exchange {
            exchange.members.retain(|member| member != human);
        }
    }
}

/// A map as a list of pairs, for formats whose keys are text.
mod pairs {
    use super::{BTreeMap, Deserialize, Time};

    pub(super) fn serialize<S: serde::Serializer>(
        map: &BTreeMap<usize, Time>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<usize, Time>, D::Error> {
        Vec::<(usize, Time)>::deserialize(from).map(|pairs| pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_talk_obliges_to_passes_with_time() {
        let (tom, zoe) = (HumanId::new("tom"), HumanId::new("zoe"));
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        let mut talk = Talk::default();
        let spoke = SpokeLast { persona: 1, asked: true, ..SpokeLast::default() };
        talk.persona_spoke(at(0), spoke, Some(zoe.clone()));
        assert_eq!(talk.spoke_last(at(60)), Some(spoke));
        assert_eq!(talk.spoke_last(at(61)), None);
        // What Zoe was asked is hers to answer, whatever Tom says meanwhile.
        assert!(talk.is_to_another(at(1), &tom) && !talk.is_to_another(at(1), &zoe));
        talk.human_spoke(at(1), &tom);
        assert_eq!(talk.spoke_last(at(2)), Some(spoke));
        talk.human_spoke(at(2), &zoe);
        assert_eq!(talk.spoke_last(at(3)), None);

        talk.asked_the_room(at(70), &tom);
        assert_eq!(talk.answers_a_human(at(80), &zoe), Some(tom.clone()));
        assert_eq!(talk.answers_a_human(at(80), &tom), None);
        assert_eq!(talk.answers_a_human(at(91), &zoe), None);

        talk.among_humans(at(100), &tom, vec![zoe.clone()]);
        assert_eq!(talk.part_of(at(120), &zoe), Some(Part::Member));
        assert_eq!(talk.part_of(at(120), &HumanId::new("bob")), Some(Part::Listener));
        talk.left(&zoe);
        assert_eq!(talk.part_of(at(120), &zoe), Some(Part::Listener));
        assert_eq!(talk.part_of(at(121), &tom), None);

        talk.silence(at(0), 2);
        assert!(talk.is_silenced(at(899), 2) && !talk.is_silenced(at(900), 2));
        talk.unsilence(2);
        assert!(!talk.is_silenced(at(1), 2));
    }
}
