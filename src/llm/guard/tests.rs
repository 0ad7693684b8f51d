use proptest::prelude::*;

use super::{Guard, Limits, Names};

const LIMITS: Limits = Limits { sentences: 3, letters: 120 };

fn said(text: &str) -> String {
    said_in(&[text])
}

fn said_in(chunks: &[&str]) -> String {
    let names = ["Tom", "Nora", "Ada Byron"].iter().collect();
    let mut guard = Guard::new("Nora", &names, LIMITS);
    let mut out: String = chunks.iter().map(|chunk| guard.push(chunk)).collect();
    out += &guard.finish();
    out
}

#[test]
fn speech_passes_and_everything_else_goes() {
    let cases = [
        ("Hello there.", "Hello there."),
        // Its own name.
        ("Nora: Hello.", "Hello."),
        ("  nora : Hello.", "Hello."),
        ("**Nora:** Hello.", "Hello."),
        ("Assistant: Hello.", "Hello."),
        ("Hello.\nNora: And more.", "Hello. And more."),
        ("Nora is my name.", "Nora is my name."),
        ("No, never.", "No, never."),
        // Somebody else's.
        ("Hello.\nTom: Hi Nora!", "Hello."),
        ("Hello. Tom: Hi!", "Hello."),
        ("Hello.\nAda Byron: Hi!", "Hello."),
        ("Hello.\n\nBob: Hi!", "Hello."),
        ("Hello.\nUser: Hi!", "Hello."),
        ("Tom: I am Tom.", ""),
        ("Tom, listen: it rains.", "Tom, listen: it rains."),
        ("Tomorrow: rain.", "Tomorrow: rain."),
        ("I told Tom: no.", "I told Tom: no."),
        // Acting and markup.
        ("*smiles* Hello.", "Hello."),
        ("(laughs softly) Hello.", "Hello."),
        ("Hello *waves at Tom* friend.", "Hello friend."),
        ("I *really* mean it.", "I really mean it."),
        ("I **really** mean it.", "I really mean it."),
        ("It (the fern) grows.", "It (the fern) grows."),
        ("[sighs] Well `x`.", "Well x."),
        ("# Ferns\n- moss\n- bark", "Ferns moss bark"),
        ("3 < 4 and 2 * 2.", "3 < 4 and 2 2."),
        ("Hi 😀 there ❤️!", "Hi there !"),
        ("\"Hello,\" she said.", "Hello, she said."),
        ("She said \"hello\".", "She said \"hello\"."),
        // Leaks.
        ("Hello.<|im_end|>\n<|im_start|>user", "Hello."),
        ("Hello.</s> More", "Hello."),
        ("Hello [INST] more", "Hello"),
        ("Hello <b>you</b>.", "Hello you."),
        // Caps.
        ("One. Two! Three? Four.", "One. Two! Three?"),
        ("Dr. Li paid 3.5 e.g. today. B. C. Two.", "Dr. Li paid 3.5 e.g. today. B. C. Two."),
        ("", ""),
        (" \n ", ""),
        ("Hello *unclosed", "Hello unclosed"),
        ("Hello (unclosed", "Hello (unclosed"),
        ("Hello <unclosed", "Hello"),
    ];
    for (text, expected) in cases {
        assert_eq!(said(text), expected, "of {text:?}");
    }
}

#[test]
fn a_long_reply_ends_with_a_word() {
    let text = "word ".repeat(60);
    let out = said(&text);
    assert!(out.ends_with("word") && (120..130).contains(&out.len()), "{out:?}");
    assert_eq!(said(&"x".repeat(400)).len(), 160);
}

#[test]
fn it_tells_when_the_generation_can_end() {
    let names = Names::from_iter(["Tom"]);
    let mut guard = Guard::new("Nora", &names, LIMITS);
    assert_eq!(guard.push("Hello.\nTo"), "Hello.");
    assert!(!guard.stopped());
    assert_eq!(guard.push("m: Hi"), "");
    assert!(guard.stopped());
    assert_eq!(guard.push("more"), "");
}

#[test]
fn words_come_out_as_soon_as_they_are_harmless() {
    let names = Names::from_iter(["Tom"]);
    let mut guard = Guard::new("Nora", &names, LIMITS);
    assert_eq!(guard.push("I"), "", "it may become \"I am Tom\"");
    assert_eq!(guard.push(" see"), "I see");
    assert_eq!(guard.push(". "), ".");
    assert_eq!(guard.push("T"), "");
    assert_eq!(guard.push("ell me"), " Tell me");
}

proptest! {
    #[test]
    fn chunking_changes_nothing(
        parts in proptest::collection::vec(prop_oneof![
            Just("Nora:"), Just("Tom:"), Just("Tom"), Just("\n"), Just(" "), Just("*"),
            Just("<|im"),
            Just("(nods)"), Just("Well."), Just("yes"), Just("["), Just("]"), Just("😀"),
            Just("3.5"),
            Just("\""), Just("Ada Byron"), Just(":"), Just("<b>"),
        ], 0..24),
        cuts in proptest::collection::vec(0usize..200, 0..8),
    ) {
        let text = parts.concat();
        let mut cuts: Vec<usize> =
            cuts.into_iter().map(|cut| text.floor_char_boundary(cut)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let out = said_in(&chunks);
        prop_assert_eq!(&out, &said(&text));
        prop_assert!(!out.starts_with("Tom:") && !out.contains(". Tom:"));
        prop_assert!(!out.contains("<|"));
        prop_assert_eq!(out.trim(), out.as_str());
    }
}
