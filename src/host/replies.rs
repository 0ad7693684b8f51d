//! How each persona's replies are made.

use std::collections::HashMap;
use std::time::Duration;

use crate::config;
use crate::id::PersonaId;
use crate::llm::Sampling;
use crate::llm::guard::Limits;
use crate::persona::{Persona, VoiceStyle};
use crate::speech;
use crate::turn::Grant;

/// A reply that the engine has not finished by then is given up; a long one takes five seconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// The cast, as far as its replies need it.
pub(super) struct Replies {
    cast: HashMap<PersonaId, Speaker>,
    settings: config::Turn,
}

struct Speaker {
    name: String,
    style: VoiceStyle,
}

impl Replies {
    pub(super) fn new(cast: &[Persona], settings: config::Turn) -> Self {
        let speaker = |persona: &Persona| {
            (persona.id.clone(), Speaker { name: persona.name.clone(), style: persona.voice })
        };
        Self { cast: cast.iter().map(speaker).collect(), settings }
    }

    /// A persona's name; its id where it is not of the cast.
    pub(super) fn name<'a>(&'a self, persona: &'a PersonaId) -> &'a str {
        self.cast.get(persona).map_or(persona.as_str(), |speaker| &speaker.name)
    }

    /// `humans` are the names of those who are in the room: a reply ends where it begins to speak
    /// for somebody else.
    pub(super) fn options<'a>(
        &self,
        grant: &Grant,
        humans: impl Iterator<Item = &'a String>,
    ) -> speech::Options {
        let others = self.cast.iter().filter(|(id, _)| **id != grant.persona);
        let others = others.map(|(_, speaker)| speaker.name.clone());
        let style = self.cast.get(&grant.persona).map(|speaker| speaker.style).unwrap_or_default();
        // Another seed for every turn of a run, and the same ones in every run.
        let seed = self.settings.seed.wrapping_add(grant.turn.0) as u32;
        speech::Options {
            name: self.name(&grant.persona).to_owned(),
            others: others.chain(humans.cloned()).collect(),
            limits: Limits::default(),
            style,
            max_tokens: self.settings.reply_tokens,
            sampling: Sampling { seed, ..Sampling::default() },
            stop: Vec::new(),
            deadline: DEADLINE,
        }
    }
}
