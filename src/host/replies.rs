//! How each persona's replies are made.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{Span, info_span};

use crate::admin::state::Publisher;
use crate::config;
use crate::id::{PersonaId, TurnId};
use crate::llm::Sampling;
use crate::llm::guard::{Limits, Names};
use crate::persona::{Persona, VoiceStyle};
use crate::speech;
use crate::turn::Grant;

/// A reply that the engine has not finished by then is given up; a long one takes five seconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// The cast, as far as its replies need it.
pub(super) struct Replies {
    cast: HashMap<PersonaId, Speaker>,
    settings: config::Turn,
    /// The names of all who are in the room, made once for all replies.
    everybody: Arc<Names>,
}

struct Speaker {
    name: String,
    style: VoiceStyle,
    span: Span,
}

impl Replies {
    pub(super) fn new(cast: &[Persona], settings: config::Turn, publisher: &Publisher) -> Self {
        let speaker = |persona: &Persona| {
            let (name, style) = (persona.name.clone(), persona.voice);
            let span = super::cast::span(persona, publisher);
            (persona.id.clone(), Speaker { name, style, span })
        };
        let cast = cast.iter().map(speaker).collect();
        let mut replies = Self { cast, settings, everybody: Arc::default() };
        replies.set_humans(std::iter::empty());
        replies
    }

    /// A persona's name; its id where it is not of the cast.
    pub(super) fn name<'a>(&'a self, persona: &'a PersonaId) -> &'a str {
        self.cast.get(persona).map_or(persona.as_str(), |speaker| &speaker.name)
    }

    /// What is logged about a persona stands in this; in nothing where it is not of the cast.
    pub(super) fn span(&self, persona: &PersonaId) -> Span {
        self.cast.get(persona).map_or_else(Span::none, |speaker| speaker.span.clone())
    }

    /// What is logged about a turn of a persona stands in this.
    pub(super) fn turn_span(&self, persona: &PersonaId, turn: TurnId) -> Span {
        info_span!(parent: &self.span(persona), "turn", id = %turn)
    }

    /// Who is in the room beside the cast: a reply ends where it begins to speak for somebody else.
    pub(super) fn set_humans<'a>(&mut self, humans: impl Iterator<Item = &'a String>) {
        let cast = self.cast.values().map(|speaker| speaker.name.as_str());
        self.everybody = Arc::new(cast.chain(humans.map(|name| name.as_str())).collect());
    }

    pub(super) fn options(&self, grant: &Grant) -> speech::Options {
        let style = self.cast.get(&grant.persona).map(|speaker| speaker.style).unwrap_or_default();
        // Another seed for every turn of a run, and the same ones in every run.
        let seed = self.settings.seed.wrapping_add(grant.turn.0) as u32;
        speech::Options {
            name: self.name(&grant.persona).to_owned(),
            names: Arc::clone(&self.everybody),
            limits: Limits::default(),
            style,
            max_tokens: self.settings.reply_tokens,
            sampling: Sampling { seed, ..Sampling::default() },
            stop: Vec::new(),
            deadline: DEADLINE,
            span: self.turn_span(&grant.persona, grant.turn),
        }
    }
}
