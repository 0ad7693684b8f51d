//! `Name:` at the beginning of a line or sentence.

/// A label is no longer than this; names longer than it are not known by their labels.
const LABEL_LETTERS: usize = 32;
/// A reply that begins with one of these and a colon means itself.
const SELF_ROLES: [&str; 3] = ["assistant", "ai", "me"];
const OTHER_ROLES: [&str; 4] = ["user", "human", "system", "narrator"];

/// The names of the room, in lower case.
#[derive(Debug)]
pub(super) struct Labels {
    own: Vec<String>,
    /// Names, then roles.
    others: Vec<String>,
    names: usize,
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

impl Labels {
    pub(super) fn new<S: AsRef<str>>(own: &str, others: &[S]) -> Self {
        let lower = |name: &str| name.trim().to_lowercase();
        let own = [lower(own)];
        let fits = |name: &String| !name.is_empty() && !own.contains(name);
        let names = others.iter().map(|name| lower(name.as_ref())).filter(fits);
        let mut others: Vec<String> = names.collect();
        let names = others.len();
        others.extend(OTHER_ROLES.iter().map(|&role| role.to_owned()).filter(fits));
        Self { own: own.into_iter().filter(|name| !name.is_empty()).collect(), others, names }
    }

    /// The names of all others, without the roles.
    pub(super) fn names(&self) -> &[String] {
        &self.others[..self.names]
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
        let lower = text.trim().to_lowercase();
        self.others.contains(&lower)
    }

    fn may_become(&self, label: &Label) -> bool {
        let stem = label.lower.trim_end();
        let known = self.own.iter().chain(&self.others).any(|name| name.starts_with(stem))
            || SELF_ROLES.iter().any(|role| role.starts_with(stem));
        // A space is part of a label only inside a known name or just before the colon.
        let unknown = label.unknown_counts && label.looks_like_a_name();
        label.text.len() <= LABEL_LETTERS && !label.text.contains('\n') && (known || unknown)
    }

    fn judge(&self, label: &Label) -> Verdict {
        let name = label.lower.trim_end();
        let own = self.own.iter().any(|own| own == name);
        if own || (label.first && SELF_ROLES.contains(&name)) {
            Verdict::Own
        } else if self.others.iter().any(|other| other == name)
            || (label.unknown_counts && label.looks_like_a_name())
        {
            Verdict::Other
        } else {
            Verdict::Words
        }
    }
}
