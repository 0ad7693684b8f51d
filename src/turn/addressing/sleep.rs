//! "Go to sleep, Nora", "Nora, wake up": orders that set how a persona answers, by phrases that the
//! settings hold.

use super::expertise::Card;
use super::lexicon::Lexicon;
use super::mentions::{self, Present, Who};
use super::silence::sentences;
use super::words::{Word, words};

/// So many words may follow a phrase ("for a while, please"): more make it a sentence of its own.
const WORDS_AFTER_MAX: usize = 3;

/// The phrases by which humans send personas to sleep and wake them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SleepWords {
    pub sleep: Vec<String>,
    pub wake: Vec<String>,
}

impl Default for SleepWords {
    /// As seven languages say it.
    fn default() -> Self {
        let list = |phrases: &[&str]| phrases.iter().map(|phrase| (*phrase).to_owned()).collect();
        Self {
            sleep: list(&[
                "go to sleep",
                "go back to sleep",
                "geh schlafen",
                "schlaf jetzt",
                "va dormir",
                "vete a dormir",
                "a dormir",
                "vai a dormire",
                "vai dormir",
                "ga slapen",
            ]),
            wake: list(&[
                "wake up",
                "wach auf",
                "aufwachen",
                "réveille-toi",
                "despierta",
                "svegliati",
                "acorda",
                "word wakker",
            ]),
        }
    }
}

/// Who is told to sleep, and who to wake: indices of the cast.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SleepOrders {
    pub sleep: Vec<usize>,
    pub wake: Vec<usize>,
}

impl SleepWords {
    /// Reads a line. An order needs the name of whom it is for, or everybody's; a phrase within a
    /// longer sentence is none.
    pub fn read<'a>(&self, text: &str, cast: impl Iterator<Item = &'a Card>) -> SleepOrders {
        let mut orders = SleepOrders::default();
        let line = words(text);
        if !self.sleep.iter().chain(&self.wake).any(|phrase| has(&line, &words(phrase))) {
            return orders;
        }
        let present = Present::of(cast, &[]);
        for range in sentences(&line) {
            let sentence = &line[range];
            let lexicon = Lexicon::of(sentence);
            let mut whom: Vec<usize> = Vec::new();
            let mut named = vec![false; sentence.len()];
            for mention in mentions::find(sentence, lexicon, &present) {
                named[mention.start..mention.end].fill(true);
                for who in mention.who {
                    match who {
                        Who::Persona(one) => whom.push(one),
                        Who::Everybody => whom.extend(0..present.cards.len()),
                        Who::Human(_) => {}
                    }
                }
            }
            let rest: Vec<Word> = sentence
                .iter()
                .zip(&named)
                .filter(|(_, named)| !**named)
                .map(|(word, _)| word.clone())
                .collect();
            if is_order(&rest, &self.sleep, lexicon) {
                orders.sleep.extend(whom);
            } else if is_order(&rest, &self.wake, lexicon) {
                orders.wake.extend(whom);
            }
        }
        orders
    }
}

fn has(line: &[Word], phrase: &[Word]) -> bool {
    !phrase.is_empty() && line.windows(phrase.len()).any(|part| same(part, phrase))
}

fn same(part: &[Word], phrase: &[Word]) -> bool {
    part.iter().map(|word| &word.text).eq(phrase.iter().map(|word| &word.text))
}

/// One of `phrases`, after nothing but words that open a call.
fn is_order(rest: &[Word], phrases: &[String], lexicon: &Lexicon) -> bool {
    let opens = rest
        .iter()
        .take_while(|word| lexicon.openers.has(&word.text) && !lexicon.negations.has(&word.text))
        .count();
    phrases.iter().map(|phrase| words(phrase)).any(|phrase| {
        (0..=opens).any(|skip| {
            let order = &rest[skip..];
            order.len() >= phrase.len()
                && order.len() <= phrase.len() + WORDS_AFTER_MAX
                && !phrase.is_empty()
                && same(&order[..phrase.len()], &phrase)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(text: &str) -> (Vec<usize>, Vec<usize>) {
        let cast = ["Nora", "Felix", "Ada"].map(|name| Card::of(name, ""));
        let orders = SleepWords::default().read(text, cast.iter());
        (orders.sleep, orders.wake)
    }

    #[test]
    fn an_order_names_whom_it_is_for() {
        assert_eq!(orders("Go to sleep, Nora."), (vec![0], vec![]));
        assert_eq!(orders("Okay Nora, please go to sleep now."), (vec![0], vec![]));
        assert_eq!(orders("Nora and Ada, go to sleep!"), (vec![0, 2], vec![]));
        assert_eq!(orders("Everybody, go to sleep."), (vec![0, 1, 2], vec![]));
        assert_eq!(orders("Felix, wake up!"), (vec![], vec![1]));
        assert_eq!(orders("Go to sleep, Nora. Wake up, Ada."), (vec![0], vec![2]));
        assert_eq!(orders("Nora, geh schlafen."), (vec![0], vec![]));
        assert_eq!(orders("Réveille-toi, Ada !"), (vec![], vec![2]));
    }

    #[test]
    fn talk_about_sleep_is_no_order() {
        for text in [
            "Go to sleep.",
            "Nora, I go to sleep at nine.",
            "Nora, when do you go to sleep?",
            "Do not wake up Felix.",
            "Felix, wake up the crew and tell them that we sail.",
        ] {
            assert_eq!(orders(text), (vec![], vec![]), "{text}");
        }
    }

    #[test]
    fn own_phrases_replace_the_defaults() {
        let own = SleepWords { sleep: vec!["lights out".to_owned()], wake: Vec::new() };
        let cast = [Card::of("Ada", "")];
        assert_eq!(own.read("Lights out, Ada.", cast.iter()).sleep, [0]);
        assert_eq!(own.read("Go to sleep, Ada.", cast.iter()), SleepOrders::default());
    }
}
