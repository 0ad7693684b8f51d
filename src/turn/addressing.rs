//! Who is to answer a line, by the evidence in it and in the talk before it. Pure: a line and what
//! is known around it in, a verdict out. `docs/TURNS.md` has the order in which evidence counts.

mod asking;
mod backchannel;
mod calls;
mod completeness;
mod correction;
mod expertise;
mod group;
mod handing;
mod lexicon;
mod listening;
mod mentions;
mod named;
mod names;
mod offers;
mod order;
mod reading;
mod refusing;
mod roles;
mod sentence;
mod silence;
mod sleep;
mod spoken;
mod unnamed;
mod verdict;
mod weighing;
mod words;

use std::collections::BTreeSet;

pub use expertise::Card;
pub use listening::is_listening;
use mentions::Who;
use reading::Reading;
use silence::Silence;
pub use sleep::{SleepOrders, SleepWords};
pub use spoken::{Spoken, spoken};
pub use verdict::{Addressee, Bearing, Verdict};
pub use weighing::{Matter, Weighed};

use crate::latency::Outcome;
use crate::meaning::Meaning;

/// What is known when a line comes.
#[derive(Clone, Debug, Default)]
pub struct Scene<'a> {
    /// Everybody who is configured, in order.
    pub cast: Vec<Candidate<'a>>,
    /// The names of the humans in the room, the speaker left out.
    pub humans: Vec<&'a str>,
    /// Whom the speaker last called by name, if that is not long ago: an index of `cast`.
    pub named_before: Option<usize>,
    /// Who last answered the speaker, if that is not long ago: an index of `cast`.
    pub answered_before: Option<usize>,
    /// Who spoke last, if a persona, and nothing but nods came since.
    pub spoke_last: Option<SpokeLast>,
    /// What it asked was put to another human by name.
    pub asked_another: bool,
    /// Another human spoke last, and no persona since.
    pub after_human: bool,
    /// Humans talk with each other.
    pub among_humans: Option<Part>,
    /// Another human asked the room something, and nobody has answered that yet.
    pub answers_human: bool,
    /// Nobody has said anything lately.
    pub is_opening: bool,
    /// It was typed, not heard.
    pub typed: bool,
    /// What a model makes of the line, where one has read it.
    pub meaning: Option<&'a Meaning>,
    /// What the speaker asked last, before this line.
    pub asked_before: Option<&'a str>,
    /// Those who are to speak yet by an earlier line, in order.
    pub owed: Vec<usize>,
}

impl Scene<'_> {
    /// Whose talk it was: who spoke last, whom the speaker called, who answered the speaker.
    fn partner(&self) -> Option<usize> {
        let last = self.spoke_last.map(|last| last.persona);
        let mine = self.named_before.filter(|one| last.is_none_or(|last| last == *one));
        mine.or(last).or(self.named_before).or(self.answered_before)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub card: &'a Card,
    /// May answer lines that name nobody.
    pub open: bool,
    /// A human asked it to be silent, and nobody lifted that.
    pub silenced: bool,
    /// Rotation: among the open ones the lowest comes next.
    pub rank: u64,
}

/// A persona's speech that is the newest in the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SpokeLast {
    /// An index of [`Scene::cast`].
    pub persona: usize,
    /// It asked the humans something, or one of them.
    pub asked: bool,
    /// The other persona to whom its end points.
    pub pointed: Option<usize>,
    /// It handed the talk to that one, or offered to.
    pub handed: bool,
    /// It asked whether it shall do something.
    pub offered: bool,
    /// What it asked speaks to "you".
    pub asked_you: bool,
}

/// What the speaker has to do with the humans who talk with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Member,
    Listener,
}

/// From these on what was weighed is taken to be so. Who waits for the rest of a line that is whole
/// loses more than who answers one that is not.
const UNFINISHED_MIN: f32 = 0.6;
/// An answer to what a persona asked need not be a sentence.
const UNFINISHED_ANSWER_MIN: f32 = 0.8;

/// Decides who answers `text`.
pub fn addressees(text: &str, scene: &Scene<'_>) -> Verdict {
    let reading = Reading::of(text, scene);
    if reading.is_noise() {
        return Verdict::nobody(Bearing::Nothing, "nothing to answer");
    }
    let mut hush = reading.silence();
    let lifted = hush.lifted;
    let mut verdict = match hush.asked {
        Some(_) => match reading.without(&hush.sentences) {
            Some(rest) => decide(&rest, scene, &hush.whom),
            None => Verdict::nobody(Bearing::Silence, "asked to be quiet"),
        },
        None => decide(&reading, scene, &BTreeSet::new()),
    };
    if let Some(asked) = hush.asked {
        let free = !verdict.named && verdict.humans.is_empty();
        if let (true, Some(one)) = (free, reading.asked_after_all(&hush)) {
            verdict = Verdict::called(scene, one, "asked after all");
            hush.whom.remove(&one);
            verdict.stopped.push(one);
        }
        verdict.stopped.extend(hush.whom.iter().copied());
        if asked == Silence::Lasting {
            verdict.silenced = hush.whom.into_iter().collect();
        }
        if verdict.addressees.is_empty() {
            verdict.bearing = Bearing::Silence;
            verdict.others = (Outcome::Passed, "asked to be quiet".into());
        }
    }
    ends_turns(&mut verdict, &reading, scene);
    verdict.lifts_silence = lifted || reading.asks() && reading.resumes();
    verdict
}

/// What the line ends of what others were about to say.
fn ends_turns(verdict: &mut Verdict, reading: &Reading<'_>, scene: &Scene<'_>) {
    let pointed = scene.spoke_last.is_some_and(|last| last.pointed.is_some());
    verdict.takes_back |= pointed && (reading.declines() || reading.closes());
    if !scene.owed.is_empty() && reading.closes() {
        if verdict.bearing == Bearing::Owed {
            *verdict = Verdict::nobody(Bearing::Nothing, "the round is over");
        }
        verdict.stop(scene.owed.iter().copied());
    }
    // "Not you, Ada": what she was about to say is not wanted.
    verdict.stop(reading.calls.excluded.iter().filter_map(Who::persona));
}

/// The order of evidence, the surest first.
fn decide(reading: &Reading<'_>, scene: &Scene<'_>, hushed: &BTreeSet<usize>) -> Verdict {
    let unfinished = Weighed::of(Matter::Unfinished, reading, scene);
    let open = scene.spoke_last.is_some_and(|last| last.asked || last.offered);
    let enough = if open { UNFINISHED_ANSWER_MIN } else { UNFINISHED_MIN };
    let is_unfinished = if open && reading.answers_briefly() {
        reading.dangles()
    } else {
        reading.breaks_off() || unfinished.likely >= enough
    };
    let mut verdict = if is_unfinished {
        Verdict::nobody(Bearing::Unfinished, "not finished")
    } else {
        Choice { reading, scene, hushed }.whole()
    };
    verdict.weighed.push(unfinished);
    verdict
}

#[derive(Clone, Copy)]
struct Choice<'a> {
    reading: &'a Reading<'a>,
    scene: &'a Scene<'a>,
    /// Asked to be silent by the same line.
    hushed: &'a BTreeSet<usize>,
}

impl Choice<'_> {
    /// Of a whole line.
    fn whole(&self) -> Verdict {
        let mention = self.mention();
        let mut verdict = self
            .corrected()
            .or_else(|| self.withdrawn())
            .or_else(|| self.ordered())
            .or_else(|| self.somebody_else())
            .or_else(|| self.turns_to_a_human())
            .or_else(|| self.called())
            .or_else(|| self.spoken_to(mention.as_ref()))
            .or_else(|| self.by_role())
            .or_else(|| self.refused())
            .or_else(|| self.behind_a_question())
            .or_else(|| self.nod())
            .or_else(|| self.owed())
            .unwrap_or_else(|| self.unnamed());
        verdict.weighed.extend(mention);
        verdict
    }

    fn is_left_out(&self, persona: usize) -> bool {
        let last = self.scene.spoke_last.map(|last| last.persona);
        self.hushed.contains(&persona)
            || last == Some(persona) && self.reading.refuses_you()
            || self.reading.calls.excluded.contains(&Who::Persona(persona))
    }

    /// Whether `persona` may be chosen without being called.
    fn may(&self, persona: usize) -> bool {
        self.scene.cast.get(persona).is_some_and(|one| one.open && !self.is_silenced(one))
            && !self.is_left_out(persona)
    }

    fn is_silenced(&self, one: &Candidate<'_>) -> bool {
        one.silenced && !self.lifts()
    }

    fn lifts(&self) -> bool {
        self.reading.lifts() || self.reading.asks() && self.reading.resumes()
    }

    /// "Ada first, then Hugo."
    fn ordered(&self) -> Option<Verdict> {
        let order = self.reading.order()?;
        let called: Vec<_> = order
            .into_iter()
            .filter(|one| !self.is_left_out(*one))
            .map(|one| (one, 0.85, "called in an order"))
            .collect();
        (!called.is_empty()).then(|| self.calls(called))
    }

    /// "Ada, let somebody else answer."
    fn somebody_else(&self) -> Option<Verdict> {
        let mentioned = &self.reading.calls.mentioned;
        let mut refused: Vec<usize> = mentioned.iter().filter_map(Who::persona).collect();
        if refused.is_empty() && self.reading.asks_somebody_else() {
            refused.extend(self.scene.spoke_last.map(|last| last.persona));
        }
        let wants = !refused.is_empty() && self.reading.wants_somebody_else();
        wants.then(|| {
            let hushed = self.hushed.iter().copied().chain(refused).collect();
            Choice { hushed: &hushed, ..*self }.room()
        })
    }

    /// "Put it away, Ada. Zoe, do you want it?": what is asked is asked of humans; so is what is
    /// put to dad, and to several humans by name.
    fn turns_to_a_human(&self) -> Option<Verdict> {
        if self.scene.humans.is_empty() {
            return None;
        }
        let humans = self.reading.humans_asked();
        let kin = self.reading.calls_kin() || self.reading.counts_humans();
        let nobody = Verdict::nobody(Bearing::Humans, "addressed to a human");
        (kin || !humans.is_empty()).then_some(Verdict { humans, ..nobody })
    }

    fn goes_on(&self, persona: usize, confidence: f32, reason: &'static str) -> Verdict {
        Verdict {
            bearing: Bearing::Continues,
            ..Verdict::chosen(vec![(persona, confidence, reason)])
        }
    }

    fn calls(&self, called: Vec<(usize, f32, &'static str)>) -> Verdict {
        Verdict::calls(self.scene, called)
    }
}

#[cfg(test)]
mod tests;
