//! The moments of one turn, and the stages between them.

use std::collections::BTreeMap;

use super::{Reason, Stage};
use crate::time::{Time, micros};

/// A moment of a turn. Each ends the stage of the same place in [`Stage::ALL`]; the first begins
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Anchor {
    /// The human's last voiced sample came.
    VoicedEnd,
    /// The endpointer decided that the utterance is over.
    Endpoint,
    /// The line is there: its recognised text, the typed message, or a persona's finished speech.
    Text,
    Granted,
    /// The engine took the request from its queue.
    Started,
    Prefilled,
    FirstText,
    /// The first speakable clause is complete.
    FirstClause,
    /// The sound of that clause is there.
    FirstAudio,
    /// Its first voiced sample was handed to the transport.
    Published,
}

const ANCHORS: usize = Anchor::Published as usize + 1;

/// How the answered line came: it decides where `e2e` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Heard,
    Typed,
    /// A persona said it.
    Spoken,
}

/// Collects the moments of one turn. A moment that comes again is ignored: the first counts.
///
/// A turn that is granted once more (see [`crate::turn::Effect::Reply`]) starts again from a clone
/// of its line's anchors.
#[derive(Clone, Debug)]
pub struct Anchors {
    origin: Origin,
    /// Where the utterance began; on no path, since nobody waits for it.
    voiced_start: Option<Time>,
    at: [Option<Time>; ANCHORS],
}

/// The critical path that the anchors make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// Every stage is there; a stage that was not measured is none, never 0.
    pub stages_us: BTreeMap<Stage, Option<u64>>,
    /// Why a stage is none.
    pub missing: BTreeMap<Stage, Reason>,
    /// How long before its place on the path the end of a stage was reached; not in the sum.
    pub ahead_us: BTreeMap<Stage, u64>,
    /// The sum of the stages; none when the turn was not audible.
    pub e2e_us: Option<u64>,
}

impl Anchors {
    /// For a line that was spoken by a human. Mark [`Anchor::Text`] when the text is there.
    pub fn heard(voiced_end: Time, endpoint: Time) -> Self {
        let mut anchors = Self { origin: Origin::Heard, voiced_start: None, at: [None; ANCHORS] };
        anchors.mark(Anchor::VoicedEnd, voiced_end);
        anchors.mark(Anchor::Endpoint, endpoint);
        anchors
    }

    /// For a line that was typed.
    pub fn typed(arrived: Time) -> Self {
        let mut anchors = Self { origin: Origin::Typed, voiced_start: None, at: [None; ANCHORS] };
        anchors.mark(Anchor::Text, arrived);
        anchors
    }

    /// For a persona's line that another one answers.
    pub fn spoken(ended: Time) -> Self {
        let mut anchors = Self { origin: Origin::Spoken, voiced_start: None, at: [None; ANCHORS] };
        anchors.mark(Anchor::Text, ended);
        anchors
    }

    /// The same, of an utterance whose first voiced sample came then.
    pub fn begun_at(self, voiced_start: Time) -> Self {
        Self { voiced_start: Some(voiced_start), ..self }
    }

    /// When the human began to speak, where that is known.
    pub fn voiced_start(&self) -> Option<Time> {
        self.voiced_start
    }

    pub fn mark(&mut self, anchor: Anchor, at: Time) {
        self.at[anchor as usize].get_or_insert(at);
    }

    pub fn at(&self, anchor: Anchor) -> Option<Time> {
        self.at[anchor as usize]
    }

    /// Lays the anchors on the critical path. A moment that came before the one it follows was
    /// reached ahead of time: its stage took nothing, and the head start is reported beside.
    pub fn path(&self) -> Path {
        let mut path = Path::default();
        let mut reached = Time::ZERO;
        // Where the stage begins; none when that moment is not known.
        let mut begins = self.at[0].inspect(|&at| reached = at);
        for (stage, ends) in Stage::ALL.into_iter().zip(&self.at[1..]) {
            let ends = ends.map(|at| {
                let head_start_us = micros(reached.since(at));
                if head_start_us > 0 {
                    path.ahead_us.insert(stage, head_start_us);
                }
                at.max(reached)
            });
            let took_us = begins.zip(ends).map(|(begins, ends)| micros(ends.since(begins)));
            path.stages_us.insert(stage, took_us);
            if took_us.is_none() {
                path.missing.insert(stage, Reason::Borrowed(self.why_missing(stage)));
            }
            reached = ends.unwrap_or(reached);
            begins = ends;
        }
        path.e2e_us = self
            .at(self.first())
            .zip(self.at(Anchor::Published))
            .map(|(begins, _)| micros(reached.since(begins)));
        path
    }

    /// Where `e2e` begins.
    fn first(&self) -> Anchor {
        if self.origin == Origin::Heard { Anchor::VoicedEnd } else { Anchor::Text }
    }

    fn why_missing(&self, stage: Stage) -> &'static str {
        let heard_only = matches!(stage, Stage::EndOfTurn | Stage::Transcription);
        match self.origin {
            Origin::Typed if heard_only => "typed",
            Origin::Spoken if heard_only => "a persona's line",
            _ if self.at(Anchor::Granted).is_none() && !heard_only => "not granted",
            _ if self.at[stage as usize + 1..].iter().all(Option::is_none) => "not reached",
            _ => "not measured",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AFTER_TEXT: [Anchor; 7] = [
        Anchor::Granted,
        Anchor::Started,
        Anchor::Prefilled,
        Anchor::FirstText,
        Anchor::FirstClause,
        Anchor::FirstAudio,
        Anchor::Published,
    ];

    fn sum_us(path: &Path) -> u64 {
        path.stages_us.values().flatten().sum()
    }

    fn heard(at_us: [u64; ANCHORS]) -> Anchors {
        let mut anchors = Anchors::heard(Time::from_us(at_us[0]), Time::from_us(at_us[1]));
        anchors.mark(Anchor::Text, Time::from_us(at_us[2]));
        for (anchor, at) in AFTER_TEXT.into_iter().zip(&at_us[3..]) {
            anchors.mark(anchor, Time::from_us(*at));
        }
        anchors
    }

    #[test]
    fn a_typed_line_begins_at_its_arrival() {
        let mut anchors = Anchors::typed(Time::from_ms(100));
        for (index, anchor) in AFTER_TEXT.into_iter().enumerate() {
            anchors.mark(anchor, Time::from_ms(110 + 10 * index as u64));
        }
        let path = anchors.path();
        assert_eq!(path.e2e_us, Some(70_000));
        assert_eq!(sum_us(&path), 70_000);
        assert_eq!(path.stages_us[&Stage::EndOfTurn], None);
        assert_eq!(path.missing[&Stage::EndOfTurn], "typed");
        assert_eq!(path.missing[&Stage::Transcription], "typed");
        assert_eq!(path.missing.len(), 2);
    }

    #[test]
    fn a_missing_moment_leaves_both_neighbours_unknown_and_never_zero() {
        let mut anchors = heard([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        anchors.at[Anchor::Prefilled as usize] = None;
        let path = anchors.path();
        assert_eq!(path.stages_us[&Stage::Prefill], None);
        assert_eq!(path.stages_us[&Stage::FirstToken], None);
        assert_eq!(path.missing[&Stage::Prefill], "not measured");
        assert_eq!(path.e2e_us, Some(9));
    }

    #[test]
    fn a_turn_that_was_not_granted_knows_when_its_line_came() {
        let mut anchors = Anchors::heard(Time::from_ms(1), Time::from_ms(301));
        anchors.mark(Anchor::Text, Time::from_ms(401));
        let path = anchors.path();
        assert_eq!(path.stages_us[&Stage::EndOfTurn], Some(300_000));
        assert_eq!(path.stages_us[&Stage::Transcription], Some(100_000));
        assert_eq!(path.missing[&Stage::Decide], "not granted");
        assert_eq!(path.e2e_us, None);
    }

    #[test]
    fn what_was_ready_before_the_grant_costs_nothing_and_shows_its_head_start() {
        // Prefilled and begun before the endpoint, granted at 500.
        let path = heard([100, 400, 480, 500, 200, 300, 650, 700, 800, 810]).path();
        assert_eq!(path.stages_us[&Stage::Queue], Some(0));
        assert_eq!(path.stages_us[&Stage::Prefill], Some(0));
        assert_eq!(path.stages_us[&Stage::FirstToken], Some(150));
        assert_eq!(path.ahead_us, BTreeMap::from([(Stage::Queue, 300), (Stage::Prefill, 200)]));
        assert_eq!(path.e2e_us, Some(710));
        assert_eq!(sum_us(&path), 710);
    }

    #[test]
    fn the_first_of_a_moment_counts() {
        let mut anchors = Anchors::typed(Time::from_ms(1));
        anchors.mark(Anchor::FirstText, Time::from_ms(2));
        anchors.mark(Anchor::FirstText, Time::from_ms(3));
        assert_eq!(anchors.at(Anchor::FirstText), Some(Time::from_ms(2)));
    }

    proptest! {
        #[test]
        fn stages_sum_to_e2e_whatever_order_the_moments_came_in(
            at_us in prop::array::uniform10(0u64..10_000_000),
        ) {
            let path = heard(at_us).path();
            prop_assert_eq!(Some(sum_us(&path)), path.e2e_us);
            prop_assert!(path.missing.is_empty());
        }

        #[test]
        fn in_order_nothing_is_ahead(mut at_us in prop::array::uniform10(0u64..10_000_000)) {
            at_us.sort_unstable();
            let path = heard(at_us).path();
            prop_assert_eq!(path.e2e_us, Some(at_us[9] - at_us[0]));
            prop_assert_eq!(Some(sum_us(&path)), path.e2e_us);
            prop_assert!(path.ahead_us.is_empty());
        }
    }
}
