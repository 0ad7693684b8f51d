//! The signs of a line whose speaker is not done: the word that it ends on, a clause that has begun
//! and has no verb yet, and an end without a mark in a line that has marks.

use super::{Signs, bit, wanted};
use crate::turn::addressing::Scene;
use crate::turn::addressing::completeness;
use crate::turn::addressing::lexicon::{Lexicon, Set};
use crate::turn::addressing::reading::Reading;
use crate::turn::addressing::silence;
use crate::turn::addressing::words::{Break, Word};

/// A clause begins with these that needs a verb of its own.
const CLAUSE: Set = Set::new(
    "that which who where when if because while whether and but or so until since before after \
     than as though although unless why how what then dass weil wenn ob und que qui si quand et \
     porque cuando y che se quando quem omdat als en",
);
const RELATIVE: Set = Set::new("that which who where whose one thing way que qui che das die dat");
const HESITATION: Set = Set::new("um uh er erm uhm euh ehm ahm eh like");
const INTENSIFIER: Set =
    Set::new("very really quite so too such all kind sort sehr tres muy molto");
/// A noun behind so few words is the beginning of its clause.
const SUBJECT_WORDS: usize = 3;

pub(super) fn signs(reading: &Reading<'_>, scene: &Scene<'_>) -> Signs {
    let text = reading.text().trim_end();
    let lexicon = reading.lexicon;
    let line = &reading.line;
    let last = silence::sentences(line).pop().map_or(&[][..], |range| &line[range]);
    let end = last.last().map_or("", |word| word.text.as_str());
    let dangles = completeness::dangles(text);
    let closed = !dangles && text.ends_with(['.', '!', '?', '。', '？', '！', ')', '"', '”']);
    let marks = line.iter().any(|word| word.capital)
        || line[..line.len() - 1].iter().any(|word| word.after != Break::None);
    let written = text.starts_with(char::is_uppercase);
    let open = !closed && !dangles;
    let rule = completeness::is_unfinished(reading.text(), line, lexicon);
    let asks = reading.asks_without_a_mark(last);
    let clause = Clause::of(last, lexicon);
    let count = last.len();
    vec![
        ("closed", bit(closed)),
        ("dangles", bit(dangles)),
        ("rule", bit(rule && open)),
        ("rule_closed", bit(rule && closed)),
        ("unmarked", bit(open && marks && written)),
        ("unmarked_heard", bit(open && marks && written && !scene.typed)),
        ("unmarked_long", bit(open && marks && written && count >= 6)),
        ("plain", bit(open && !written)),
        ("plain_long", bit(open && !written && count >= 9)),
        ("plain_asks", bit(open && !written && asks)),
        ("unmarked_asks", bit(open && written && asks)),
        ("needs_noun", bit(open && lexicon.determiners.has(end))),
        ("preposition", bit(open && lexicon.prepositions.has(end))),
        ("preposition_asks", bit(open && asks && lexicon.prepositions.has(end))),
        ("joins", bit(open && (lexicon.joins.has(end) || lexicon.subordinators.has(end)))),
        ("helper", bit(open && lexicon.helpers.has(end))),
        ("subject", bit(open && lexicon.subjects.has(end))),
        ("relative", bit(open && RELATIVE.has(end))),
        ("hesitates", bit(open && last.iter().any(|word| HESITATION.has(&word.text)))),
        ("hesitates_last", bit(open && HESITATION.has(end))),
        ("intensifier", bit(open && INTENSIFIER.has(end))),
        ("content", bit(open && !lexicon.is_function(end))),
        ("no_verb", bit(open && clause.words > 0 && clause.is_subject)),
        ("clause_1", bit(open && clause.words == 1)),
        ("clause_2", bit(open && clause.words == 2)),
        ("clause_3", bit(open && clause.words == 3)),
        ("clause_last", bit(open && clause.words > 3)),
        ("leans", bit(open && clause.leans)),
        ("short", bit(open && count <= 3)),
        ("pause_last", bit(open && last.iter().rev().skip(1).take(3).any(pauses))),
    ]
}

fn pauses(word: &Word) -> bool {
    word.after == Break::Comma
}

/// The clause that was begun last.
struct Clause {
    /// Behind the word that begins it; 0 when none does.
    words: usize,
    /// It is a noun with what stands before it, and nothing more.
    is_subject: bool,
    /// The sentence begins with a clause that leans on another one.
    leans: bool,
}

impl Clause {
    fn of(sentence: &[Word], lexicon: &Lexicon) -> Self {
        let begins = sentence
            .iter()
            .rposition(|word| CLAUSE.has(&word.text) || lexicon.subordinators.has(&word.text));
        let rest = begins.map_or(&[][..], |at| &sentence[at + 1..]);
        let determined = rest.first().is_some_and(|word| lexicon.determiners.has(&word.text));
        let first = wanted::body(sentence, lexicon).first();
        Self {
            words: rest.len(),
            is_subject: determined && (2..=SUBJECT_WORDS).contains(&rest.len()),
            leans: first.is_some_and(|word| lexicon.subordinators.has(&word.text)),
        }
    }
}
