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

/// A name that is called less surely than another by this much is only mentioned beside it.
const CONFIDENCE_GAP: f32 = 0.2;
/// A call below this is a courtesy, not a question.
const CALL_MIN: f32 = 0.45;
/// A question of so few words ("and why is that?") is put to who has just answered.
const FOLLOW_UP_WORDS_MAX: usize = 6;
/// From these on what was weighed is taken to be so. Who waits for the rest of a line that is whole
/// loses more than who answers one that is not.
const UNFINISHED_MIN: f32 = 0.6;
/// An answer to what a persona asked need not be a sentence.
const UNFINISHED_ANSWER_MIN: f32 = 0.8;
const CALLED_MIN: f32 = 0.45;
/// The same where the line's meaning is known.
const CALLED_MEANT_MIN: f32 = 0.55;
/// Of somebody who is named and not called.
const MENTIONED_MIN: f32 = 0.6;
const WANTED_MIN: f32 = 0.55;
const GOES_ON_MIN: f32 = 0.5;
/// A human alone with the cast speaks to it, unless it sounds very much as if not.
const ALONE_MIN: f32 = 0.3;
/// Whoever speaks to all is rarely misread, and a round that is not opened is missed by many.
const ALL_CALLED_MIN: f32 = 0.12;
/// How likely the right one is chosen of those who may answer, where an answer is wanted at all:
/// whose talk it was, who shares words with the line, whoever comes next.
const PARTNER: f32 = 0.95;
const KNOWS: f32 = 0.85;
const ROTATION: f32 = 0.5;
/// The most of the line's words on a card counts as so much nearness of its meaning.
const SHARED: f32 = 0.2;
/// A card that is nearer than the others by less knows no more about it.
const LEAD_MIN: f32 = 0.03;
/// A remark of fewer words is a reaction and wants no answer.
const REMARK_WORDS_MIN: usize = 5;

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
        decide_whole(reading, scene, hushed)
    };
    verdict.weighed.push(unfinished);
    verdict
}

fn decide_whole(reading: &Reading<'_>, scene: &Scene<'_>, hushed: &BTreeSet<usize>) -> Verdict {
    Choice { reading, scene, hushed }.whole()
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
        let named: Vec<usize> = mentioned.iter().filter_map(Who::persona).collect();
        let mut refused = named;
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

    /// Called by name, or all of them, or a human is.
    fn called(&self) -> Option<Verdict> {
        let calls = self.reading.calls.called.iter().filter(|call| call.confidence > CALL_MIN);
        let best = calls.clone().map(|call| call.confidence).fold(0.0, f32::max);
        let meant: Vec<_> = calls.filter(|call| call.confidence > best - CONFIDENCE_GAP).collect();
        let mut called: Vec<(usize, f32, &'static str)> = Vec::new();
        let mut add = |persona, confidence, reason| {
            if !self.is_left_out(persona) && called.iter().all(|one| one.0 != persona) {
                called.push((persona, confidence, reason));
            }
        };
        let mut humans = Vec::new();
        let mut everybody = false;
        for call in meant {
            match call.who {
                Who::Persona(persona) if call.handed => {
                    add(persona, call.confidence, "called upon");
                }
                Who::Persona(persona) => add(persona, call.confidence, "called by name"),
                Who::Everybody => everybody = true,
                Who::Human(human) => humans.push(human),
            }
        }
        let rest = everybody && self.reading.asks_for_the_rest();
        if everybody {
            let spoke = self.scene.spoke_last.filter(|_| rest).map(|last| last.persona);
            let rest_of = |one: &usize| {
                Some(*one) != spoke
                    && !(rest && self.reading.calls.mentioned.contains(&Who::Persona(*one)))
            };
            for persona in
                (0..self.scene.cast.len()).filter(|&one| self.scene.cast[one].open).filter(rest_of)
            {
                add(persona, best, "everybody was asked");
            }
        }
        if called.is_empty() && !humans.is_empty() {
            let nobody = Verdict::nobody(Bearing::Humans, "addressed to a human");
            return Some(Verdict { humans, ..nobody });
        }
        if called.is_empty() {
            return None;
        }
        let reading = self.reading;
        let last = self.scene.spoke_last.map(|last| last.persona);
        let answered = everybody || called.len() == 1 && Some(called[0].0) == last;
        if answered && reading.thanks() && !reading.asks() && !reading.has_greeting() {
            return Some(Verdict::nobody(Bearing::Nothing, "thanked"));
        }
        let of = match called[..] {
            [(one, ..)] => Some(one),
            _ => None,
        };
        let weighed = Weighed { of, ..Weighed::of(Matter::Called, reading, self.scene) };
        let called_min = match self.scene.meaning {
            _ if everybody => ALL_CALLED_MIN,
            Some(_) => CALLED_MEANT_MIN,
            None => CALLED_MIN,
        };
        let is_sure = self.scene.humans.is_empty()
            || reading.calls.called.iter().any(|call| reading.is_put_to(call));
        if !is_sure && weighed.likely < called_min {
            let nobody = Verdict::nobody(Bearing::Statement, "named, and not asked");
            return Some(Verdict { weighed: vec![weighed], ..nobody });
        }
        let mut verdict = self.calls(called);
        verdict.weighed.push(weighed);
        verdict.courtesy = everybody && !self.reading.asks() && self.reading.has_greeting();
        if everybody {
            verdict.others.1 = "left out".into();
        }
        Some(verdict)
    }

    /// Where one persona is named, and not called by its place in the sentence: how likely it is
    /// spoken to all the same.
    fn mention(&self) -> Option<Weighed> {
        let calls = &self.reading.calls;
        let mut named = calls.mentioned.iter().filter_map(Who::persona);
        let (one, more) = (named.next()?, named.next());
        let called = calls.called.iter().any(|call| !matches!(call.who, Who::Human(_)));
        if called || more.is_some() || self.scene.humans.is_empty() || self.is_left_out(one) {
            return None;
        }
        let weighed = Weighed::of(Matter::Called, self.reading, self.scene);
        Some(Weighed { of: Some(one), ..weighed })
    }

    /// "That can't be right ada you said nine".
    fn spoken_to(&self, mention: Option<&Weighed>) -> Option<Verdict> {
        let mention = mention.filter(|mention| mention.likely >= MENTIONED_MIN)?;
        Some(self.calls(vec![(mention.of?, mention.likely, "spoken to")]))
    }

    /// "What would a doctor say?"
    fn by_role(&self) -> Option<Verdict> {
        let persona = self.reading.role().filter(|&one| self.may(one))?;
        Some(self.calls(vec![(persona, 0.75, "asked for by role")]))
    }

    /// "Not you, Ada": the question goes to the others.
    fn refused(&self) -> Option<Verdict> {
        let refused = self.reading.calls.excluded.iter().any(|who| matches!(who, Who::Persona(_)));
        if !refused || !self.reading.calls.called.is_empty() {
            return None;
        }
        // What the speaker asked before is open while it is answered by somebody unwanted.
        let open = self.scene.asked_before.is_some() && self.scene.spoke_last.is_some();
        let nobody = || Verdict::nobody(Bearing::Statement, "not wanted");
        Some(if self.reading.asks_beside() || open { self.room() } else { nobody() })
    }

    /// A persona asked or offered something, or pointed to another: what a human says then lets that
    /// talk go on, or not.
    fn behind_a_question(&self) -> Option<Verdict> {
        let last = self.scene.spoke_last?;
        let reading = self.reading;
        let accepts = reading.accepts() || last.offered && reading.is_nod() && !reading.declines();
        if let Some(to) = last.pointed.filter(|&to| accepts && self.may(to)) {
            return Some(self.calls(vec![(to, 0.8, "was offered")]));
        }
        let pointed = last.pointed.filter(|_| last.handed);
        let (to, offered) = (pointed.unwrap_or(last.persona), last.offered || pointed.is_some());
        let next = !self.scene.owed.is_empty() && reading.asks_for_the_rest();
        if !(last.asked || offered) || next || reading.asks_whoever() || !self.may(to) {
            return None;
        }
        let nobody = |why| Some(Verdict::nobody(Bearing::Nothing, why));
        if offered && reading.declines() && !reading.asks() {
            return nobody("the offer was declined");
        }
        if last.asked && reading.postpones() {
            return nobody("an answer will come");
        }
        let weighed = Weighed::of(Matter::GoesOn, reading, self.scene);
        let likely = weighed.likely;
        let mut verdict = if likely < GOES_ON_MIN && !(last.offered && accepts) {
            if !last.asked {
                return None;
            }
            self.for_nobody()
        } else if pointed.is_some() {
            self.calls(vec![(to, likely, "was offered")])
        } else {
            self.goes_on(to, likely, "answers its question")
        };
        verdict.weighed.push(weighed);
        Some(verdict)
    }

    fn nod(&self) -> Option<Verdict> {
        self.reading.is_nod().then(|| Verdict::nobody(Bearing::Nothing, "nothing to answer"))
    }

    /// Some are left in a round: they come before anything that names nobody.
    fn owed(&self) -> Option<Verdict> {
        self.scene.owed.iter().find(|&&one| self.may(one))?;
        let aside = self.reading.asks() && !self.reading.asks_for_the_rest();
        let aside = aside && self.scene.spoke_last.is_some_and(|last| self.may(last.persona));
        (!aside).then(|| Verdict::nobody(Bearing::Owed, "the round goes on"))
    }

    /// Nobody was called: it is weighed whether an answer is wanted at all. A human alone with the
    /// cast wants one to whatever is more than a remark.
    fn unnamed(&self) -> Verdict {
        let alone = self.scene.humans.is_empty();
        if alone && !self.speaks_alone() {
            return self.for_nobody();
        }
        if alone && self.scene.meaning.is_none() {
            return self.open();
        }
        let wanted = Weighed::of(Matter::Wanted, self.reading, self.scene);
        let likely = wanted.likely;
        let quiet = self.scene.cast.iter().any(|one| one.silenced);
        let lifted = quiet && self.reading.asks() && self.reading.lifts();
        let enough = match alone {
            // "You may talk again. What is it?"
            _ if lifted => 0.0,
            true => ALONE_MIN,
            false => WANTED_MIN,
        };
        let mut verdict = if likely >= enough && !self.reading.is_quoted() {
            self.open()
        } else {
            self.for_nobody()
        };
        for one in &mut verdict.addressees {
            one.confidence *= likely;
        }
        Verdict { weighed: vec![wanted], ..verdict }
    }

    fn speaks_alone(&self) -> bool {
        let reading = self.reading;
        let connects = reading.connects() && self.scene.spoke_last.is_some();
        let tells = reading.line.len() >= REMARK_WORDS_MIN && !reading.thanks();
        let told = match self.scene.partner() {
            Some(one) => [self.scene.named_before, self.scene.answered_before].contains(&Some(one)),
            None => reading.calls.mentioned.is_empty(),
        };
        reading.asks() || reading.greets() || connects || tells && told
    }

    fn for_nobody(&self) -> Verdict {
        if self.is_quiet_room() {
            return Verdict::nobody(Bearing::Silence, "asked to be quiet");
        }
        let among = self.scene.among_humans.is_some() || self.scene.answers_human;
        if among || !self.scene.humans.is_empty() && self.reading.asks() {
            return Verdict::nobody(Bearing::Humans, "humans among themselves");
        }
        Verdict::nobody(Bearing::Statement, "nothing was asked")
    }

    /// The talk goes on with whom it was, or is put to the room.
    fn open(&self) -> Verdict {
        let reading = self.reading;
        let elsewhere = reading.asks_whoever() || reading.asks_for_others() || reading.greets();
        let partner = self.scene.partner().filter(|&one| self.may(one));
        match partner {
            Some(one) if !elsewhere && (self.stays_with(one) || !reading.asks()) => {
                self.goes_on(one, PARTNER, "talked with before")
            }
            _ => self.room(),
        }
    }

    /// Whether a question that names nobody is put to `partner`: not one that fits another's card
    /// and not at all the partner's; and to whoever only happened to speak before, a follow-up.
    fn stays_with(&self, partner: usize) -> bool {
        if self.reading.line.len() <= FOLLOW_UP_WORDS_MAX || self.reading.points_back() {
            return true;
        }
        let scores = self.reading.scores();
        let fits_another = (0..scores.len()).any(|one| scores[one] > 0.0 && self.may(one));
        let fits = scores[partner] > 0.0;
        fits || self.scene.named_before == Some(partner) && !fits_another
    }

    fn is_quiet_room(&self) -> bool {
        let mut open = self.scene.cast.iter().filter(|one| one.open).peekable();
        open.peek().is_some() && open.all(|one| self.is_silenced(one))
    }

    fn room(&self) -> Verdict {
        let mut candidates: Vec<usize> =
            (0..self.scene.cast.len()).filter(|&one| self.may(one)).collect();
        if self.reading.asks_for_others() && candidates.len() > 1 {
            let last = self.scene.partner();
            candidates.retain(|one| Some(*one) != last);
        }
        let by_words = || {
            let best = self.reading.best_fit(&candidates);
            best.map(|one| (one, KNOWS, "knows most of it"))
        };
        let by_meaning = || {
            let best = self.nearest(&candidates);
            best.map(|one| (one, KNOWS, "knows most about it"))
        };
        let refused = !self.reading.calls.excluded.is_empty();
        let by_question = || {
            let asked = self.scene.asked_before;
            let found = refused.then(|| self.rank_by_question(asked, &candidates)).flatten();
            found.map(|one| (one, KNOWS, "knows most of what was asked"))
        };
        let rotation = || {
            let next = candidates.iter().min_by_key(|&&one| self.scene.cast[one].rank);
            next.map(|&one| (one, ROTATION, "next by rotation"))
        };
        let Some((persona, confidence, reason)) =
            by_meaning().or_else(by_words).or_else(by_question).or_else(rotation)
        else {
            return if self.is_quiet_room() {
                Verdict::nobody(Bearing::Silence, "asked to be quiet")
            } else {
                Verdict::nobody(Bearing::Statement, "not named")
            };
        };
        let scores = self.reading.scores();
        Verdict {
            bearing: Bearing::Room,
            words: candidates.iter().map(|&one| scores[one]).collect(),
            candidates,
            ..Verdict::chosen(vec![(persona, confidence, reason)])
        }
    }

    /// Whose card fits the line best, by its words and by its meaning; none where no card fits
    /// better than the others.
    fn nearest(&self, candidates: &[usize]) -> Option<usize> {
        let near = &self.scene.meaning?.near;
        let words = self.reading.scores();
        let most = candidates.iter().map(|&one| words[one]).fold(0.0, f32::max);
        let worth = |one: usize| near[one] + SHARED * words[one] / most.max(f32::MIN_POSITIVE);
        let best = candidates.iter().copied().reduce(|best, one| {
            let better = worth(one) > worth(best);
            if better { one } else { best }
        })?;
        let mean = candidates.iter().map(|&one| worth(one)).sum::<f32>() / candidates.len() as f32;
        (worth(best) - mean >= LEAD_MIN).then_some(best)
    }

    fn rank_by_question(&self, asked: Option<&str>, candidates: &[usize]) -> Option<usize> {
        let asked = Reading::of(asked?, self.scene);
        asked
            .best_fit(candidates)
            .or_else(|| candidates.iter().copied().min_by_key(|&one| self.scene.cast[one].rank))
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
