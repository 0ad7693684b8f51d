use super::*;

fn evidence(voiced_ms: u64, duration_ms: u64) -> Evidence {
    Evidence {
        voiced: Duration::from_millis(voiced_ms),
        duration: Duration::from_millis(duration_ms),
        level: 0.05,
    }
}

fn recognition(text: &str, no_speech: f32, token_probability: f32) -> Recognition {
    Recognition { text: text.to_owned(), no_speech, token_probability }
}

#[test]
fn what_was_said_is_kept_and_what_was_invented_is_not() {
    use Reason::{Empty, LowProbability, NoSpeech, Phrase, Repetition};
    let speech = evidence(1_500, 2_000);
    let noise = evidence(160, 1_200);
    let sparse = evidence(900, 9_000);
    let quiet = Evidence { level: 0.001, ..speech };
    let cases = [
        (" Ada, what is the best time? ", 0.02, 0.85, speech, Ok("Ada, what is the best time?")),
        ("(door closes) Hello.", 0.02, 0.85, speech, Ok("Hello.")),
        ("[BLANK_AUDIO]", 0.02, 0.9, speech, Err(Empty)),
        ("(music)", 0.02, 0.9, speech, Err(Empty)),
        (" ... ", 0.02, 0.9, speech, Err(Empty)),
        ("", 0.9, 0.0, noise, Err(Empty)),
        ("Thanks for watching!", 0.01, 0.95, speech, Err(Phrase)),
        ("Thank you for watching.", 0.01, 0.95, speech, Err(Phrase)),
        (
            "Thanks for watching the dog, Ada.",
            0.01,
            0.9,
            speech,
            Ok("Thanks for watching the dog, Ada."),
        ),
        ("You", 0.01, 0.9, noise, Err(Phrase)),
        ("you", 0.4, 0.9, speech, Err(Phrase)),
        ("Thank you.", 0.01, 0.4, speech, Err(Phrase)),
        ("Thank you.", 0.01, 0.9, sparse, Err(Phrase)),
        ("Thank you.", 0.01, 0.9, quiet, Err(Phrase)),
        ("Thank you.", 0.01, 0.9, speech, Ok("Thank you.")),
        ("Bye bye!", 0.01, 0.9, speech, Ok("Bye bye!")),
        ("Stop.", 0.01, 0.8, evidence(250, 900), Ok("Stop.")),
        ("Who is there?", 0.8, 0.4, speech, Err(NoSpeech)),
        ("Who is there?", 0.8, 0.8, speech, Ok("Who is there?")),
        ("Florp the gribbit", 0.1, 0.2, speech, Err(LowProbability)),
        ("I know I know I know I know I know I know", 0.0, 0.9, speech, Err(Repetition)),
        ("No, no, no!", 0.0, 0.9, speech, Ok("No, no, no!")),
    ];
    for (text, no_speech, token_probability, evidence, expected) in cases {
        let verdict = judge(&recognition(text, no_speech, token_probability), &evidence);
        let expected = match expected {
            Ok(kept) => Verdict::Keep(kept.to_owned()),
            Err(reason) => Verdict::Drop(reason),
        };
        assert_eq!(verdict, expected, "{text:?} {no_speech} {token_probability} {evidence:?}");
    }
}

proptest::proptest! {
    /// Any text at all is judged, and what is kept is tidy and has words.
    #[test]
    fn any_text_is_judged(
        text in r"[\[\]()*♪ .,!?a-zé'\n\t]{0,60}|\PC{0,40}",
        no_speech in 0.0_f32..1.0,
    ) {
        let recognition = recognition(&text, no_speech, 0.8);
        if let Verdict::Keep(kept) = judge(&recognition, &evidence(1_500, 2_000)) {
            proptest::prop_assert_eq!(kept.trim(), kept.as_str());
            proptest::prop_assert!(kept.chars().any(char::is_alphanumeric));
            proptest::prop_assert!(!kept.contains("  "));
        }
    }
}
