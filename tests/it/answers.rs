//! Who answers, by what the talk obliges to: short talks, played into the core by words alone.

use std::path::PathBuf;

use serde_json::{Value, json};
use troupe::bench::answers::{Case, Options, predict};
use troupe::turn::{Decide, Weights};

const TALKS: &str = include_str!("../answers/obligations.txt");

/// A talk of the file: `ada,hugo | Bea: Hello. // Ada: Hello, Bea.`
fn case(at: usize, talk: &str) -> Case {
    let (want, lines) = talk.split_once(" | ").expect("whom it wants stands before the talk");
    let want: Vec<&str> = want.split(',').filter(|id| *id != "-").collect();
    let lines = lines.split(" // ").map(|line| {
        let (who, text) = line.split_once(": ").expect("a line is somebody's");
        json!({ "who": who, "text": text, "heard": "voice" })
    });
    let lines: Vec<Value> = lines.collect();
    let case = json!({
        "id": at.to_string(),
        "category": "",
        "personas": [
            { "id": "ada", "name": "Ada", "card": "Ada is a mathematician who loves puzzles." },
            { "id": "hugo", "name": "Hugo", "card": "Hugo is a chef from Lyon." },
            { "id": "vera", "name": "Dr. Vera", "card": "Dr. Vera is a country doctor." },
        ],
        "humans": ["Bea", "Tom"],
        "lines": lines,
        "expect": { "answer": want, "strict": true, "note": "" },
    });
    serde_json::from_value(case).expect("it is a case")
}

#[test]
fn each_talk_obliges_whom_it_should() {
    let talks = TALKS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let options = Options {
        cases: PathBuf::new(),
        out: None,
        decide: Decide::Evidence,
        weights: Weights::default(),
        embedder: None,
    };
    let mut wrong = Vec::new();
    for (at, talk) in talks.enumerate() {
        let case = case(at, talk);
        let found = predict(&case, &options, None).expect("the room is whole");
        let right = match found.answer.first() {
            Some(one) => case.expect.answer.contains(one),
            None => case.expect.answer.is_empty(),
        };
        if !right {
            wrong.push(format!("{talk}: {:?}, {}", found.answer, found.reason));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
