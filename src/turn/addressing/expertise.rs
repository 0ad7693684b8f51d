//! Who knows most about a line, by the words that it shares with the cards: the answer of today to
//! a question that is put to the room. A likelihood of the line given each card would rank better.

use super::lexicon::{Lexicon, Set};
use super::names::Names;
use super::roles;
use super::words::{Break, Word, words};

/// What a persona is called, and its card as stems: made once.
#[derive(Clone, Debug)]
pub struct Card {
    pub name: String,
    pub(super) names: Names,
    /// What it is: the words up to the first pause of its card.
    role: Vec<String>,
    /// What else people call somebody who is that.
    trade: Vec<String>,
    all: Vec<String>,
}

/// Words of the role count so much more than others, and other words for it less.
const ROLE_WEIGHT: f32 = 1.5;
const TRADE_WEIGHT: f32 = 0.9;
/// A share of letters in front that makes two words relatives.
const KIN_SHARE: f32 = 0.6;
const KIN: f32 = 0.7;
/// So many letters at the end do as well: a biostatistician is a statistician.
const ENDING_MIN: usize = 6;

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
        let title = title.map(|(_, title)| *title);
        // "Pilot Vega" is the pilot.
        let first = own.first().filter(|_| own.len() > 1).map(String::as_str);
        let called: Vec<&str> = title.chain(first).collect();
        role.extend(called.iter().copied().map(stem));
        let words = line[begins..clause].iter().map(|word| word.text.as_str());
        let trade = words.chain(called).flat_map(roles::same_trade).map(stem).collect();
        Self { name: name.to_owned(), names: Names::of(name), role, trade, all: stems(&line) }
    }

    /// How well `word` says what it is, 0 to 1.
    pub(super) fn is_called(&self, word: &str) -> f32 {
        self.match_of(&stem(word), &self.role)
    }

    /// The same by other words for what it is.
    pub(super) fn is_of_trade(&self, word: &str) -> f32 {
        self.match_of(&stem(word), &self.trade)
    }

    /// How well `word` says what it is or deals with, 0 to 1.
    pub(super) fn deals_with(&self, word: &str) -> f32 {
        self.match_of(&stem(word), &self.all)
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
        let trade = TRADE_WEIGHT * self.match_of(stem, &self.trade);
        role.max(trade).max(self.match_of(stem, &self.all))
    }
}

pub(super) fn is_content(word: &str, lexicon: &Lexicon) -> bool {
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

/// How near two stems are, 0 to 1.
fn kinship(one: &str, other: &str) -> f32 {
    if one == other {
        return 1.0;
    }
    let shared = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let longest = one.chars().count().max(other.chars().count());
    let shortest = one.chars().count().min(other.chars().count());
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if shared >= 4 && shared == shortest || shortest >= ENDING_MIN && long.ends_with(short) {
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
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn cards() -> Vec<Card> {
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
}
