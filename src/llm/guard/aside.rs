//! Brackets of all kinds: stage directions, emphasis, and leaked control texts.

/// An aside longer than this was none.
const ASIDE_LETTERS: usize = 80;
/// Tags by which model families mark turns and texts.
const CONTROL_TAGS: [&str; 9] = [
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<pad>",
    "[INST]",
    "[/INST]",
];

/// Text since an opening mark.
#[derive(Debug)]
pub(super) struct Aside {
    /// The opening mark included.
    text: String,
    /// It stands where a sentence could begin.
    fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Open,
    /// Acting, or markup: it goes.
    Direction,
    /// Speech after all.
    Words,
    /// Speech after all, and the letter just given is not part of it.
    Broken,
    /// A control text: the reply is over.
    Control,
}

impl Aside {
    /// An aside, when `letter` opens one.
    pub(super) fn open(letter: char, fresh: bool) -> Option<Self> {
        matches!(letter, '*' | '(' | '[' | '<').then(|| Self { text: letter.into(), fresh })
    }

    /// Adds a letter, unless the verdict is `Broken`.
    pub(super) fn extend(&mut self, letter: char) -> Verdict {
        if letter == '\n' || self.text.chars().count() >= ASIDE_LETTERS {
            return Verdict::Broken;
        }
        // "3 < 4" and a lonely asterisk open nothing.
        if self.text.len() == 1 && letter.is_whitespace() && matches!(self.mark(), '<' | '*') {
            return Verdict::Broken;
        }
        self.text.push(letter);
        if self.text == "<|" || CONTROL_TAGS.contains(&self.text.as_str()) {
            return Verdict::Control;
        }
        if letter == self.closing() { self.judge() } else { Verdict::Open }
    }

    /// The verdict at the end of the text.
    pub(super) fn unclosed(&self) -> Verdict {
        match self.mark() {
            '<' | '[' => Verdict::Direction,
            _ => Verdict::Words,
        }
    }

    /// The speech in it: a mark that is spoken text itself, and what follows it.
    pub(super) fn words(&self) -> (&str, &str) {
        match self.mark() {
            '*' => ("", self.inner()),
            mark => self.text.split_at(mark.len_utf8()),
        }
    }

    fn judge(&self) -> Verdict {
        match self.mark() {
            '<' | '[' => Verdict::Direction,
            _ if self.fresh || acts(self.inner()) => Verdict::Direction,
            _ => Verdict::Words,
        }
    }

    fn mark(&self) -> char {
        self.text.chars().next().unwrap_or('*')
    }

    fn closing(&self) -> char {
        match self.mark() {
            '(' => ')',
            '[' => ']',
            '<' => '>',
            same => same,
        }
    }

    fn inner(&self) -> &str {
        self.text.trim_start_matches(self.mark()).trim_end_matches(self.closing())
    }
}

/// "smiles", "leans back": a verb in the third person is acting; "really" is emphasis.
fn acts(text: &str) -> bool {
    let verb = text.split_whitespace().next().unwrap_or_default();
    verb.len() > 3 && verb.ends_with('s') && verb.starts_with(char::is_lowercase)
}
