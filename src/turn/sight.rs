//! Whether a line needs eyes, for those who have none.

use super::Shown;
use crate::picture::Source;

/// What a persona without eyes says to it: a model would make up what it sees.
pub(super) const CANNOT_SEE: &str =
    "I cannot see pictures or cameras. Tell me in words what is there.";

/// Words that ask somebody to look at something, of which these are the beginning: `this`, `my …`,
/// `what I have`.
const LOOKS: &[&str] = &[
    "can you see",
    "could you see",
    "do you see",
    "are you able to see",
    "what do you see",
    "what can you see",
    "who do you see",
    "look at this",
    "look at that",
    "look at my",
    "look at me",
    "look what i",
    "look here",
    "have a look at",
    "take a look at",
    "what am i holding",
    "what am i wearing",
    "what am i showing",
    "what is in my hand",
    "what's in my hand",
    "on my screen",
    "in the picture",
    "in this picture",
    "in the photo",
    "in this photo",
    "on the picture",
    "on my camera",
    "in the image",
    "in this image",
];
/// The same words about understanding, not about eyes.
const MEANS: &[&str] = &["see what i mean", "see the point", "see why", "see how", "see that"];

/// Whether what is asked can only be answered by looking, or something was put before everybody. A
/// camera that is on while somebody talks is neither.
pub(super) fn is_about_seeing(text: &str, shown: &[Shown]) -> bool {
    if shown.iter().any(|shown| shown.source == Source::Chat) {
        return true;
    }
    let text = text.to_lowercase().replace('\u{2019}', "'");
    let has = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    has(LOOKS) && !has(MEANS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eyes_are_asked_for() {
        for text in [
            "Ada, can you see this?",
            "What do you see?",
            "Nora, look at my new plant!",
            "What am I holding?",
            "Felix, what\u{2019}s in my hand?",
        ] {
            assert!(is_about_seeing(text, &[]), "{text}");
        }
    }

    #[test]
    fn understanding_is_no_seeing() {
        for text in [
            "Do you see what I mean?",
            "Can you see why that is wrong?",
            "Ada, what is seven times six?",
            "I will see you tomorrow, Nora.",
            "What do you look forward to?",
        ] {
            assert!(!is_about_seeing(text, &[]), "{text}");
        }
    }

    #[test]
    fn what_is_pasted_asks_by_itself_and_a_camera_that_is_on_does_not() {
        let shown = |source| [Shown { by: "Tom".to_owned(), source, picture: None }];
        assert!(is_about_seeing("What is it?", &shown(Source::Chat)));
        assert!(!is_about_seeing("How are you?", &shown(Source::Camera)));
        assert!(!is_about_seeing("How are you?", &shown(Source::Screen)));
    }
}
