//! The signs of a line behind a persona's question or offer, by which that talk goes on: the line
//! answers, accepts or asks back, and does not decline, put off or speak to somebody else.

use super::classes::{I, IT, PLEASE, TELL, THEY, WE};
use super::{Signs, bit, wanted};
use crate::turn::addressing::Scene;
use crate::turn::addressing::lexicon::Set;
use crate::turn::addressing::offers;
use crate::turn::addressing::reading::Reading;
use crate::turn::addressing::silence::TIME;

const YES: Set = Set::new(
    "yes yeah yep yup aye sure please ok okay go oui ja si sim da definitely absolutely why",
);
/// What puts something off.
const LATER: Set = Set::new(
    "later after before first tomorrow tonight today time wait soon when till until now already \
     once next another",
);
/// Lines up to these many words say little, from these many on they tell something.
const SHORT_WORDS: usize = 3;
const LONG_WORDS: usize = 9;

pub(super) fn signs(reading: &Reading<'_>, scene: &Scene<'_>) -> Signs {
    let last = scene.spoke_last.unwrap_or_default();
    let lexicon = reading.lexicon;
    let any = |fits: &dyn Fn(&str) -> bool| reading.line.iter().any(|word| fits(&word.text));
    let first = reading.line.first().map_or("", |word| word.text.as_str());
    let body = wanted::body(&reading.line, lexicon);
    let no = offers::is_no(first) || first == "not";
    let second = body.first().map_or("", |word| word.text.as_str());
    let count = reading.line.len();
    let (asked, offered) = (last.asked, last.offered);
    let to_you = asked && last.asked_you;
    let asks = reading.asks();
    let short = count <= SHORT_WORDS;
    let (nod, declines, accepts) = (reading.is_nod(), reading.declines(), reading.accepts());
    let own = [scene.named_before, scene.answered_before].contains(&Some(last.persona));
    let you = reading.speaks_to_you();
    let told = !asks;
    let overlap = reading.scores().iter().any(|score| *score > 0.0);
    let negated = reading.negates();
    let later = any(&|word| LATER.has(word));
    vec![
        ("asked", bit(asked)),
        ("asked_you", bit(to_you)),
        ("offered", bit(offered)),
        ("pointed", bit(last.handed)),
        ("asked_another", bit(scene.asked_another)),
        ("asks", bit(asks)),
        ("marked", bit(reading.is_marked())),
        ("asked_asks", bit(asked && asks)),
        ("offered_asks", bit(offered && asks)),
        ("request", bit(any(&|word| TELL.has(word)))),
        ("please", bit(any(&|word| PLEASE.has(word)))),
        ("nod", bit(nod)),
        ("offered_nod", bit(offered && nod)),
        ("declines", bit(declines)),
        ("offered_declines", bit(offered && declines)),
        ("accepts", bit(accepts)),
        ("postpones", bit(reading.postpones())),
        ("yes", bit(YES.has(first))),
        ("offered_yes", bit(offered && (YES.has(first) || YES.has(second)))),
        ("no", bit(no)),
        ("offered_no", bit(offered && no)),
        ("short", bit(short)),
        ("asked_short", bit(to_you && short)),
        ("offered_short", bit(offered && short)),
        ("long", bit(count >= LONG_WORDS)),
        ("a_while", bit(any(&|word| TIME.has(word)))),
        ("later", bit(later)),
        ("offered_later", bit(offered && later)),
        ("negated", bit(negated)),
        ("offered_negated", bit(offered && negated)),
        ("thanks", bit(reading.thanks())),
        ("names_human", bit(reading.names_a_human())),
        ("names_persona", bit(reading.names_a_persona())),
        ("you", bit(you)),
        ("you_told", bit(you && told)),
        ("i", bit(any(&|word| I.has(lexicon, word)))),
        ("i_told", bit(to_you && told && any(&|word| I.has(lexicon, word)))),
        ("we", bit(any(&|word| WE.has(lexicon, word)))),
        ("they", bit(any(&|word| THEY.has(lexicon, word)))),
        ("it", bit(any(&|word| IT.has(lexicon, word)))),
        ("back", bit(reading.points_back())),
        ("own", bit(own)),
        ("after_human", bit(scene.after_human)),
        ("card", bit(overlap)),
        ("one_human", bit(scene.humans.is_empty())),
        ("english", bit(lexicon.is_english())),
    ]
}
