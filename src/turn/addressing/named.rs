//! Who is named in a line, by name or by what they are, and whether they are to answer it.

use super::Choice;
use super::mentions::Who;
use super::verdict::{Bearing, Verdict};
use super::weighing::{Matter, Weighed};

/// A name that is called less surely than another by this much is only mentioned beside it.
const CONFIDENCE_GAP: f32 = 0.2;
/// A call below this is a courtesy, not a question.
const CALL_MIN: f32 = 0.45;
/// From this on those who are called are to answer.
const CALLED_MIN: f32 = 0.45;
/// The same where the line's meaning is known.
const CALLED_MEANT_MIN: f32 = 0.55;
/// Of somebody who is named and not called.
const MENTIONED_MIN: f32 = 0.6;
/// Whoever speaks to all is rarely misread, and a round that is not opened is missed by many.
const ALL_CALLED_MIN: f32 = 0.12;

/// Those whom a line calls.
#[derive(Default)]
struct Names {
    /// Each with how surely, and why.
    personas: Vec<(usize, f32, &'static str)>,
    humans: Vec<usize>,
    everybody: bool,
}

impl Choice<'_> {
    /// Called by name, or all of them, or a human is.
    pub(super) fn called(&self) -> Option<Verdict> {
        let Names { personas, humans, everybody } = self.names();
        if personas.is_empty() && !humans.is_empty() {
            let nobody = Verdict::nobody(Bearing::Humans, "addressed to a human");
            return Some(Verdict { humans, ..nobody });
        }
        if personas.is_empty() {
            return None;
        }
        let reading = self.reading;
        let last = self.scene.spoke_last.map(|last| last.persona);
        let only = (personas.len() == 1).then(|| personas[0].0);
        let answered = everybody || only.is_some() && only == last;
        if answered && reading.thanks() && !reading.asks() && !reading.has_greeting() {
            return Some(Verdict::nobody(Bearing::Nothing, "thanked"));
        }
        let weighed = Weighed { of: only, ..Weighed::of(Matter::Called, reading, self.scene) };
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
        let mut verdict = self.calls(personas);
        verdict.weighed.push(weighed);
        verdict.courtesy = everybody && !reading.asks() && reading.has_greeting();
        if everybody {
            verdict.others.1 = "left out".into();
        }
        Some(verdict)
    }

    /// Whom the line calls, those whose names are much less sure than others' left out.
    fn names(&self) -> Names {
        let calls = self.reading.calls.called.iter().filter(|call| call.confidence > CALL_MIN);
        let best = calls.clone().map(|call| call.confidence).fold(0.0, f32::max);
        let mut names = Names::default();
        let add = |names: &mut Names, persona, confidence, reason| {
            let known = names.personas.iter().any(|one| one.0 == persona);
            if !known && !self.is_left_out(persona) {
                names.personas.push((persona, confidence, reason));
            }
        };
        for call in calls.filter(|call| call.confidence > best - CONFIDENCE_GAP) {
            match call.who {
                Who::Persona(persona) => {
                    let reason = if call.handed { "called upon" } else { "called by name" };
                    add(&mut names, persona, call.confidence, reason);
                }
                Who::Everybody => names.everybody = true,
                Who::Human(human) => names.humans.push(human),
            }
        }
        if names.everybody {
            let rest = self.reading.asks_for_the_rest();
            let spoke = self.scene.spoke_last.filter(|_| rest).map(|last| last.persona);
            let named = |one| rest && self.reading.calls.mentioned.contains(&Who::Persona(one));
            let open = (0..self.scene.cast.len()).filter(|&one| self.scene.cast[one].open);
            for persona in open.filter(|&one| Some(one) != spoke && !named(one)) {
                add(&mut names, persona, best, "everybody was asked");
            }
        }
        names
    }

    /// Where one persona is named, and not called by its place in the sentence: how likely it is
    /// spoken to all the same.
    pub(super) fn mention(&self) -> Option<Weighed> {
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
    pub(super) fn spoken_to(&self, mention: Option<&Weighed>) -> Option<Verdict> {
        let mention = mention.filter(|mention| mention.likely >= MENTIONED_MIN)?;
        Some(self.calls(vec![(mention.of?, mention.likely, "spoken to")]))
    }

    /// "What would a doctor say?"
    pub(super) fn by_role(&self) -> Option<Verdict> {
        let persona = self.reading.role().filter(|&one| self.may(one))?;
        Some(self.calls(vec![(persona, 0.75, "asked for by role")]))
    }

    /// "Not you, Ada": the question goes to the others.
    pub(super) fn refused(&self) -> Option<Verdict> {
        let refused = self.reading.calls.excluded.iter().any(|who| matches!(who, Who::Persona(_)));
        if !refused || !self.reading.calls.called.is_empty() {
            return None;
        }
        // What the speaker asked before is open while it is answered by somebody unwanted.
        let open = self.scene.asked_before.is_some() && self.scene.spoke_last.is_some();
        let nobody = || Verdict::nobody(Bearing::Statement, "not wanted");
        Some(if self.reading.asks_beside() || open { self.room() } else { nobody() })
    }
}
