//! A line that names nobody: whether it wants an answer, and whose talk it goes on with.

use super::Choice;
use super::reading::Reading;
use super::verdict::{Bearing, Verdict};
use super::weighing::{Matter, Weighed};

/// A question of so few words ("and why is that?") is put to who has just answered.
const FOLLOW_UP_WORDS_MAX: usize = 6;
/// From these on an answer is wanted, and the talk goes on.
const WANTED_MIN: f32 = 0.55;
const GOES_ON_MIN: f32 = 0.5;
/// A human alone with the cast speaks to it, unless it sounds very much as if not.
const ALONE_MIN: f32 = 0.3;
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

impl Choice<'_> {
    /// A persona asked or offered something, or pointed to another: what a human says then lets
    /// that talk go on, or not.
    pub(super) fn behind_a_question(&self) -> Option<Verdict> {
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
        let alone = self.scene.humans.is_empty();
        let enough = if alone { ALONE_MIN } else { GOES_ON_MIN };
        let mut verdict = if likely < enough && !(last.offered && accepts) {
            if !last.asked || alone {
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

    pub(super) fn nod(&self) -> Option<Verdict> {
        self.reading.is_nod().then(|| Verdict::nobody(Bearing::Nothing, "nothing to answer"))
    }

    /// Some are left in a round: they come before anything that names nobody.
    pub(super) fn owed(&self) -> Option<Verdict> {
        self.scene.owed.iter().find(|&&one| self.may(one))?;
        let aside = self.reading.asks() && !self.reading.asks_for_the_rest();
        let aside = aside && self.scene.spoke_last.is_some_and(|last| self.may(last.persona));
        (!aside).then(|| Verdict::nobody(Bearing::Owed, "the round goes on"))
    }

    /// Nobody was called: it is weighed whether an answer is wanted at all. A human alone with the
    /// cast wants one to whatever is more than a remark.
    pub(super) fn unnamed(&self) -> Verdict {
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

    pub(super) fn room(&self) -> Verdict {
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

    pub(super) fn rank_by_question(
        &self,
        asked: Option<&str>,
        candidates: &[usize],
    ) -> Option<usize> {
        let asked = Reading::of(asked?, self.scene);
        asked
            .best_fit(candidates)
            .or_else(|| candidates.iter().copied().min_by_key(|&one| self.scene.cast[one].rank))
    }
}
