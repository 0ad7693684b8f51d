//! Who is called in a line, who is only talked about, and who is left out.

use super::lexicon::Lexicon;
use super::mentions::{Mention, Who};
use super::sentence::{Sentence, Tone};
use super::words::{Break, Word};

/// A name in a line that speaks to its bearer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Call {
    pub who: Who,
    /// 0 to 1.
    pub confidence: f32,
    /// It is called upon without being spoken to: "I pass this on to Ada".
    pub handed: bool,
}

/// What the names in a line are there for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Calls {
    /// In the order of the line.
    pub called: Vec<Call>,
    /// "Not Ada", "anybody but Ada".
    pub excluded: Vec<Who>,
    /// Words where those stand who are spoken to and let off: "you needn't answer, Ada".
    pub let_off: Vec<usize>,
    /// Named, whether called or not.
    pub mentioned: Vec<Who>,
}

/// A misheard name is worth this much of the real one.
const MISHEARD: f32 = 0.8;
/// Thanks and the like call nobody who is to answer when the line goes on.
const IN_PASSING: f32 = 0.4;

/// Finds the calls in `line` among its `mentions`.
pub(super) fn find(line: &[Word], lexicon: &Lexicon, mentions: Vec<Mention>) -> Calls {
    let mut calls = Calls::default();
    for mention in mentions {
        let sentence = Sentence::around(line, lexicon, &mention);
        calls.mentioned.extend(mention.who.iter().copied());
        let (confidence, handed) = match sentence.tone(line, &mention) {
            tone @ (Tone::Excluded | Tone::LetOff) => {
                if tone == Tone::LetOff {
                    calls.let_off.push(mention.start);
                }
                calls.excluded.extend(mention.who);
                continue;
            }
            Tone::To(confidence) => (confidence, false),
            Tone::Handed(confidence) => (confidence, true),
            Tone::About => continue,
        };
        let mean = |at: usize| line.get(at).map_or("", |word| word.text.as_str());
        let meant = mean(mention.end) == "i" && matches!(mean(mention.end + 1), "mean" | "meant");
        if meant || is_correction(line, mention.start) {
            calls.called.clear();
        }
        let greets_all = mention.who == [Who::Everybody]
            && line.iter().all(|word| word.after != Break::Question);
        let passing =
            !greets_all && sentence.is_courtesy() && !sentence.is_whole_line(line, &mention);
        let confidence = confidence * if mention.exact { 1.0 } else { MISHEARD };
        let confidence = if passing { confidence.min(IN_PASSING) } else { confidence };
        let call = |who| Call { who, confidence, handed };
        calls.called.extend(mention.who.into_iter().map(call));
    }
    calls
}

/// "No, I mean Hugo": what was called before does not hold.
fn is_correction(line: &[Word], start: usize) -> bool {
    let before = line[..start].last().map(|word| word.text.as_str());
    matches!(
        before,
        Some(
            "no" | "sorry"
                | "mean"
                | "meant"
                | "actually"
                | "rather"
                | "scusa"
                | "anzi"
                | "menade"
                | "mente"
                | "meinte"
                | "quise"
                | "queria"
                | "volevo"
                | "voulais"
                | "bedoelde"
                | "nej"
                | "nein"
                | "non"
                | "wanted"
        )
    )
}
