//! Word pieces as BERT has them: small letters without accents, words cut at spaces and marks, and
//! each into the longest pieces of the vocabulary.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A longer word is none of the vocabulary's, as its makers have it.
const WORD_CHARS_MAX: usize = 100;

/// What of a `tokenizer.json` counts.
#[derive(Deserialize)]
struct File {
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, i32>,
}

pub(super) struct Pieces {
    vocabulary: HashMap<String, i32>,
    begin: i32,
    end: i32,
    unknown: i32,
}

impl Pieces {
    /// Reads a `tokenizer.json`.
    pub(super) fn of(json: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let vocabulary = file.model.vocab;
        let mark = |name: &str| {
            vocabulary.get(name).copied().ok_or_else(|| format!("its vocabulary lacks {name}"))
        };
        let (begin, end, unknown) = (mark("[CLS]")?, mark("[SEP]")?, mark("[UNK]")?);
        Ok(Self { vocabulary, begin, end, unknown })
    }

    /// The pieces of `text` between the two marks; of a long text `most` of them, from its
    /// beginning and its end.
    pub(super) fn ids(&self, text: &str, most: usize) -> Vec<i32> {
        let mut ids = vec![self.begin];
        for word in words(text) {
            self.cut(&word, &mut ids);
        }
        ids.push(self.end);
        if ids.len() > most {
            ids.drain(most / 2..ids.len() - most.div_ceil(2));
        }
        ids
    }

    fn cut(&self, word: &[char], ids: &mut Vec<i32>) {
        let before = ids.len();
        let mut from = 0;
        while from < word.len() && word.len() <= WORD_CHARS_MAX {
            let lead = if from == 0 { "" } else { "##" };
            let known = (from + 1..=word.len()).rev().find_map(|to| {
                let piece: String = lead.chars().chain(word[from..to].iter().copied()).collect();
                Some((to, *self.vocabulary.get(&piece)?))
            });
            let Some((to, id)) = known else { break };
            ids.push(id);
            from = to;
        }
        if from < word.len() {
            ids.truncate(before);
            ids.push(self.unknown);
        }
    }
}

/// The words of `text`, each mark and each Chinese character a word of its own.
fn words(text: &str) -> Vec<Vec<char>> {
    let small = text.chars().flat_map(char::to_lowercase).nfd();
    let mut words = vec![Vec::new()];
    for letter in small.filter(|letter| !is_combining_mark(*letter)) {
        if letter.is_whitespace() || letter.is_control() {
            words.push(Vec::new());
        } else if !letter.is_alphanumeric() || is_chinese(letter) {
            words.extend([vec![letter], Vec::new()]);
        } else if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Pieces {
        let known =
            ["[UNK]", "[CLS]", "[SEP]", "the", "play", "##ing", "##s", "'", "?", "zoe", "空"];
        let vocab: HashMap<_, _> = known.into_iter().zip(0..).collect();
        let json = serde_json::json!({ "model": { "type": "WordPiece", "vocab": vocab } });
        Pieces::of(&json.to_string()).expect("a vocabulary")
    }

    #[test]
    fn words_become_their_longest_pieces() {
        let ids = |text| pieces().ids(text, 64);
        assert_eq!(ids("The Playing, plays?"), [1, 3, 4, 5, 0, 4, 6, 8, 2]);
        assert_eq!(ids("Zoë's\tspielt"), [1, 9, 7, 0, 0, 2], "what is not known is one piece");
        assert_eq!(ids("空空"), [1, 10, 10, 2]);
        assert_eq!(ids(""), [1, 2]);
        assert_eq!(ids(&"play".repeat(40)), [1, 0, 2], "too long for a word");
    }

    #[test]
    fn of_a_long_text_the_middle_is_left_out() {
        let long = format!("zoe {} the", "play ".repeat(500));
        assert_eq!(pieces().ids(&long, 6), [1, 9, 4, 4, 3, 2]);
    }

    #[test]
    fn a_file_without_its_marks_is_refused() {
        let refused = |json| Pieces::of(json).err().expect("refused");
        assert!(refused(r#"{"model":{"vocab":{"a":1}}}"#).contains("lacks [CLS]"));
        assert!(refused("{}").contains("model"));
    }
}
