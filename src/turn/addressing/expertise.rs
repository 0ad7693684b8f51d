//! Who knows most about a line, by the words that it shares with the cards: the answer of today to
//! a question that is put to the room. A likelihood of the line given each card would rank better.

use super::handing;
use super::lexicon::{Lexicon, Set};
use super::names::Names;
use super::words::{Break, Word, words};

/// What a persona is called, and its card as stems: made once.
#[derive(Clone, Debug)]
pub struct Card {
    pub name: String,
    pub(super) names: Names,
    /// What it is: the words up to the first pause of its card.
    role: Vec<String>,
    all: Vec<String>,
}

/// Words of the role count so much more than others.
const ROLE_WEIGHT: f32 = 1.5;
/// A share of letters in front that makes two words relatives.
const KIN_SHARE: f32 = 0.6;
const KIN: f32 = 0.7;

/// Words that stand in every line and on every card.
const COMMON: Set = Set::new(
    "know like love get thing think want good best make tell question people work take \
     time use need say said one two talk see look way come give back year day much many \
     more most really anything something ask speak every young old new here just still \
     only again also who him them then now out live forty thirty world never even very \
     too keep let find right left long short big small first last next other",
);

impl Card {
    pub fn of(name: &str, card: &str) -> Self {
        let line = words(card);
        let own: Vec<String> = words(name).into_iter().map(|word| word.text).collect();
        let lexicon = Lexicon::of(&line);
        let content = |word: &&Word| is_content(&word.text, lexicon) && !own.contains(&word.text);
        let stems = |line: &[Word]| line.iter().filter(content).map(|w| stem(&w.text)).collect();
        let begins = line.iter().take_while(|word| own.contains(&word.text)).count();
        let ends = |word: &Word| word.after != Break::None;
        let pause = line[begins..].iter().position(ends).map_or(line.len(), |at| begins + at + 1);
        let who =
            |word: &Word| matches!(word.text.as_str(), "who" | "that" | "of" | "with" | "for");
        let clause = line[begins..pause].iter().position(who).map_or(pause, |at| begins + at);
        let mut role: Vec<String> = stems(&line[begins..clause]);
        let titles = [("dr", "doctor"), ("prof", "professor"), ("capt", "captain")];
        let title = titles.iter().filter(|(short, _)| own.first().is_some_and(|one| one == short));
        role.extend(title.map(|(_, title)| stem(title)));
        // "Pilot Vega" is the pilot.
        role.extend(own.first().filter(|_| own.len() > 1).map(|word| stem(word)));
        Self { name: name.to_owned(), names: Names::of(name), role, all: stems(&line) }
    }

    fn match_of(&self, stem: &str, words: &[String]) -> f32 {
        words.iter().map(|word| kinship(stem, word)).fold(0.0, f32::max)
    }

    /// Whether `short` stands for a word of the card: its first letter and others in order.
    pub(super) fn abbreviates(&self, short: &str) -> bool {
        self.all.iter().any(|word| {
            let mut letters = word.chars();
            word.len() > short.len()
                && word.chars().next() == short.chars().next()
                && short.chars().all(|letter| letters.any(|one| one == letter))
        })
    }

    fn score(&self, stem: &str) -> f32 {
        let role = ROLE_WEIGHT * self.match_of(stem, &self.role);
        role.max(self.match_of(stem, &self.all))
    }
}

fn is_content(word: &str, lexicon: &Lexicon) -> bool {
    word.chars().count() > 1
        && !lexicon.is_function(word)
        && !lexicon.openers.has(word)
        && !COMMON.has(word)
}

/// How well each card fits `line`: the sum over its words of how near a card's word comes, rare
/// words of the cast counting more. All 0 when nothing is shared.
pub(super) fn scores(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Vec<f32> {
    let mut totals = vec![0.0; cards.len()];
    let mut seen: Vec<String> = Vec::new();
    for word in line.iter().filter(|word| is_content(&word.text, lexicon)) {
        let stem = stem(&word.text);
        if seen.contains(&stem) {
            continue;
        }
        let found: Vec<f32> = cards.iter().map(|card| card.score(&stem)).collect();
        let holders = found.iter().filter(|score| **score > 0.0).count().max(1);
        let rarity = (1.0 + cards.len() as f32 / holders as f32).ln();
        for (total, score) in totals.iter_mut().zip(&found) {
            *total += score * rarity;
        }
        seen.push(stem);
    }
    totals
}

/// Words before an article that ask for a role, those that leave no doubt, and requests.
const FRAMES: Set = Set::new(
    "would could can does should might will from ask like need say as hear of do for \
     wurde dirait diria direbbe zou sagt dit dice to want is there what any let",
);
const ASKING: Set = Set::new("hear ask want could let need");
const STRONG_FRAMES: Set = Set::new("would could can does should from ask hear as might will let");

/// How people clip what somebody is.
const CLIPPED: &[(&str, &str)] = &[
    ("doc", "doctor"),
    ("doc", "physician"),
    ("doctor", "physician"),
    ("doctor", "medic"),
    ("ref", "referee"),
    ("prof", "professor"),
    ("vet", "veterinarian"),
    ("cap", "captain"),
    ("sarge", "sergeant"),
    ("techie", "technician"),
    ("cop", "policeman"),
    ("shrink", "psychologist"),
    ("medic", "doctor"),
    ("physician", "doctor"),
    ("attorney", "lawyer"),
    ("solicitor", "lawyer"),
    ("cook", "chef"),
    ("boss", "manager"),
    ("coach", "trainer"),
    ("dev", "developer"),
    ("sailor", "skipper"),
];
/// What a role can have that is asked for: "let's have the ref's view".
const HELD: Set = Set::new(
    "view views opinion opinions take word words thoughts thought perspective answer advice side \
     verdict turn input judgment judgement position",
);
/// Verbs between a role and what it would do with a question.
const OPINES: Set = Set::new(
    "would could might should can will thinks says makes sees looks feels wurde konnte dirait \
     diria direbbe zou",
);

/// The one persona whose role is named in a line that asks for a role: "what would a doctor say?",
/// "could the patient describe it?", "from the singer".
pub(super) fn asked_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
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
        let asks = line[line.len() - 1].after == Break::Question
            || line
                .iter()
                .any(|word| lexicon.questions.has(&word.text) || ASKING.has(word.text.as_str()));
        let begins = at == 0 || line[at - 1].after.ends_sentence();
        let turned = line.get(at + 2).is_some_and(|word| lexicon.helpers.has(&word.text));
        let asks = asks || owned;
        if !asks || if begins { !turned } else { !framed } {
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

/// The one persona whose role a persona's line leaves something to: "ask the pharmacist".
pub(super) fn handed_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let text = |at: usize| line[at].text.as_str();
    let before = |at: usize| at.checked_sub(1).map_or("", text);
    (0..line.len()).filter(|&at| lexicon.determiners.has(text(at))).find_map(|at| {
        let asked = matches!(before(at), "ask" | "let" | "try" | "consult" | "see");
        let reach = at.saturating_sub(6);
        let left = handing::moves_to(before(at))
            && line[reach..at - 1].iter().any(|word| handing::is_handing(&word.text));
        let next = |word: &Word| TAKES.has(&word.text);
        let takes = matches!(text(at), "the" | "our" | "your" | "my")
            && line[at + 1..].iter().skip(1).take(2).any(next)
            && line[line.len() - 1].after != Break::Question;
        if !asked && !left && !takes {
            return None;
        }
        line[at + 1..].iter().take(3).find_map(|word| {
            is_content(&word.text, lexicon).then(|| role_of(&word.text, cards)).flatten()
        })
    })
}

/// Those who are left out by what they are: "anybody but the cook".
pub(super) fn refused_roles(line: &[Word], cards: &[&Card]) -> Vec<usize> {
    let text = |at: usize| line[at].text.as_str();
    let article = |at: usize| matches!(text(at), "the" | "our" | "that");
    let refuses = |at: usize| {
        let after = |word: &str| at >= 2 && text(at - 2) == word;
        matches!(text(at - 1), "except" | "bar" | "besides" | "not" | "sauf" | "save")
            || text(at - 1) == "but" && (after("anyone") || after("anybody") || after("everyone"))
            || text(at - 1) == "than" && (after("other") || after("rather"))
            || text(at - 1) == "of" && after("instead")
            || text(at - 1) == "from" && (after("apart") || after("not"))
    };
    let refused = (1..line.len().saturating_sub(1)).filter(|&at| article(at) && refuses(at));
    refused.filter_map(|at| role_of(text(at + 1), cards)).collect()
}

/// The one persona who is called by what it is: "Doctor, …".
pub(super) fn called_role(line: &[Word], lexicon: &Lexicon, cards: &[&Card]) -> Option<usize> {
    let opening = line.iter().take_while(|word| lexicon.openers.has(&word.text)).count();
    let called = line.get(opening..)?;
    let role =
        |word: &Word| is_content(&word.text, lexicon).then(|| role_of(&word.text, cards)).flatten();
    let end = called.iter().take(2).position(|word| word.after == Break::Comma);
    if let Some(end) = end.filter(|end| called.len() > end + 1) {
        return role(&called[end]);
    }
    // "What do you say, doctor?"
    let [.., before, last] = line else { return None };
    let set_off = before.after == Break::Comma && last.after == Break::Question;
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

/// The one persona whose role `word` is: what it is called before what it deals with.
pub(super) fn role_of(word: &str, cards: &[&Card]) -> Option<usize> {
    let mut wholes = CLIPPED.iter().filter(|(short, _)| *short == word).map(|(_, whole)| *whole);
    role_of_word(word, cards).or_else(|| wholes.find_map(|whole| role_of_word(whole, cards)))
}

fn role_of_word(word: &str, cards: &[&Card]) -> Option<usize> {
    let stem = stem(word);
    let only = |score: &dyn Fn(&&Card) -> f32| {
        let scores: Vec<f32> = cards.iter().map(score).collect();
        let best = scores.iter().copied().fold(0.0, f32::max);
        let mut at = (0..scores.len()).filter(|&at| scores[at] == best && best > 0.0);
        at.next().filter(|_| at.next().is_none())
    };
    only(&|card: &&Card| card.match_of(&stem, &card.role))
}

/// How near two stems are, 0 to 1.
fn kinship(one: &str, other: &str) -> f32 {
    if one == other {
        return 1.0;
    }
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let longest = one.chars().count().max(other.chars().count());
    let shortest = one.chars().count().min(other.chars().count());
    if shared >= 4 && shared == shortest {
        return KIN;
    }
    if shared >= 4 && shared as f32 >= KIN_SHARE * longest as f32 { KIN } else { 0.0 }
}

/// A word without its endings, so that "gardener" and "gardening" meet.
fn stem(word: &str) -> String {
    let once = without_ending(word);
    without_ending(&once)
}

fn without_ending(word: &str) -> String {
    const ENDINGS: &[&str] = &[
        "ologists", "ologist", "ology", "ations", "ation", "ments", "ment", "ings", "ing", "ists",
        "ist", "isms", "ism", "ians", "ian", "ers", "er", "ors", "or", "ies", "ied", "ives", "ive",
        "ions", "ion", "als", "al", "ed", "es", "ly", "y", "s", "e",
    ];
    let ending = ENDINGS
        .iter()
        .find(|ending| word.strip_suffix(**ending).is_some_and(|left| left.chars().count() >= 3));
    let mut left = ending.and_then(|ending| word.strip_suffix(*ending)).unwrap_or(word).to_owned();
    // "Plann" of "planner" is "plan".
    let mut letters = left.chars().rev();
    if letters.next().is_some_and(|last| Some(last) == letters.next()) && left.len() > 3 {
        left.pop();
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards() -> Vec<Card> {
        [
            ("Rose", "Rose is a gardener. Soil, pruning, seeds and slugs are her world."),
            ("Faith", "Faith is a veterinarian who looks after cats, dogs and rabbits."),
            ("Rook", "security engineer. threat models, secrets, audits."),
            ("Chiara", "Chiara sings opera in Verona and teaches breathing and voice."),
        ]
        .map(|(name, card)| Card::of(name, card))
        .to_vec()
    }

    #[test]
    fn a_question_goes_to_the_card_that_it_shares_rare_words_with() {
        for (line, want) in [
            ("How do I prune my roses?", 0),
            ("The dog ate half a bar of chocolate. Should I worry?", 1),
            ("who audits the secret store", 2),
            ("How should I breathe for a long note?", 3),
        ] {
            let line_words = words(line);
            let found =
                scores(&line_words, Lexicon::of(&line_words), &cards().iter().collect::<Vec<_>>());
            let best = (0..4).max_by(|a, b| found[*a].total_cmp(&found[*b]));
            assert_eq!(best, Some(want), "{line}: {found:?}");
        }
        let line = words("What is the tallest mountain?");
        assert_eq!(
            scores(&line, Lexicon::of(&line), &cards().iter().collect::<Vec<_>>()),
            [0.0; 4]
        );
    }

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
