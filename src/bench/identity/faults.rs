//! What can be wrong with a reply.

/// Each kind of fault: whether a reply has it, or how many have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults<T> {
    /// Somebody else's line is in it: "Tom: …".
    pub(super) speaks_for: T,
    /// It says that its speaker is somebody else.
    pub(super) claims: T,
    /// Its speaker calls itself by name.
    pub(super) calls_itself: T,
    /// It has control texts in it, or talks of the model.
    pub(super) leaks: T,
    /// A sentence of it was said just before, or twice.
    pub(super) repeats: T,
}

impl Faults<bool> {
    /// It is not the speaker's own; saying something again is another matter.
    pub(super) fn wrong_identity(&self) -> bool {
        self.speaks_for || self.claims || self.calls_itself || self.leaks
    }
}

impl Faults<u64> {
    pub(super) fn count(&mut self, faults: Faults<bool>) {
        self.speaks_for += u64::from(faults.speaks_for);
        self.claims += u64::from(faults.claims);
        self.calls_itself += u64::from(faults.calls_itself);
        self.leaks += u64::from(faults.leaks);
        self.repeats += u64::from(faults.repeats);
    }

    pub(super) fn named(&self) -> [(&'static str, u64); 5] {
        [
            ("speaks for another", self.speaks_for),
            ("claims to be another", self.claims),
            ("calls itself", self.calls_itself),
            ("leaks", self.leaks),
            ("repeats", self.repeats),
        ]
    }
}

const ROLES: [&str; 4] = ["user", "assistant", "system", "human"];
const LEAKS: [&str; 5] = ["<|", "[inst]", "language model", "as an ai", "ai assistant"];
const CLAIMS: [&str; 4] = ["i am ", "im ", "my name is ", "this is "];
/// Shorter sentences may well be said twice.
const REPEATED_WORDS_MIN: usize = 4;

/// Judges what `own` said. `others` are all other names in the room, `before` the lines just
/// before.
pub(super) fn of(text: &str, own: &str, others: &[&str], before: &[&str]) -> Faults<bool> {
    let lower = text.to_lowercase();
    let plain = format!(" {} ", plain(text));
    // Without a title.
    let called = |name: &str| {
        let name = name.to_lowercase();
        name.split_whitespace().last().unwrap_or_default().to_owned()
    };
    let labels = others.iter().map(|name| name.to_lowercase());
    let labels = labels.chain(ROLES.map(str::to_owned));
    let own = called(own);
    Faults {
        speaks_for: labels.into_iter().any(|label| has_label(&lower, &label)),
        claims: others
            .iter()
            .map(|name| called(name))
            .any(|name| CLAIMS.iter().any(|claim| plain.contains(&format!(" {claim}{name} ")))),
        calls_itself: lower.starts_with(&format!("{own},"))
            || [".", "!", "?"].iter().any(|end| lower.contains(&format!(", {own}{end}"))),
        leaks: LEAKS.iter().any(|leak| lower.contains(leak)),
        repeats: repeats(text, before),
    }
}

/// "tom:", and not the end of a longer word.
fn has_label(text: &str, name: &str) -> bool {
    let label = format!("{name}:");
    text.match_indices(&label)
        .any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric()))
}

fn repeats(text: &str, before: &[&str]) -> bool {
    let mut known: Vec<String> = before.iter().flat_map(|line| sentences(line)).collect();
    sentences(text).any(|sentence| {
        let again = known.contains(&sentence);
        known.push(sentence);
        again
    })
}

fn sentences(text: &str) -> impl Iterator<Item = String> {
    text.split_inclusive(['.', '!', '?', '\n'])
        .map(plain)
        .filter(|sentence| sentence.split(' ').count() >= REPEATED_WORDS_MIN)
}

/// Words in lower case with single spaces between them, without apostrophes and marks.
fn plain(text: &str) -> String {
    let letters = text.to_lowercase().replace(['\'', '’'], "");
    let words = letters.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_found_and_nothing_else() {
        let none = Faults::default();
        for (text, expected) in [
            ("I am Nora, and I love moss, Tom.", none),
            ("The custom: we wait. I'm Tom's friend.", none),
            ("Hello.\nTom: hi.", Faults { speaks_for: true, ..none }),
            ("User: hi.", Faults { speaks_for: true, ..none }),
            ("Well, I'm Tom.", Faults { claims: true, ..none }),
            ("My name is Ada, too.", Faults { claims: true, ..none }),
            ("Nora, do you like moss?", Faults { calls_itself: true, ..none }),
            ("How are you, Nora?", Faults { calls_itself: true, ..none }),
            ("As an AI I have no sea.", Faults { leaks: true, ..none }),
            ("The moss is very green. Yes.", Faults { repeats: true, ..none }),
            ("It is a fern. It is a fern.", Faults { repeats: true, ..none }),
            ("Yes, it is. Yes, it is.", none),
        ] {
            let before = ["The moss is very green!"];
            assert_eq!(of(text, "Nora", &["Tom", "Ada"], &before), expected, "{text}");
        }
    }
}
