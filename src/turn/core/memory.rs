//! What a core carries from one line to the next, so that another one can go on from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Core;
use crate::id::{HumanId, PersonaId};
use crate::persona::Mode;
use crate::time::Time;
use crate::turn::people::Human;
use crate::turn::talk::Talk;

/// A quiet core's memory: who spoke with whom, whose turn it is next, and how far its numbers are.
/// No word that was said is in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    turns: u64,
    grants: u64,
    follow_ups_left: u32,
    /// When each of the cast last got the floor, in the cast's order.
    ranks: Vec<u64>,
    talk: Talk,
    people: BTreeMap<HumanId, Ties>,
}

/// With whom a human talks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Ties {
    named: Option<(usize, Time)>,
    answered: Option<(usize, Time)>,
}

impl Memory {
    /// Gives humans other identities.
    pub fn rename(&mut self, rename: impl Fn(&mut HumanId)) {
        let people = std::mem::take(&mut self.people).into_iter();
        self.people = people
            .map(|(mut human, ties)| {
                rename(&mut human);
                (human, ties)
            })
            .collect();
        self.talk.humans_mut().for_each(rename);
    }

    /// Its numbers are not above `most`: a core that goes on from them never runs out.
    pub fn is_within(&self, most: u64) -> bool {
        let ranks = self.ranks.iter().copied();
        ranks.chain([self.turns, self.grants]).all(|number| number <= most)
    }
}

impl Core {
    /// None while anything is under way: a speech, somebody who waits for the floor, a sound.
    pub fn memory(&self) -> Option<Memory> {
        if !self.is_quiet() || self.people.make_sounds() {
            return None;
        }
        let ties = |human: &Human| Ties { named: human.named, answered: human.answered };
        Some(Memory {
            turns: self.turns,
            grants: self.grants,
            follow_ups_left: self.follow_ups_left,
            ranks: self.cast.iter().map(|member| member.rank).collect(),
            talk: self.talk.clone(),
            people: self.people.iter().map(|(id, human)| (id.clone(), ties(human))).collect(),
        })
    }

    /// Goes on from a memory, before anything else happens. What names nobody of the cast is left
    /// out; humans are remembered when they join.
    pub fn restore(&mut self, memory: Memory) {
        let count = self.cast.len();
        self.turns = memory.turns;
        self.grants = memory.grants;
        self.follow_ups_left = memory.follow_ups_left;
        for (member, rank) in self.cast.iter_mut().zip(memory.ranks) {
            member.rank = rank;
        }
        if memory.talk.fits(count) {
            self.talk = memory.talk;
        }
        let known = |tie: Option<(usize, Time)>| tie.filter(|(persona, _)| *persona < count);
        for (human, Ties { named, answered }) in memory.people {
            self.people.expect(human, known(named), known(answered));
        }
    }

    /// The cast as it stands: its modes, and who is hosted.
    pub fn standing(&self) -> impl Iterator<Item = (&PersonaId, Mode, bool)> {
        self.cast.iter().map(|member| (&member.id, member.mode, member.hosted))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::id::LineId;
    use crate::persona::{Hears, Persona, VoiceStyle};
    use crate::turn::{Effect, Event, Manner, Options, SpeechEnd};

    fn cast() -> Vec<Persona> {
        let persona = |name: &str| Persona {
            id: PersonaId::new(name.to_lowercase()),
            name: name.to_owned(),
            card: String::new(),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        };
        ["Nora", "Felix", "Ada"].map(persona).into()
    }

    fn enter(core: &mut Core, now: Time) {
        let human = HumanId::new("tom");
        core.handle(now, Event::HumanJoined { human, name: "Tom".to_owned() });
        for persona in cast() {
            core.handle(now, Event::Hosted { persona: persona.id, hosted: true });
        }
    }

    fn line(core: &mut Core, now: Time, id: u64, text: &str) -> Vec<Effect> {
        let (id, human, text) = (LineId(id), HumanId::new("tom"), text.to_owned());
        core.handle(
            now,
            Event::Line { id, human, manner: Manner::Typed, text, shown: Vec::new(), sound: None },
        )
    }

    fn granted(effects: &[Effect]) -> Option<(crate::id::TurnId, PersonaId)> {
        effects.iter().find_map(|effect| match effect {
            Effect::Reply(grant) => Some((grant.turn, grant.persona.clone())),
            _ => None,
        })
    }

    #[test]
    fn a_core_that_goes_on_from_a_memory_does_what_the_first_one_does() {
        let mut first = Core::new(cast(), Options::default());
        enter(&mut first, Time::ZERO);
        let effects = line(&mut first, Time::from_ms(10), 1, "Ada, how are you?");
        let (turn, _) = granted(&effects).expect("Ada answers");
        assert_eq!(first.memory(), None, "a speech is under way");
        let (heard, end) = ("Well.".to_owned(), SpeechEnd::Finished);
        let ended = Event::SpeechEnded { turn, line: LineId(2), heard, end };
        first.handle(Time::from_ms(900), ended);
        first.handle(Time::from_ms(950), Event::SpeechStarted { human: HumanId::new("tom") });
        assert_eq!(first.memory(), None, "a sound is under way");
        first.handle(Time::from_ms(980), Event::SpeechDropped { human: HumanId::new("tom") });

        let memory = first.memory().expect("all is quiet");
        let written = serde_json::to_string(&memory).expect("JSON");
        assert!(!written.contains("how are you") && !written.contains("Well"), "{written}");
        let read: Memory = serde_json::from_str(&written).expect("its own");
        assert_eq!(read, memory);
        let mut second = Core::new(cast(), Options::default());
        second.restore(read);
        enter(&mut second, Time::from_ms(990));
        assert_eq!(second.memory(), Some(memory));
        // She is not named again, and is still the one who is spoken with.
        let now = Time::from_ms(1_000);
        let [one, two] = [&mut first, &mut second].map(|core| line(core, now, 3, "And the cat?"));
        let [one, two] = [one, two].map(|effects| granted(&effects).expect("she goes on"));
        assert_eq!(one, two);
        assert_eq!(one.1.as_str(), "ada");
    }

    #[test]
    fn a_memory_of_another_cast_harms_nobody() {
        let hostile = r#"{"turns":7,"ranks":[1,2,3,4,5],"talk":{"spoke":[{"persona":9,"asked":true},
            5],"silenced":[[12,99999999]]},"people":{"tom":{"named":[8,1],"answered":[99,1]}}}"#;
        let memory: Memory = serde_json::from_str(hostile).expect("it can be read");
        assert!(memory.is_within(7) && !memory.is_within(6));
        let mut core = Core::new(cast(), Options::default());
        core.restore(memory);
        enter(&mut core, Time::ZERO);
        let now = Time::ZERO + Duration::from_secs(1);
        assert!(granted(&line(&mut core, now, 1, "What do you say?")).is_some());
    }
}
