//! From token bytes to text that may be shown: whole characters, nothing of a stop text.

/// Joins the bytes of tokens to text.
#[derive(Debug, Default)]
pub struct TextStream {
    stops: Vec<String>,
    /// The beginning of a character whose end has not come.
    bytes: Vec<u8>,
    /// Text that may still turn out to begin a stop text.
    held: String,
    stopped: bool,
}

impl TextStream {
    /// Empty stop texts are ignored.
    pub fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, ..Self::default() }
    }

    /// Takes the bytes of one token and returns what is certain now. Bytes that are no UTF-8
    /// become U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.bytes.extend_from_slice(bytes);
        let text = take_whole_characters(&mut self.bytes);
        self.held.push_str(&text);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// What was held back, at the end of the tokens.
    pub fn finish(&mut self) -> String {
        self.bytes.clear();
        if self.stopped { String::new() } else { std::mem::take(&mut self.held) }
    }

    /// A stop text came; nothing follows.
    pub fn stopped(&self) -> bool {
        self.stopped
    }
}

/// Removes from `bytes` what is decided: all but the unfinished character at the end.
fn take_whole_characters(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut done = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        done += chunk.valid().len();
        let bad = chunk.invalid();
        let at_end = done + bad.len() == bytes.len();
        if at_end && unfinished(bad) {
            break;
        }
        if !bad.is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            done += bad.len();
        }
    }
    bytes.drain(..done);
    text
}

/// Whether more bytes could make a character of these.
fn unfinished(bad: &[u8]) -> bool {
    std::str::from_utf8(bad).is_err_and(|error| error.error_len().is_none())
}

/// How many bytes at the end of `text` begin `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let starts = stop.char_indices().map(|(at, _)| at).skip(1);
    starts.filter(|&length| text.ends_with(&stop[..length])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::TextStream;

    fn run(stops: &[String], chunks: &[&[u8]]) -> (String, bool) {
        let mut stream = TextStream::new(stops);
        let mut text: String = chunks.iter().map(|chunk| stream.push(chunk)).collect();
        text += &stream.finish();
        (text, stream.stopped())
    }

    #[test]
    fn a_character_comes_out_only_when_it_is_whole() {
        let mut stream = TextStream::new(&[]);
        let [a, b, c] = *"€".as_bytes() else { panic!("the euro sign has three bytes") };
        assert_eq!(stream.push(&[b'x', a]), "x");
        assert_eq!(stream.push(&[b]), "");
        assert_eq!(stream.push(&[c, b'y']), "€y");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_hold_nothing_up() {
        let mut stream = TextStream::new(&[]);
        assert_eq!(stream.push(&[0xff, b'a', 0xe2, b'b']), "\u{fffd}a\u{fffd}b");
    }

    #[test]
    fn the_beginning_of_a_stop_text_is_held_until_it_is_decided() {
        let stops = ["\nTom:".to_owned()];
        let mut stream = TextStream::new(&stops);
        assert_eq!(stream.push(b"Well\nTo"), "Well");
        assert_eq!(stream.push(b"day"), "\nToday");
        assert_eq!(stream.push(b"\nTom: no"), "");
        assert!(stream.stopped());
        assert_eq!(stream.push(b"more"), "");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn the_earliest_of_two_stop_texts_counts() {
        let stops = ["bb".to_owned(), "ab".to_owned()];
        assert_eq!(run(&stops, &[b"xabb"]), ("x".to_owned(), true));
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(
            text in "[ab€\n]{0,24}",
            stop in "[ab€\n]{0,3}",
            cuts in proptest::collection::vec(0usize..64, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> =
                cuts.into_iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let expected = match text.find(&stop) {
                Some(at) if !stop.is_empty() => (text[..at].to_owned(), true),
                _ => (text.clone(), false),
            };
            prop_assert_eq!(run(&[stop], &chunks), expected);
        }
    }
}
