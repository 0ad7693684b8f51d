//! The signs of a line that names personas, or all of them, by which they are to answer it: how
//! they are named, and what is said to them or about them.

use super::classes::{I, PLEASE, TELL, THEY, WE, is_helper};
use super::{Signs, bit, wanted};
use crate::turn::addressing::Scene;
use crate::turn::addressing::calls::Call;
use crate::turn::addressing::lexicon::Set;
use crate::turn::addressing::mentions::Who;
use crate::turn::addressing::reading::Reading;
use crate::turn::addressing::refusing::is_negated;
use crate::turn::addressing::sentence::Sentence;
use crate::turn::addressing::silence::TIME;
use crate::turn::addressing::words::Break;

/// A talk ends with these.
const ENDING: Set = Set::new(
    "enough later done bye goodbye stop quiet wait hold mind forget leave relax fine ok okay got \
     all plenty off out busy already myself know heard manage tschuss genug basta adios fertig",
);
/// What follows a name that is told about.
const TOLD: Set = Set::new(
    "is was has had says said thinks wants knows never always just would will wont does doesnt \
     isnt wasnt hat ist war a est e es sagt dit",
);

const ASK: Set = Set::new("ask asking asked tell telling told call calling");
/// What somebody does who needs nobody.
const WILL_DO: Set = Set::new("ill lets well");

pub(super) fn signs(reading: &Reading<'_>, scene: &Scene<'_>) -> Signs {
    let called = reading.personas_called();
    let mentioned: Vec<usize> = reading.calls.mentioned.iter().filter_map(Who::persona).collect();
    let first = reading.calls.called.iter().find(|call| !matches!(call.who, Who::Human(_)));
    let named = if first.is_none() { &mentioned } else { &called };
    let mut signs = Signs::new();
    place(reading, first, named, &mut signs);
    said(reading, scene, named, &mut signs);
    let spoke_last = scene.spoke_last.is_some_and(|last| named.contains(&last.persona));
    let asks = reading.asks();
    signs.extend([
        ("mentioned", bit(first.is_none())),
        ("mentioned_asks", bit(first.is_none() && asks)),
        ("mentioned_spoke_last", bit(first.is_none() && spoke_last)),
        ("spoke_last_told", bit(spoke_last && !asks)),
        ("spoke_last_negated", bit(spoke_last && reading.negates())),
    ]);
    signs
}

/// Where the first called name stands; the first one that is named at all where none is called.
fn place(reading: &Reading<'_>, first: Option<&Call>, named: &[usize], signs: &mut Signs) {
    let who = first.map(|call| call.who).or(named.first().map(|one| Who::Persona(*one)));
    let mention = who.and_then(|who| reading.mention_of(who));
    let sentence = mention.map(|one| Sentence::around(&reading.line, reading.lexicon, one));
    let lexicon = reading.lexicon;
    let of = |fits: &dyn Fn(&Sentence<'_>) -> bool| bit(sentence.as_ref().is_some_and(fits));
    let told = |word: &str| {
        let third = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
        let past = word.len() > 4 && word.ends_with("ed");
        TOLD.has(word) || (third || past) && !lexicon.is_function(word) && word != "please"
    };
    let free = |one: &Sentence<'_>| one.after == Break::None;
    let content = |word: &str| !word.is_empty() && !lexicon.is_function(word) && !TELL.has(word);
    let starts_free =
        |one: &Sentence<'_>| one.opens() && free(one) && !one.tail.is_empty() && !one.is_question;
    let ends_told = |one: &Sentence<'_>| {
        one.tail.is_empty() && !one.lead.is_empty() && !one.is_question && !one.asks()
    };
    let written = reading.line.iter().any(|word| word.capital);
    let handed = first.is_some_and(|call| call.handed);
    let asks = reading.asks();
    let confidence = first.map_or(0.0, |call| call.confidence);
    let everybody = first.is_some_and(|call| call.who == Who::Everybody);
    signs.extend([
        ("sure", bit(confidence > 0.9)),
        ("unsure", bit(confidence < 0.75)),
        ("handed", bit(handed)),
        ("everybody", bit(everybody)),
        ("misheard", bit(mention.is_some_and(|one| !one.exact))),
        ("starts", of(&|one| one.opens() && !one.tail.is_empty())),
        ("starts_free", of(&|one| one.opens() && free(one) && !one.tail.is_empty())),
        ("ends", of(&|one| one.tail.is_empty() && !one.lead.is_empty())),
        ("ends_free", of(&|one| one.tail.is_empty() && one.before == Break::None)),
        ("alone", of(&|one| one.tail.is_empty() && one.lead.is_empty())),
        ("told", of(&|one| free(one) && told(one.next()) && !one.is_question)),
        ("told_asked", of(&|one| free(one) && told(one.next()) && one.is_question)),
        ("sentence_asks", of(&|one| one.is_question)),
        ("sentence_past", of(&|one| one.has_past())),
        ("everybody_asked", of(&|one| everybody && one.is_question)),
        ("starts_content", of(&|one| starts_free(one) && content(one.next()))),
        ("starts_content_written", of(&|one| starts_free(one) && content(one.next()) && written)),
        ("starts_helper", of(&|one| starts_free(one) && is_helper(lexicon, one.next()))),
        ("starts_pronoun", of(&|one| starts_free(one) && one.is_subject(0))),
        ("ends_told_short", of(&|one| ends_told(one) && one.lead.len() <= 5)),
        ("handed_told", bit(handed && !asks)),
        ("handed_you", bit(handed && reading.speaks_to_you())),
        ("handed_after_ask", of(&|one| handed && ASK.has(one.previous()))),
    ]);
}

fn said(reading: &Reading<'_>, scene: &Scene<'_>, called: &[usize], signs: &mut Signs) {
    let lexicon = reading.lexicon;
    let any = |fits: &dyn Fn(&str) -> bool| reading.line.iter().any(|word| fits(&word.text));
    let body = wanted::body(&reading.line, lexicon);
    let first = body.first().map_or("", |word| word.text.as_str());
    let asks = reading.asks();
    let marked = reading.is_marked();
    let ends = any(&|word| ENDING.has(word));
    let count = reading.line.len();
    let negated = reading.negates();
    let last = scene.spoke_last.map(|last| last.persona);
    let human_first = matches!(reading.calls.mentioned.first(), Some(Who::Human(_)));
    signs.extend([
        ("asks", bit(asks)),
        ("marked", bit(marked)),
        ("request", bit(any(&|word| TELL.has(word)))),
        ("please", bit(any(&|word| PLEASE.has(word)))),
        ("please_alone", bit(!marked && any(&|word| PLEASE.has(word)))),
        ("a_while", bit(any(&|word| TIME.has(word)))),
        ("i_will", bit(any(&|word| WILL_DO.has(word)))),
        ("i_told_short", bit(any(&|word| I.has(lexicon, word)) && !asks && count <= 6)),
        ("negated_you", bit(negated && reading.speaks_to_you() && !asks)),
        ("you", bit(reading.speaks_to_you())),
        ("you_told", bit(reading.speaks_to_you() && !asks)),
        ("i", bit(any(&|word| I.has(lexicon, word)))),
        ("i_first", bit(I.has(lexicon, first))),
        ("we", bit(any(&|word| WE.has(lexicon, word)))),
        ("they", bit(any(&|word| THEY.has(lexicon, word)))),
        ("negated", bit(negated)),
        ("negated_told", bit(!asks && any(&|word| is_negated(word) || word == "not"))),
        ("thanks", bit(reading.thanks() && !asks)),
        ("greets", bit(reading.has_greeting())),
        ("ends_talk", bit(ends && !asks)),
        ("ends_talk_asked", bit(ends && asks)),
        ("names_human", bit(reading.names_a_human())),
        ("human_first", bit(human_first)),
        ("several", bit(called.len() > 1)),
        ("short", bit(count <= 3)),
        ("told_long", bit(!asks && count >= 7)),
        ("told_any", bit(!asks)),
        ("spoke_last", bit(last.is_some_and(|last| called.contains(&last)))),
        ("after_human", bit(scene.after_human || scene.among_humans.is_some())),
    ]);
}
