//! `Name:` at the beginning of a line or sentence.

use super::known::words;

/// A label is no longer than this; names longer than it are not known by their labels.
const LABEL_LETTERS: usize = 32;
/// A reply that begins with one of these and a colon means itself.
const SELF_ROLES: [&str; 3] = ["assistant", "ai", "me"];
const OTHER_ROLES: [&str; 4] = ["user", "human", "system", "narrator"];

/// Everybody's name in the room: made once for all replies.
#[derive(Debug, Default)]
pub struct Names {
    /// As labels are compared, in order.
    labels: Vec<String>,
    /// As words of a sentence are compared.
    pub(super) words: Vec<String>,
}

impl<S: AsRef<str>> FromIterator<S> for Names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        let mut labels: Vec<String> = names.into_iter().map(|name| lower(name.as_ref())).collect();
        labels.retain(|name| !name.is_empty());
        labels.sort_unstable();
        let words = labels.iter().map(|name| words(name)).filter(|name| !name.is_empty());
        Self { words: words.collect(), labels }
    }
}

impl Names {
    /// Whether a label begins like this.
    fn begin_with(&self, stem: &str) -> bool {
        let place = self.labels.partition_point(|name| name.as_str() < stem);
        self.labels.get(place).is_some_and(|name| name.starts_with(stem))
    }

    fn has(&self, name: &str) -> bool {
        self.labels.binary_search_by(|one| one.as_str().cmp(name)).is_ok()
    }
}

/// The labels that a reply may come upon.
#[derive(Debug)]
pub(super) struct Labels<'a> {
    own: String,
    /// The speaker's own may be among them.
    names: &'a Names,
}

/// The beginning of what may become a label.
#[derive(Debug)]
pub(super) struct Label {
    text: String,
    lower: String,
    /// Nothing was said before it.
    first: bool,
    /// Any capitalised word counts, not only known names.
    unknown_counts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Open,
    /// The speaker's own label: it goes.
    Own,
    /// Somebody else speaks from here on.
    Other,
    /// It is no label; the letter just given is not part of it.
    Words,
}

impl Label {
    pub(super) fn new(first: bool, unknown_counts: bool) -> Self {
        Self { text: String::new(), lower: String::new(), first, unknown_counts }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// One capitalised word, as a script writes who speaks.
    fn looks_like_a_name(&self) -> bool {
        self.text.starts_with(char::is_uppercase) && self.text.chars().all(char::is_alphanumeric)
    }
}

impl<'a> Labels<'a> {
    pub(super) fn new(own: &str, names: &'a Names) -> Self {
        Self { own: lower(own), names }
    }

    /// The names without the roles, as words of a sentence are compared.
    pub(super) fn names(&self) -> &'a [String] {
        &self.names.words
    }

    /// Whether `name`, in lower case, is anybody's but the speaker's own.
    fn is_another(&self, name: &str) -> bool {
        name != self.own && (self.names.has(name) || OTHER_ROLES.contains(&name))
    }

    /// Adds a letter to `label`, unless the verdict is `Words`.
    pub(super) fn extend(&self, label: &mut Label, letter: char) -> Verdict {
        if letter == ':' {
            return self.judge(label);
        }
        let kept = label.text.len();
        let kept_lower = label.lower.len();
        label.text.push(letter);
        label.lower.extend(letter.to_lowercase());
        if self.may_become(label) {
            return Verdict::Open;
        }
        label.text.truncate(kept);
        label.lower.truncate(kept_lower);
        Verdict::Words
    }

    /// Is `text` just somebody else's name?
    pub(super) fn names_another(&self, text: &str) -> bool {
        self.is_another(&lower(text))
    }

    fn may_become(&self, label: &Label) -> bool {
        let stem = label.lower.trim_end();
        let mut rest = [self.own.as_str()].into_iter().chain(OTHER_ROLES).chain(SELF_ROLES);
        let known = self.names.begin_with(stem) || rest.any(|name| name.starts_with(stem));
        // A space is part of a label only inside a known name or just before the colon.
        let unknown = label.unknown_counts && label.looks_like_a_name();
        label.text.len() <= LABEL_LETTERS && !label.text.contains('\n') && (known || unknown)
    }

    fn judge(&self, label: &Label) -> Verdict {
        let name = label.lower.trim_end();
        if self.own == name || (label.first && SELF_ROLES.contains(&name)) {
            Verdict::Own
        } else if self.is_another(name) || (label.unknown_counts && label.looks_like_a_name()) {
            Verdict::Other
        } else {
            Verdict::Words
        }
    }
}

fn lower(name: &str) -> String {
    name.trim().to_lowercase()
}
