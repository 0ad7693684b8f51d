//! The catalogue that this version carries.

use std::collections::HashSet;
use std::path::{Component, Path};

use troupe::models::{Catalogue, Kind, PROJECTOR};

#[test]
fn every_entry_can_be_fetched_and_is_pinned() {
    let catalogue = Catalogue::built_in();
    let names: HashSet<&str> = catalogue.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names.len(), catalogue.models.len(), "a name occurs twice");
    for model in &catalogue.models {
        let (packages, archives) = (&model.packages, &model.archives);
        assert!(packages.is_empty() || archives.is_empty(), "{}: two further sources", model.name);
        assert!(!model.files.is_empty(), "{} has no file", model.name);
        for file in &model.files {
            let name = format!("{} of {}", file.path, model.name);
            let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
            assert!(file.sha256.len() == 64 && file.sha256.chars().all(hex), "{name}: digest");
            let mut parts = Path::new(&file.path).components();
            assert!(matches!(parts.next(), Some(Component::Normal(_))), "{name}: path");
            assert!(parts.next().is_none() && !file.path.starts_with('.'), "{name}: path");
            let elsewhere = !model.packages.is_empty() || !model.archives.is_empty();
            let packaged = elsewhere && !file.members.is_empty();
            assert!(packaged || file.hub.is_some(), "{name}: no source");
        }
    }
}

#[test]
fn the_defaults_are_enough_for_a_conversation() {
    for kind in [Kind::Language, Kind::Recognition, Kind::Voice, Kind::Turn, Kind::Embedding] {
        let of_kind = Catalogue::built_in().models.iter().filter(|model| model.kind == kind);
        assert_eq!(of_kind.filter(|model| model.default).count(), 1, "defaults for {kind}");
    }
}

#[test]
fn what_a_model_takes_beside_words_comes_with_its_projector() {
    let sees = |name| Catalogue::built_in().find(name).expect("it is known").sees();
    assert!(sees("smolvlm-256m-instruct") && !sees("smollm2-135m-instruct"));
    let hears = |name| Catalogue::built_in().find(name).expect("it is known").hears();
    let ultravox = "ultravox-0.5-llama-3.2-1b";
    assert!(hears(ultravox) && !sees(ultravox) && !hears("smolvlm-256m-instruct"));
    for model in &Catalogue::built_in().models {
        let mut others = model.files.iter().skip(1);
        let projector = others.any(|file| file.path.ends_with(PROJECTOR));
        assert_eq!(projector, !model.takes.is_empty(), "{}", model.name);
    }
}

#[test]
fn unknown_keys_are_refused() {
    let text =
        "[[model]]\nname = \"x\"\nkind = \"voice\"\nabout = \"\"\nlicence = \"\"\nfile = []\n";
    assert!(Catalogue::parse(text).is_ok());
    assert!(Catalogue::parse(&format!("{text}sise = 3\n")).is_err());
    let archive = |maven| format!("{text}[[model.archive]]\nmaven = \"{maven}\"\nbytes = 1\n");
    assert!(Catalogue::parse(&archive("a.b:c:1")).is_ok());
    let error = Catalogue::parse(&archive("a.b:c")).expect_err("no version").to_string();
    assert!(error.contains("`a.b:c` is not group:artifact:version"), "{error}");
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
