//! What is decided about a line.

use super::{Scene, Weighed};
use crate::latency::{Outcome, Reason};

/// Somebody who is to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Addressee {
    /// An index of [`Scene::cast`].
    pub persona: usize,
    /// 0 to 1.
    pub confidence: f32,
    pub reason: Reason,
}

/// What a line does to the talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// It calls personas, by name or in another way that leaves no doubt.
    Calls,
    /// It is put to whoever knows. [`Verdict::candidates`] may be ranked anew.
    Room,
    /// It goes on with the persona whose talk it was.
    Continues,
    /// It leaves the floor to those who are still owed a turn.
    Owed,
    /// It goes from human to human.
    Humans,
    /// It asks for silence.
    Silence,
    /// Its speaker is not done.
    Unfinished,
    /// Noise, or a nod.
    Nothing,
    /// It asks nobody for anything.
    Statement,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    pub bearing: Bearing,
    /// In the order in which they are to speak, nobody twice; often one, perhaps none.
    pub addressees: Vec<Addressee>,
    /// The line called them; else they were chosen without being called.
    pub named: bool,
    /// Who may answer a question to the room. `addressees` holds the choice by the cards' words;
    /// whoever can rank them better may choose another of these.
    pub candidates: Vec<usize>,
    /// How many of the line's words each of them has on its card, rare ones counting more.
    pub words: Vec<f32>,
    /// Which of [`Scene::humans`] are spoken to.
    pub humans: Vec<usize>,
    /// Who is to be silent until called or until it is lifted.
    pub silenced: Vec<usize>,
    /// Those whose turns end because of a request to be silent, also for now only.
    pub stopped: Vec<usize>,
    /// It greets, and asks nothing: whoever has not answered when the talk goes on need not.
    pub courtesy: bool,
    /// What its speaker asked before, and what a persona offered, is not wanted any more.
    pub takes_back: bool,
    /// Earlier requests to be silent no longer hold.
    pub lifts_silence: bool,
    /// What was weighed on the way, each matter once.
    pub weighed: Vec<Weighed>,
    /// What becomes of the line for everybody else.
    pub others: (Outcome, Reason),
}

impl Verdict {
    pub(super) fn nobody(bearing: Bearing, why: &'static str) -> Self {
        Self {
            bearing,
            addressees: Vec::new(),
            named: false,
            candidates: Vec::new(),
            words: Vec::new(),
            humans: Vec::new(),
            silenced: Vec::new(),
            stopped: Vec::new(),
            courtesy: false,
            takes_back: false,
            lifts_silence: false,
            weighed: Vec::new(),
            others: (Outcome::Passed, Reason::Borrowed(why)),
        }
    }

    /// Ends the turns of those who are not to answer.
    pub(super) fn stop(&mut self, personas: impl Iterator<Item = usize>) {
        let answers = |persona| self.addressees.iter().any(|one| one.persona == persona);
        self.stopped.extend(personas.filter(|one| !answers(*one)));
    }

    pub(super) fn called(scene: &Scene<'_>, persona: usize, reason: &'static str) -> Self {
        Self::calls(scene, vec![(persona, 0.8, reason)])
    }

    pub(super) fn calls(scene: &Scene<'_>, called: Vec<(usize, f32, &'static str)>) -> Self {
        let first = &scene.cast[called[0].0].card.name;
        Self {
            named: true,
            others: (Outcome::Passed, Reason::Owned(format!("addressed to {first}"))),
            ..Self::chosen(called)
        }
    }

    pub(super) fn chosen(chosen: Vec<(usize, f32, &'static str)>) -> Self {
        let addressee = |(persona, confidence, reason)| Addressee {
            persona,
            confidence,
            reason: Reason::Borrowed(reason),
        };
        Self {
            addressees: chosen.into_iter().map(addressee).collect(),
            others: (Outcome::Outbid, Reason::Borrowed("another's turn")),
            ..Self::nobody(Bearing::Calls, "")
        }
    }
}
