//! Whom a line means by what they are: "what would a doctor say?", "not the cook", "ask the
//! pharmacist".

use super::expertise::{Card, is_content};
use super::handing;
use super::lexicon::{Lexicon, Set};
use super::silence;
use super::words::{Break, Word, is_question};

/// Words before an article that ask for a role, those that leave no doubt, and requests.
const FRAMES: Set = Set::new(
    "would could can does should might will from ask like need say as hear of do for \
     wurde dirait diria direbbe zou sagt dit dice to want is there what any let invite invites",
);
const ASKING: Set = Set::new("hear ask want wanted could let need invite invites");
/// What somebody said, in a story or a saying.
const TOLD: Set = Set::new("says said hed theyd shed told tells goes asked");
const STRONG_FRAMES: Set =
    Set::new("would could can does should from ask hear as might will let invite invites");

/// What people call somebody of one trade or office, and what they call the trade.
const TRADES: &[Set] = &[
    Set::new(
        "doctor doc physician medic gp surgeon clinician cardiologist medical medically medicine",
    ),
    Set::new("nurse midwife"),
    Set::new("vet veterinarian"),
    Set::new("physio physiotherapist"),
    Set::new("pharmacist pharmacologist chemist apothecary"),
    Set::new("psychologist psychiatrist therapist shrink counsellor counselor"),
    Set::new("lawyer attorney solicitor barrister advocate jurist legal legally law"),
    Set::new("judge magistrate justice"),
    Set::new(
        "policeman policewoman police cop constable detective sheriff inspector sergeant sarge",
    ),
    Set::new("priest chaplain pastor vicar reverend rabbi imam padre preacher clergyman parson"),
    Set::new("teacher tutor professor prof lecturer instructor"),
    Set::new("maths math mathematics mathematician"),
    Set::new("statistician statistics stats numbers"),
    Set::new("scientist physicist researcher"),
    Set::new("historian history historically"),
    Set::new("accountant auditor bookkeeper treasurer"),
    Set::new("banker finance financial financially investor economist"),
    Set::new("developer dev programmer coder"),
    Set::new("engineer engineering technician techie mechanic"),
    Set::new("designer design ux"),
    Set::new("builder mason bricklayer"),
    Set::new("gardener horticulturist gardening"),
    Set::new("farmer grower rancher"),
    Set::new("chef cook"),
    Set::new("pilot aviator flyer"),
    Set::new("captain cap skipper sailor mariner"),
    Set::new("general commander strategist"),
    Set::new("king queen pharaoh monarch"),
    Set::new("thief robber burglar"),
    Set::new("coach trainer"),
    Set::new("referee ref umpire"),
    Set::new("reporter journalist correspondent"),
    Set::new("manager boss"),
    Set::new("singer vocalist"),
    Set::new("actor actress"),
    Set::new("florist flower flowers floral"),
    Set::new("caterer catering"),
    Set::new("electrician electrical electric"),
    Set::new("meteorologist weatherman forecaster"),
];

/// Other words for what `word` calls somebody.
pub(super) fn same_trade(word: &str) -> impl Iterator<Item = &'static str> {
    let of_it: Vec<&Set> = TRADES.iter().filter(|trade| trade.has(word)).collect();
    of_it.into_iter().flat_map(|trade| trade.iter())
}

/// What a role can have that is asked for: "let's have the ref's view".
const HELD: Set = Set::new(
    "view views opinion opinions take word words thoughts thought perspective answer advice side \
     verdict turn input judgment judgement position point standpoint angle",
);
/// Verbs between a role and what it would do with a question.
const OPINES: Set = Set::new(
    "would could might should can will thinks says makes sees looks feels wurde konnte dirait \
     diria direbbe zou",
);

/// So few words behind a question belong to it: "a doctor, please".
const SHORT_WORDS: usize = 6;
/// Verbs between "whoever" and what somebody deals with.
const DEALS: Set = Set::new("does handles knows runs keeps makes teaches understands is");

/// "Whoever does the roses", "legally, can she do that".
fn asked_by_matter(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let whoever = line.windows(2).position(|two| {
        matches!(two[0].text.as_str(), "whoever" | "whichever") && DEALS.has(&two[1].text)
    });
    if let Some(at) = whoever {
        let mut matter = line[at + 2..].iter().take(3);
        return matter.find_map(|word| {
            let deals = || only_best(cards, |card| card.deals_with(&word.text));
            is_content(&word.text, lexicon).then(deals).flatten()
        });
    }
    let first = line.iter().find(|word| !lexicon.openers.has(&word.text))?;
    let manner = first.text.ends_with("ly") && first.after == Break::Comma;
    manner.then(|| role_of(&first.text, cards)).flatten()
}

/// The one persona whose role is named in a line that asks for a role: "what would a doctor say?",
/// "could the patient describe it?", "from the singer".
pub(super) fn asked_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let matter = asked_by_matter(line, lexicon, cards);
    matter.or_else(|| {
        let sentences = silence::sentences(line);
        let mut each = sentences.iter().enumerate();
        each.find_map(|(nth, range)| {
            let found = asked_by_article(&line[range.clone()], lexicon, cards)?;
            // Whoever tells a story asks in it, and goes on.
            let rest = &line[range.start..];
            let goes_on = nth + 1 < sentences.len() && rest.len() - range.len() > SHORT_WORDS;
            let story = rest.iter().any(|word| TOLD.has(&word.text));
            let asked = is_question(&line[range.clone()]);
            let told = story || goes_on && asked;
            (!told).then_some(found)
        })
    })
}

fn asked_by_article(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let text = |at: usize| line[at].text.as_str();
    let article = |at: &usize| lexicon.determiners.has(text(*at));
    (0..line.len()).filter(article).find_map(|at| {
        let before = at.checked_sub(1).map_or("ask", text);
        let quoted = matches!(before, "how" | "what" | "why" | "whether" | "if" | "where" | "when")
            && line.get(at + 2).is_some_and(|word| OPINES.has(&word.text))
            && line.iter().any(|word| {
                word.after == Break::Question
                    || matches!(word.text.as_str(), "wonder" | "wondering" | "curious" | "lets")
            });
        let owned =
            line[at + 1..].windows(2).take(3).any(|two| two[0].owns && HELD.has(&two[1].text));
        let framed = FRAMES.has(before) || quoted || owned;
        let asks = is_question(line)
            || line
                .iter()
                .any(|word| lexicon.questions.has(&word.text) || ASKING.has(word.text.as_str()));
        let begins = at == 0 || line[at - 1].after.ends_sentence();
        let turned = line.get(at + 2).is_some_and(|word| lexicon.helpers.has(&word.text));
        let asks = asks || owned;
        // "Why would the doctor do it" is about him.
        let why = at >= 2 && text(at - 2) == "why" && lexicon.helpers.has(before);
        if !asks || why || if begins { !turned } else { !framed } {
            return None;
        }
        let strong = STRONG_FRAMES.has(before) || quoted || owned;
        let reach = line[at + 1..].iter().take(if strong { 3 } else { 2 });
        reach.filter(|word| is_content(&word.text, lexicon)).find_map(|word| {
            let role = role_of(&word.text, cards);
            role.filter(|_| strong || word.after != Break::None)
        })
    })
}

/// Behind a role these leave something to it: "the doctor ought to take this one".
const TAKES: Set = Set::new("ought should can could will would may must knows handles decides");
/// What somebody is said to say, behind "will": "the Greek will tell you it was three".
const CLAIMS: Set = Set::new("tell say claim swear insist argue deny");

/// The one persona whose role a persona's line leaves something to: "ask the pharmacist".
pub(super) fn handed_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let text = |at: usize| line.get(at).map_or("", |word| word.text.as_str());
    let before = |at: usize| at.checked_sub(1).map_or("", text);
    let asks = is_question(line);
    let last = silence::sentences(line).last().map_or(0, |range| range.start);
    (0..line.len()).filter(|&at| lexicon.determiners.has(text(at))).find_map(|at| {
        let asked = matches!(before(at), "ask" | "let" | "try" | "consult" | "see");
        let reach = at.saturating_sub(6);
        let left = handing::moves_to(before(at))
            && line[reach..at - 1].iter().any(|word| handing::is_handing(&word.text));
        let may = (at + 2..at + 4).find(|&at| TAKES.has(text(at)));
        let claims = |at: usize| CLAIMS.has(text(at + 1)) && matches!(text(at), "will" | "would");
        let takes = matches!(text(at), "the" | "our" | "your" | "my")
            && may.is_some_and(|at| !claims(at))
            && !asks;
        // "The builder is here, let him explain it."
        let lets = |two: &[Word]| {
            two[0].text == "let" && matches!(two[1].text.as_str(), "him" | "her" | "them")
        };
        let let_them = line[at..].windows(2).take(12).any(lets);
        // "That is a medical question", "I would rather our doctor looked at it".
        let matter = |at: usize| matches!(text(at), "question" | "matter" | "issue" | "problem");
        let is_matter = matches!(text(at), "a" | "an" | "more") && matter(at + 2);
        let rather = before(at) == "rather" && text(at) == "our";
        // "But perhaps our secretary knows a better one?"
        let wondered = asks && at >= last && text(at) == "our";
        if !asked && !left && !takes && !let_them && !wondered && !is_matter && !rather {
            return None;
        }
        described(line, at, lexicon, cards)
    })
}

/// So many words behind "the man who" tell which man.
const MATTER_WORDS: usize = 6;

/// The one persona whom the words behind the article at `at` describe: "the old sea captain".
fn described(line: &[Word], at: usize, lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let mut words = line[at + 1..].iter().take(3);
    words.find_map(|word| role(word, lexicon, cards)).or_else(|| {
        // "The lady with the endings", "the man who wrote the rulebook".
        let [kind, by, rest @ ..] = line.get(at + 1..)? else { return None };
        let tells = matches!(by.text.as_str(), "with" | "who" | "of" | "from" | "for");
        let mut rest = rest
            .iter()
            .take(MATTER_WORDS)
            .filter(|word| tells && ONES.has(&kind.text) && is_content(&word.text, lexicon));
        rest.find_map(|word| only_best(cards, |card| card.deals_with(&word.text)))
    })
}

fn role(word: &Word, lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    is_content(&word.text, lexicon).then(|| role_of(&word.text, cards)).flatten()
}

/// The one persona whom `line` describes, with an article or before "one" or "guy".
pub(super) fn meant_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let article = |at: &usize| matches!(line[*at].text.as_str(), "the" | "our" | "that");
    let pairs = line.windows(2).filter(|two| ONES.has(&two[1].text));
    let mut kinds = pairs.filter(|two| !two[0].after.ends_sentence());
    let mut found = (0..line.len()).filter(article);
    found
        .find_map(|at| described(line, at, lexicon, cards))
        .or_else(|| kinds.find_map(|two| role(&two[0], lexicon, cards)))
}

/// Those who are left out by what they are: "anybody but the cook", "who is not a priest".
pub(super) fn refused_roles(line: &[Word], cards: &[&Card]) -> Vec<usize> {
    let text = |at: usize| line[at].text.as_str();
    let not = |word: &str| matches!(word, "not" | "isnt" | "aint" | "wasnt" | "arent");
    let article = |at: usize| matches!(text(at), "the" | "our" | "that" | "a" | "an");
    let refuses = |at: usize| {
        let after = |word: &str| at >= 2 && text(at - 2) == word;
        let indefinite = matches!(text(at), "a" | "an");
        let is_not = not(text(at - 1)) && (!indefinite || at >= 2 && is_who(text(at - 2)));
        is_not
            || indefinite && text(at - 1) == "not" && after("is")
            || !indefinite && matches!(text(at - 1), "except" | "bar" | "besides" | "sauf" | "save")
            || text(at - 1) == "but" && (after("anyone") || after("anybody") || after("everyone"))
            || text(at - 1) == "than" && (after("other") || after("rather"))
            || text(at - 1) == "of" && after("instead")
            || text(at - 1) == "from" && (after("apart") || after("not"))
            || text(at - 1) == "with" && after("not")
    };
    let refused = (1..line.len().saturating_sub(1)).filter(|&at| article(at) && refuses(at));
    refused.filter_map(|at| role_of(text(at + 1), cards)).collect()
}

fn is_who(word: &str) -> bool {
    matches!(word, "who" | "that" | "somebody" | "someone" | "anybody" | "anyone")
}

/// Nouns for anybody behind what tells them apart: "the maths lady", "ghost guy".
const ONES: Set = Set::new(
    "one guy lady man woman person people fella fellow bloke chap dude lad lass gentleman expert \
     specialist yin",
);
/// Words that may stand behind a name that is called by itself: "treasurer then".
const BESIDE: Set = Set::new("then please now next too");

/// The one persona who is called by what it is, in any sentence: "Doctor, …".
pub(super) fn called_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    silence::sentences(line).into_iter().find_map(|range| called_in(&line[range], lexicon, cards))
}

fn called_in(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let opening = line.iter().take_while(|word| lexicon.openers.has(&word.text)).count();
    let called = line.get(opening..).filter(|called| !called.is_empty())?;
    let role = |word: &Word| role(word, lexicon, cards);
    let end = called.iter().take(2).position(|word| word.after == Break::Comma);
    if let Some(end) = end.filter(|end| called.len() > end + 1) {
        return role(&called[end]);
    }
    let is_kind = |word: &Word| ONES.has(&word.text);
    let article = called[0].text == "the";
    match called {
        // "Engineering?", "treasurer then".
        [word] if word.after == Break::Question => return role(word),
        [word, beside] if BESIDE.has(&beside.text) => return role(word),
        // "The tortoise one", "ghost guy do your thing".
        [_, word, kind] if article && (is_kind(kind) || BESIDE.has(&kind.text)) => {
            return role(word);
        }
        [word, kind, ..] if !article && is_kind(kind) && !lexicon.is_function(&word.text) => {
            let told = called.get(2).is_some_and(|next| lexicon.helpers.has(&next.text));
            return role(word).filter(|_| !told);
        }
        _ => {}
    }
    // "What do you say, doctor?", "speak, weaver".
    let [.., before, last] = line else { return None };
    let set_off = before.after == Break::Comma
        && (last.after == Break::Question || handing::is_speaking(&line[0].text));
    set_off.then(|| role(last)).flatten().or_else(|| between_pauses(line, lexicon, &role))
}

/// "Tell me, good doctor, what is it?"
fn between_pauses(
    line: &[Word],
    lexicon: &Lexicon,
    role: &dyn Fn(&Word) -> Option<usize>,
) -> Option<usize> {
    let kind = |word: &Word| {
        matches!(word.text.as_str(), "good" | "old" | "dear" | "my" | "our" | "mister" | "madam")
    };
    (1..line.len()).find_map(|at| {
        let begin = line[..at].iter().rposition(|word| word.after != Break::None)? + 1;
        let pauses = line[begin - 1].after == Break::Comma && line[at].after != Break::None;
        let you = line
            .iter()
            .any(|word| lexicon.second_person.has(&word.text) || word.after == Break::Question);
        let called = pauses && you && at - begin <= 2 && line[begin..at].iter().all(kind);
        called.then(|| role(&line[at])).flatten()
    })
}

/// The one persona whose role `word` is: what it is called before what else people call that.
pub(super) fn role_of(word: &str, cards: &[&Card]) -> Option<usize> {
    let called = |card: &Card| card.is_called(word);
    only_best(cards, called).or_else(|| only_best(cards, |card| card.is_of_trade(word)))
}

fn only_best(cards: &[&Card], score: impl Fn(&Card) -> f32) -> Option<usize> {
    let scores: Vec<f32> = cards.iter().map(|card| score(card)).collect();
    let best = scores.iter().copied().fold(0.0, f32::max);
    let mut at = (0..scores.len()).filter(|&at| scores[at] == best && best > 0.0);
    at.next().filter(|_| at.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::super::expertise::tests::cards;
    use super::super::words::words;
    use super::*;

    #[test]
    fn a_role_that_is_asked_for_is_found() {
        for (line, want) in [
            ("What would a gardener do with this?", Some(0)),
            ("I want to hear it from the engineer.", Some(2)),
            ("Could the singer show us?", Some(3)),
            ("My sister is a gardener.", None),
        ] {
            let line_words = words(line);
            let found = asked_role(
                &line_words,
                Lexicon::of(&line_words),
                &cards().iter().collect::<Vec<_>>(),
            );
            assert_eq!(found, want, "{line}");
        }
    }
}
