//! The catalogue that this version carries.

use std::collections::HashSet;
use std::path::{Component, Path};

use troupe::models::{Catalogue, Kind};

#[test]
fn every_entry_can_be_fetched_and_is_pinned() {
    let catalogue = Catalogue::built_in();
    let names: HashSet<&str> = catalogue.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names.len(), catalogue.models.len(), "a name occurs twice");
    for model in &catalogue.models {
        assert!(!model.files.is_empty(), "{} has no file", model.name);
        for file in &model.files {
            let name = format!("{} of {}", file.path, model.name);
            let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
            assert!(file.sha256.len() == 64 && file.sha256.chars().all(hex), "{name}: digest");
            let mut parts = Path::new(&file.path).components();
            assert!(matches!(parts.next(), Some(Component::Normal(_))), "{name}: path");
            assert!(parts.next().is_none() && !file.path.starts_with('.'), "{name}: path");
            let packaged = !model.packages.is_empty() && !file.members.is_empty();
            assert!(packaged || file.hub.is_some(), "{name}: no source");
        }
    }
}

#[test]
fn the_defaults_are_enough_for_a_conversation() {
    for kind in [Kind::Language, Kind::Recognition, Kind::Voice, Kind::Turn] {
        let of_kind = Catalogue::built_in().models.iter().filter(|model| model.kind == kind);
        assert_eq!(of_kind.filter(|model| model.default).count(), 1, "defaults for {kind}");
    }
}

#[test]
fn the_model_that_sees_is_not_the_default() {
    let sees = |name| Catalogue::built_in().find(name).expect("it is known").sees();
    assert!(sees("smolvlm-256m-instruct") && !sees("smollm2-135m-instruct"));
}

#[test]
fn unknown_keys_are_refused() {
    let text =
        "[[model]]\nname = \"x\"\nkind = \"voice\"\nabout = \"\"\nlicence = \"\"\nfile = []\n";
    assert!(Catalogue::parse(text).is_ok());
    assert!(Catalogue::parse(&format!("{text}sise = 3\n")).is_err());
}

#[test]
fn a_near_name_is_suggested_and_a_far_one_is_not() {
    let near = |name| Catalogue::built_in().nearest(name);
    assert_eq!(near("whisper-tiny"), Some("whisper-tiny.en"));
    assert_eq!(near("smollm2-135m-instrcut"), Some("smollm2-135m-instruct"));
    assert_eq!(near("SmolLM2-135M-Instruct"), Some("smollm2-135m-instruct"));
    assert_eq!(near("joe"), Some("piper-en-us-joe"));
    assert_eq!(near("gpt-9"), None);
    assert_eq!(near(""), None);
}
