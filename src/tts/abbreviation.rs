//! Dots that do not end a sentence.

/// Abbreviations that are followed by more of the same sentence, lower case, without the last dot.
const KNOWN: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "rev", "hon", "sr", "jr", "st", "mt", "ft", "gen", "col",
    "capt", "lt", "sgt", "maj", "gov", "sen", "rep", "pres", "vs", "cf", "ca", "approx", "fig",
    "vol", "pp", "ed", "eds", "al", "etc", "inc", "ltd", "co", "corp", "dept", "est", "jan", "feb",
    "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "min", "max",
];

/// Abbreviations that are also words, so that only a number after them tells: "No. 5".
const BEFORE_NUMBERS: &[&str] = &["no", "nos", "p", "ch", "sec", "art"];

/// Whether the dot that ends `word` belongs to the word. `word` has no white space and may begin
/// with quotes or brackets. `next` is the first character after the white space, if it is known.
pub(super) fn keeps_dot(word: &str, next: Option<char>) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let Some(stem) = bare.strip_suffix('.') else { return false };
    let lower = stem.to_lowercase();
    KNOWN.contains(&lower.as_str())
        || is_initial(stem)
        || has_inner_dots(stem)
        || (BEFORE_NUMBERS.contains(&lower.as_str()) && next.is_some_and(char::is_numeric))
}

/// "J" in "J. Smith". "I" is a word: "So do I."
fn is_initial(stem: &str) -> bool {
    let mut chars = stem.chars();
    matches!((chars.next(), chars.next()), (Some(c), None) if c.is_uppercase() && c != 'I')
}

/// "e.g", "U.S", "a.m": single letters with dots between them.
fn has_inner_dots(stem: &str) -> bool {
    stem.contains('.')
        && stem.split('.').all(|part| {
            let mut chars = part.chars();
            matches!((chars.next(), chars.next()), (Some(c), None) if c.is_alphabetic())
        })
}

#[cfg(test)]
mod tests {
    use super::keeps_dot;

    #[test]
    fn titles_initials_and_dotted_letters_keep_their_dot() {
        for word in ["Mr.", "(Dr.", "\"Prof.", "e.g.", "i.e.", "U.S.", "p.m.", "J.", "etc."] {
            assert!(keeps_dot(word, None), "{word}");
        }
    }

    #[test]
    fn words_numbers_and_the_first_person_do_not() {
        for word in ["end.", "I.", "3.14.", "no.", "Mr", ".", "...", "x.y.", "example.com."] {
            assert_eq!(keeps_dot(word, Some('T')), word == "x.y.", "{word}");
        }
    }

    #[test]
    fn number_signs_keep_their_dot_before_a_number_only() {
        assert!(keeps_dot("No.", Some('5')));
        assert!(!keeps_dot("No.", Some('T')));
    }
}
