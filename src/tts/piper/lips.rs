//! What the mouth does in a clause: the shapes of its phonemes, at the times that the network
//! itself gave them.

use crate::audio::ROOM_RATE_HZ;
use crate::mouth::{Cue, Shape};

/// A rest between words that is longer than this closes the mouth.
const REST_MS: f32 = 60.0;
/// Marks that prolong what is before them.
const PROLONGS: [char; 2] = ['ː', 'ˑ'];

/// How the network's time becomes the room's.
pub(super) struct Timing {
    /// Of the network.
    pub(super) rate_hz: u32,
    pub(super) pitch_ratio: f32,
    /// Samples that were cut off at the front.
    pub(super) cut: usize,
}

/// The cues of a clause. A phoneme sounds from the end of the one before it to its own end: what
/// separates and stresses is ahead of the phoneme that it belongs to (seen in the levels of real
/// clauses: a stop is silent in the separator before it, not after it).
///
/// `chars` has the phoneme of each of the network's inputs, `samples` how many samples each of them
/// took. Nothing when the two do not belong together.
pub(super) fn cues(chars: &[Option<char>], samples: &[usize], timing: &Timing) -> Vec<Cue> {
    if chars.len() != samples.len() {
        return Vec::new();
    }
    let rest = (timing.rate_hz as f32 * REST_MS / 1_000.0) as usize;
    let to_room =
        f64::from(ROOM_RATE_HZ) / (f64::from(timing.rate_hz) * f64::from(timing.pitch_ratio));
    let last = chars.len().saturating_sub(1);
    let mut cues: Vec<Cue> = Vec::new();
    // Where the phoneme begins that comes next, and where we are.
    let (mut from, mut at) = (0, 0);
    for (n, (c, length)) in chars.iter().zip(samples).enumerate() {
        at += length;
        let shape = match c {
            None if n == 0 || n == last => Some(Shape::Closed),
            None => continue,
            Some(c) if is_rest(*c) && at - from > rest => Some(Shape::Closed),
            Some(c) if PROLONGS.contains(c) => None,
            Some(c) => match shape_of(*c) {
                Some(shape) => Some(shape),
                // A mark of stress, or a gap: part of what comes.
                None => continue,
            },
        };
        if let Some(shape) = shape
            && cues.last().is_none_or(|last| last.shape != shape)
        {
            let from = from.max(timing.cut) - timing.cut;
            cues.push(Cue { at: (from as f64 * to_room) as u32, shape });
        }
        from = at;
    }
    cues
}

fn is_rest(c: char) -> bool {
    c.is_whitespace() || c.is_ascii_punctuation()
}

/// The shape of a phoneme of espeak-ng's IPA; none for marks of stress and the like.
fn shape_of(c: char) -> Option<Shape> {
    Some(match c {
        'm' | 'b' | 'p' | 'ɓ' => Shape::Closed,
        'f' | 'v' | 'ɱ' => Shape::Bite,
        'θ' | 'ð' | 'l' | 'ɫ' | 'ɬ' | 'ɭ' | 'ʎ' => Shape::Tongue,
        's' | 'z' | 't' | 'd' | 'n' | 'ɾ' | 'ɲ' | 'ɳ' | 'ʈ' | 'ɖ' | 'c' | 'ç' => Shape::Teeth,
        'ʃ' | 'ʒ' | 'ɹ' | 'r' | 'ɕ' | 'ʑ' | 'ʂ' | 'ʐ' | 'ɻ' | 'ɽ' => Shape::Push,
        'k' | 'ɡ' | 'g' | 'ŋ' | 'h' | 'x' | 'ɣ' | 'q' | 'χ' | 'ʁ' | 'ʀ' | 'ħ' | 'ɦ' | 'ʔ' => {
            Shape::Back
        }
        'ə' | 'ʌ' | 'ɛ' | 'ɜ' | 'ɚ' | 'ɝ' | 'e' | 'ɐ' | 'ɘ' => Shape::Mid,
        'a' | 'æ' | 'ɑ' | 'ɒ' => Shape::Open,
        'i' | 'ɪ' | 'j' | 'ᵻ' | 'ɨ' => Shape::Wide,
        'ɔ' | 'o' | 'ø' | 'œ' | 'ɵ' | 'ɤ' => Shape::Round,
        'u' | 'ʊ' | 'w' | 'y' | 'ʏ' | 'ɥ' | 'ʉ' | 'ɯ' | 'ʍ' => Shape::Small,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the network is given for these phonemes.
    fn chars(text: &str) -> Vec<Option<char>> {
        let mut chars = vec![None, None];
        chars.extend(text.chars().flat_map(|c| [Some(c), None]));
        chars.push(None);
        chars
    }

    #[test]
    fn a_phoneme_begins_where_the_one_before_it_ends() {
        let chars = chars("mˈiː.");
        let samples = [500, 500, 1_000, 300, 400, 300, 1_000, 500, 1_500, 0, 2_000, 0, 1_000];
        let timing = Timing { rate_hz: 24_000, pitch_ratio: 1.0, cut: 1_000 };
        let cues = cues(&chars, &samples, &timing);
        // Twice as many samples in the room; the first thousand is cut off.
        let expected = [(0, Shape::Closed), (2_000, Shape::Wide), (10_000, Shape::Closed)];
        assert_eq!(cues, expected.map(|(at, shape)| Cue { at, shape }));
    }

    #[test]
    fn pitch_brings_cues_closer_together() {
        let samples = [0, 0, 1_000, 0, 1_000, 0, 0];
        let timing = Timing { rate_hz: 48_000, pitch_ratio: 2.0, cut: 0 };
        let at: Vec<u32> =
            cues(&chars("ma"), &samples, &timing).into_iter().map(|cue| cue.at).collect();
        assert_eq!(at, [0, 500, 1_000]);
    }

    #[test]
    fn a_short_gap_between_words_closes_nothing() {
        let shapes = |gap| {
            let samples = [0, 0, 1_000, 0, gap, 0, 1_000, 0, 0];
            let timing = Timing { rate_hz: 24_000, pitch_ratio: 1.0, cut: 0 };
            let cues = cues(&chars("a i"), &samples, &timing);
            cues.into_iter().map(|cue| cue.shape).collect::<Vec<_>>()
        };
        assert_eq!(shapes(500), [Shape::Closed, Shape::Open, Shape::Wide, Shape::Closed]);
        assert_eq!(shapes(4_000)[2], Shape::Closed);
    }

    #[test]
    fn times_of_another_clause_give_nothing() {
        let timing = Timing { rate_hz: 24_000, pitch_ratio: 1.0, cut: 0 };
        assert!(cues(&chars("ma"), &[1_000; 3], &timing).is_empty());
    }
}
