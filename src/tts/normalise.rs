//! Makes a clause speakable: what is written for the eye is left out or said in words.
//!
//! Numbers, units and symbols such as `%` stay: the phonemiser reads them in its language.

/// A letter more than this often in a row is a drawl: "sooooo".
const REPEATS_MAX: usize = 3;
/// No spoken word is longer; the rest of it is left out.
const WORD_CHARS_MAX: usize = 48;

/// The text to speak; empty when `clause` has no letter or digit that can be spoken.
///
/// Markdown goes, links become their text or "link", emoji and control characters go.
pub fn speakable(clause: &str) -> String {
    let text = links(&markers(clause));
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).map(spoken_word);
    let spaced = words.collect::<Vec<_>>().join(" ");
    let out = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    if out.chars().any(char::is_alphanumeric) { out } else { String::new() }
}

/// Leaves out what marks a line: headings, quotes, list bullets, rules.
fn markers(clause: &str) -> String {
    clause
        .lines()
        .map(|line| {
            let line = line.trim_start();
            let heading = line.trim_start_matches(['#', '>']);
            let bullet = ["- ", "* ", "+ ", "• "].iter().find_map(|b| heading.strip_prefix(b));
            bullet.unwrap_or(heading).trim_start()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// `[text](address)` becomes `text`.
fn links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let Some(end) = rest[middle..].find(')') else { break };
        match rest[..middle].rfind('[') {
            Some(start) => {
                out.push_str(rest[..start].trim_end_matches('!'));
                out.push_str(&rest[start + 1..middle]);
            }
            None => out.push_str(&rest[..middle]),
        }
        rest = &rest[middle + end + 1..];
    }
    out.push_str(rest);
    out
}

fn spoken_word(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    if is_address(bare) {
        let tail: String = word.chars().rev().take_while(|c| is_pause(*c)).collect();
        return format!("link{}", tail.chars().rev().collect::<String>());
    }
    let mut out = String::with_capacity(word.len());
    let (mut last, mut run) = ('\0', 0);
    for c in word.chars().filter_map(spoken_char) {
        run = if c == last { run + 1 } else { 1 };
        last = c;
        if run <= REPEATS_MAX || c.is_numeric() {
            out.push(c);
        }
    }
    shorten(out)
}

fn shorten(word: String) -> String {
    match word.char_indices().nth(WORD_CHARS_MAX) {
        Some((at, _)) => word[..at].to_owned(),
        None => word,
    }
}

fn is_address(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://") || word.starts_with("www.")
}

fn is_pause(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?')
}

/// What is kept of a character; `None` for what only the eye reads.
fn spoken_char(c: char) -> Option<char> {
    match c {
        '‘' | '’' | 'ʼ' => Some('\''),
        '_' | '<' | '>' | '|' | '\\' | '{' | '}' | '[' | ']' => Some(' '),
        '*' | '`' | '~' | '^' | '"' | '“' | '”' | '„' | '«' | '»' => None,
        '–' => Some('-'),
        c if c.is_ascii() => (!c.is_control()).then_some(c),
        c if c.is_alphanumeric() => (!is_ideograph(c)).then_some(c),
        // Combining accents belong to the letter before them.
        '\u{300}'..='\u{36f}' | '—' | '…' | '€' | '£' | '¥' | '°' | '½' | '¼' | '¾' => {
            Some(c)
        }
        _ => None,
    }
}

/// Scripts that the phonemiser of an alphabetic language would call "Chinese letter", one by one.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::speakable;

    #[test]
    fn markdown_is_not_read_out() {
        for (written, spoken) in [
            ("**Really** _good_ `code`", "Really good code"),
            ("# A title\n> quoted", "A title quoted"),
            ("\n- one\n* two\n• three", "one two three"),
            ("See [the page](https://a.example/b) now", "See the page now"),
            ("![a picture](x.png)", "a picture"),
            ("snake_case <b>bold</b>", "snake case b bold /b"),
        ] {
            assert_eq!(speakable(written), spoken);
        }
    }

    #[test]
    fn addresses_become_a_word() {
        assert_eq!(
            speakable("Go to https://a.example/b?c, or www.b.example."),
            "Go to link, or link."
        );
    }

    #[test]
    fn words_numbers_and_marks_stay() {
        for text in ["It's 3.14, or 25%!", "Café naïve?", "O'Brien paid $5.20", "Wait… what — no"]
        {
            assert_eq!(speakable(text), text);
        }
        assert_eq!(speakable("don’t “quote”"), "don't quote");
    }

    #[test]
    fn what_has_no_words_has_no_sound() {
        for text in ["", "  \n", "...", "👍🎉", "***", "— !", "\u{0}\u{7}", "你好"] {
            assert_eq!(speakable(text), "", "{text:?}");
        }
    }

    #[test]
    fn drawls_and_endless_words_are_shortened() {
        assert_eq!(speakable("sooooooo"), "sooo");
        assert_eq!(speakable("1000000"), "1000000");
        assert!(speakable(&"ab".repeat(500)).len() <= 48);
    }

    proptest! {
        #[test]
        fn nothing_for_the_eye_or_the_terminal_is_left(text in ".{0,200}") {
            let spoken = speakable(&text);
            let unspoken = spoken.chars().find(|c| c.is_control() || "<>[]{}*`|".contains(*c));
            prop_assert_eq!(unspoken, None);
            prop_assert_eq!(spoken.trim(), spoken.as_str());
        }
    }
}
