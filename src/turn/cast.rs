//! The personas as the floor sees them: who is hosted, in what mode, and what each shows.

use super::addressing::Card;
use crate::id::{LineId, PersonaId};
use crate::llm::{Message, Senses, prompt};
use crate::persona::{Hears, Mode, Persona};
use crate::room::AgentState;

#[derive(Clone, Debug)]
pub(super) struct Cast(Vec<Member>);

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub id: PersonaId,
    pub name: String,
    pub mode: Mode,
    /// The mode to wake to, while it sleeps by a human's word.
    pub mode_before: Option<Mode>,
    /// The line that last sent it to sleep.
    pub slept_by: Option<LineId>,
    pub hosted: bool,
    /// It is shown pictures.
    pub sees: bool,
    /// How it takes what humans say.
    pub hears: Hears,
    pub system: Message,
    /// The card as the choice of who answers reads it.
    pub card: Card,
    /// What it shows; none while it is not hosted.
    pub state: Option<AgentState>,
    /// When it last got the floor, counted in grants; its place in the cast before the first.
    pub rank: u64,
}

impl Cast {
    /// `seed` decides who begins the rotation; with 0 it is the first.
    ///
    /// What the model takes bounds what anybody is given.
    pub(super) fn new(cast: Vec<Persona>, seed: u64, senses: Senses) -> Self {
        let names: Vec<String> = cast.iter().map(|persona| persona.name.clone()).collect();
        let count = cast.len().max(1) as u64;
        let member = |(index, persona): (usize, Persona)| Member {
            system: prompt::system_message(&persona, &names),
            card: Card::of(&persona.name, &persona.card),
            rank: (index as u64 + count - seed % count) % count,
            sees: persona.is_shown_pictures(senses.sees),
            hears: persona.hears_with(senses.hears),
            id: persona.id,
            name: persona.name,
            mode: persona.mode,
            mode_before: None,
            slept_by: None,
            hosted: false,
            state: None,
        };
        Self(cast.into_iter().enumerate().map(member).collect())
    }

    pub(super) fn find(&self, id: &PersonaId) -> Option<usize> {
        self.0.iter().position(|member| member.id == *id)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.0.iter_mut()
    }
}

impl std::ops::Index<usize> for Cast {
    type Output = Member;

    fn index(&self, index: usize) -> &Member {
        &self.0[index]
    }
}

impl std::ops::IndexMut<usize> for Cast {
    fn index_mut(&mut self, index: usize) -> &mut Member {
        &mut self.0[index]
    }
}

impl Member {
    pub(super) fn can_speak(&self) -> bool {
        self.hosted && self.mode != Mode::Asleep
    }

    /// May be chosen for a line that does not name it.
    pub(super) fn is_open(&self) -> bool {
        self.hosted && matches!(self.mode, Mode::Open | Mode::Humans)
    }

    /// May follow up another persona's line that names it.
    pub(super) fn follows_personas(&self) -> bool {
        self.hosted && matches!(self.mode, Mode::Open | Mode::Addressed)
    }
}
