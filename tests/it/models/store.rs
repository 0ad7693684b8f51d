//! Finding installed models.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use troupe::models::{Kind, ModelError, Progress, State, default_root};

use super::fixture::{CONTENT, Place};

#[test]
fn a_name_gives_the_files_when_they_are_right() {
    let place = Place::holding(CONTENT);
    place.install(CONTENT);
    let files = place.store.resolve("tiny").expect("the model");
    assert_eq!((files.name.as_str(), files.kind), ("tiny", Some(Kind::Language)));
    assert_eq!(files.main(), place.model_path());
    assert_eq!(files.companion(".json"), None);
}

#[test]
fn what_is_wrong_with_a_model_names_the_command_that_mends_it() {
    let place = Place::holding(CONTENT);
    let complaint = || {
        let error = place.store.resolve("tiny").expect_err("nothing right is there");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("`troupe models pull tiny`"), "{error}");
        error.to_string()
    };
    assert!(complaint().contains("is not installed"));
    place.install(b"short");
    assert!(complaint().contains("has 5 bytes, not 27"));
    place.install(&CONTENT.to_ascii_uppercase());
    assert!(complaint().contains("has another SHA-256"));
    std::fs::remove_file(place.model_path()).expect("to remove it");
    std::fs::create_dir(place.model_path()).expect("a folder in its place");
    assert!(complaint().contains("is not a file"));
}

#[test]
fn an_unknown_name_is_refused_with_a_near_one() {
    let error = Place::holding(CONTENT).store.resolve("tinny").expect_err("no such name");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("did you mean `tiny`?"), "{error}");
}

#[test]
fn a_model_of_another_kind_is_refused() {
    let place = Place::holding(CONTENT);
    place.install(CONTENT);
    let files = place.store.resolve("tiny").expect("the model");
    assert_eq!(files.clone().of_kind(Kind::Language).expect("the right kind"), files);
    let error = files.of_kind(Kind::Voice).expect_err("the wrong kind");
    assert!(error.to_string().contains("`tiny` is a language model, but a voice model"));
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn a_path_is_taken_as_it_is_with_its_settings_beside_it() {
    let place = Place::holding(CONTENT);
    let voice = place.folder.path().join("own.onnx");
    let settings = place.folder.path().join("own.onnx.json");
    std::fs::write(&voice, b"any").expect("a file");
    std::fs::write(&settings, b"{}").expect("a file");
    let files = place.store.resolve(&voice.to_string_lossy()).expect("a path");
    assert_eq!((files.name.as_str(), files.kind), ("own.onnx", None));
    assert_eq!(files.main(), voice);
    assert_eq!(files.companion(".json"), Some(settings.as_path()));
    assert!(files.of_kind(Kind::Voice).is_ok());
}

#[test]
fn a_path_to_nothing_is_not_taken_for_a_name() {
    for word in ["missing.gguf", "some/where", "/no/model"] {
        let error = Place::holding(CONTENT).store.resolve(word).expect_err("nothing is there");
        assert!(matches!(&error, ModelError::NoFile { path } if path == Path::new(word)));
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn a_file_is_hashed_once_and_again_only_when_it_changed() {
    let place = Place::holding(CONTENT);
    place.install(CONTENT);
    let model = place.store.model("tiny").expect("the model");
    let state = || place.store.glance(model)[0].1.clone();
    assert_eq!(state(), State::Unchecked);
    place.store.resolve("tiny").expect("the model");
    assert_eq!(state(), State::Ready);

    // The same size and time of change: only a full check can see this.
    let changed = std::fs::metadata(place.model_path()).and_then(|found| found.modified());
    place.install(&CONTENT.to_ascii_uppercase());
    let file = File::options().append(true).open(place.model_path()).expect("the file");
    file.set_modified(changed.expect("a time")).expect("to set the time");
    assert_eq!(state(), State::Ready);
    let full = place.store.verify(model, Progress::Silent).expect("to read it");
    assert!(matches!(&full[0].1, State::Damaged(why) if why.contains("SHA-256")));
    // And what it saw is kept.
    assert_eq!(state(), State::Unchecked);
    assert!(place.store.resolve("tiny").is_err());
}

#[test]
fn broken_notes_only_cost_another_look() {
    let place = Place::holding(CONTENT);
    place.install(CONTENT);
    std::fs::write(place.store.root().join("tiny/.verified.json"), "{{").expect("a file");
    assert!(place.store.resolve("tiny").is_ok());
}

#[test]
fn the_folder_of_models_follows_the_environment() {
    let root = |set: &[(&str, &str)]| {
        let set: HashMap<_, _> = set.iter().copied().collect();
        default_root(|name| set.get(name).map(|value| (*value).to_owned()))
    };
    let home = ("HOME", "/home/ada");
    let data = ("XDG_DATA_HOME", "/data");
    for (set, expected) in [
        (&[home][..], "/home/ada/.local/share/troupe/models"),
        (&[home, data], "/data/troupe/models"),
        (&[home, ("XDG_DATA_HOME", "relative")], "/home/ada/.local/share/troupe/models"),
        (&[home, ("XDG_DATA_HOME", "")], "/home/ada/.local/share/troupe/models"),
        (&[home, data, ("TROUPE_MODELS", "here")], "here"),
    ] {
        assert_eq!(root(set).expect("a folder"), PathBuf::from(expected));
    }
    let error = root(&[]).expect_err("nothing is set");
    assert_eq!(error.exit_code(), 2);
}
