use std::path::Path;

use super::*;
use crate::llm::gguf::write;
use crate::persona::{Hears, Rgb};

fn env() -> Env {
    Env { models_root: Some("/models".into()), ..Env::default() }
}

fn resolve(text: &str) -> Result<Config, ConfigError> {
    resolve_with(&Flags::default(), &env(), text)
}

fn resolve_with(flags: &Flags, env: &Env, text: &str) -> Result<Config, ConfigError> {
    Config::resolve(flags, env, &Options::parse(text)?, Path::new("."))
}

fn refusal(text: &str) -> String {
    resolve(text).expect_err("this must be refused").to_string()
}

#[test]
fn an_empty_file_gives_the_house_cast_on_loopback() {
    let config = resolve("").expect("the defaults");
    assert_eq!(config.room, "demo");
    assert_eq!(config.pages.listen.to_string(), DEFAULT_LISTEN);
    let names: Vec<_> = config.cast.iter().map(|persona| persona.name.as_str()).collect();
    assert_eq!(names, ["Nora", "Felix", "Ada"]);
    assert_eq!(config.models.root, Path::new("/models"));
    assert!(matches!(config.livekit, LiveKit::Local { .. }));
}

#[test]
fn the_end_of_a_turn_is_judged_or_a_fixed_wait() {
    let end_of_turn = |text| resolve(text).expect("valid").hearing.end_of_turn;
    assert_eq!(end_of_turn(""), EndOfTurn::Auto);
    assert_eq!(end_of_turn("[hearing]\nend_of_turn_ms = \"auto\""), EndOfTurn::Auto);
    let fixed = EndOfTurn::Fixed(Duration::from_millis(450));
    assert_eq!(end_of_turn("[hearing]\nend_of_turn_ms = 450"), fixed);
}

#[test]
fn the_language_model_may_be_a_servers() {
    let env = Env { openai_api_key: Some("sk-secret".to_owned()), ..env() };
    let file =
        "[models]\nlanguage = { kind = \"openai\", url = \"http://there/v1\", model = \"m\" }";
    let config = resolve_with(&Flags::default(), &env, file).expect("valid");
    assert!(!format!("{config:?}").contains("sk-secret"));
    let Language::Server(server) = config.models.language else { panic!("it is a server's") };
    assert_eq!((server.url.as_str(), server.model.as_str()), ("http://there/v1", "m"));
    assert_eq!(server.key, Some(openai::Key("sk-secret".to_owned())));
    assert!(refusal(&file.replace("http", "ftp")).contains("is no address"));
    assert!(refusal(&file.replace("\"m\"", "\"\"")).contains("as the server calls it"));
    let adapted =
        format!("{file}\n[[persona]]\nid = \"a\"\ncard = \"c\"\nadapter = \"Cargo.toml\"");
    assert!(refusal(&adapted).contains("remove `adapter`"));
}

#[test]
fn whoever_is_to_see_needs_a_model_that_does() {
    let with = |models: &str| {
        format!("[models]\n{models}\n[[persona]]\nid = \"a\"\ncard = \"c\"\nsees = true")
    };
    let blind = refusal(&with(""));
    assert!(blind.contains("persona \"a\": the model smollm2-135m-instruct cannot see"), "{blind}");
    let server = "language = { kind = \"openai\", url = \"http://there/v1\", model = \"m\"";
    assert!(refusal(&with(&format!("{server} }}"))).contains("the model m cannot see"));
    for sighted in [
        format!("{server}, sees = true }}"),
        "language = { kind = \"scripted\" }".to_owned(),
        "language = \"Cargo.toml\"\nprojector = \"Cargo.toml\"".to_owned(),
    ] {
        let config = resolve(&with(&sighted)).expect("valid");
        assert!(config.models.senses().sees && config.cast[0].sees == Some(true), "{sighted}");
    }
    let gone = refusal("[models]\nprojector = \"nowhere.gguf\"");
    assert!(gone.contains("there is no such file"), "{gone}");
    let beside = format!("[models]\n{server} }}\nprojector = \"Cargo.toml\"");
    assert!(refusal(&beside).contains("not in this process"));
}

#[test]
fn whoever_is_to_hear_needs_a_model_that_does() {
    let with = |models: &str, hears: &str| {
        format!("[models]\n{models}\n[[persona]]\nid = \"a\"\ncard = \"c\"\nhears = {hears:?}")
    };
    let folder = tempfile::tempdir().expect("a folder");
    let projector = |sense: &str| {
        let path = folder.path().join(sense);
        let has = write::entry(&format!("clip.has_{sense}_encoder"), 7, &[1]);
        std::fs::write(&path, write::file(&[has], &[])).expect("it can be written");
        format!("language = \"Cargo.toml\"\nprojector = {:?}", path.display().to_string())
    };
    let server = "language = { kind = \"openai\", url = \"http://there/v1\", model = \"m\"";
    for deaf in [
        String::new(),
        format!("{server}, sees = true }}"),
        projector("vision"),
        "language = \"Cargo.toml\"\nprojector = \"Cargo.toml\"".to_owned(),
    ] {
        for hears in ["audio", "both"] {
            let refused = refusal(&with(&deaf, hears));
            let told = refused.contains("persona \"a\": the model ")
                && refused.contains("cannot hear")
                && refused.contains("hears = \"transcript\"");
            assert!(told, "{deaf}: {refused}");
        }
        resolve(&with(&deaf, "transcript")).expect("it reads");
    }
    for hearing in [
        "language = \"ultravox-0.5-llama-3.2-1b\"".to_owned(),
        format!("{server}, hears = true }}"),
        "language = { kind = \"scripted\" }".to_owned(),
        projector("audio"),
    ] {
        let config = resolve(&with(&hearing, "both")).expect("valid");
        assert!(config.models.senses().hears && config.cast[0].hears == Hears::Both, "{hearing}");
    }
    assert!(refusal(&with("", "ears")).contains("ears"));
    // A model that only hears does not see.
    let sees = with(&projector("audio"), "audio") + "\nsees = true";
    assert!(refusal(&sees).contains("cannot see"));
}

#[test]
fn an_adapter_is_a_path_or_a_path_and_a_scale() {
    let adapters = |text: &str| {
        let text = format!("[[persona]]\nid = \"a\"\ncard = \"c\"\nadapter = {text}");
        resolve(&text).map(|config| config.models.adapters[&PersonaId::new("a")].clone())
    };
    let scale = |text| adapters(text).expect("valid").scale;
    assert_eq!(scale("\"Cargo.toml\""), 1.0);
    assert_eq!(scale("{ path = \"Cargo.toml\", scale = 0.5 }"), 0.5);
    let error = adapters("{ path = \"Cargo.toml\", scale = 9.0 }").expect_err("too much");
    assert!(error.to_string().contains("from 0 to 4"), "{error}");
}

#[test]
fn flags_win_over_environment_over_file() {
    let env = Env {
        livekit_url: Some("ws://env:1".to_owned()),
        livekit_api_key: Some("k".to_owned()),
        livekit_api_secret: Some("s".to_owned()),
        ..env()
    };
    let file = "[room]\nname = \"file\"\n[pages]\nlisten = \"127.0.0.1:1\"";
    let config = resolve_with(&Flags::default(), &env, file).expect("valid");
    assert_eq!((config.room.as_str(), config.pages.listen.port()), ("file", 1));
    assert!(matches!(&config.livekit, LiveKit::Remote { url, .. } if url == "ws://env:1"));

    let flags = Flags {
        room: Some("flag".to_owned()),
        listen: Some("127.0.0.1:2".parse().expect("an address")),
        livekit: Some("wss://flag".to_owned()),
        config: None,
    };
    let config = resolve_with(&flags, &env, file).expect("valid");
    assert_eq!((config.room.as_str(), config.pages.listen.port()), ("flag", 2));
    assert!(matches!(&config.livekit, LiveKit::Remote { url, .. } if url == "wss://flag"));
}

#[test]
fn each_mistake_is_one_sentence_with_the_mend() {
    let persona = "[[persona]]\nid = \"a\"\ncard = \"A is a cook.\"\n";
    let cases = [
        ("colour = 1", "unknown field `colour`"),
        ("[room]\ncolour = 1", "line 2"),
        ("[[persona]]\nid = \"a\"", "missing field `card`"),
        ("[[persona]]\nid = \"A b\"\ncard = \"x\"", "the id cannot be used"),
        ("[[persona]]\nid = \"a\"\ncard = \"  \"", "card"),
        (&format!("{persona}{persona}"), "two personas have the id \"a\""),
        (&format!("{persona}adapter = \"x.gguf\""), "there is no adapter"),
        (&format!("{persona}voice = {{ pitch = 40 }}"), "voice.pitch goes from -12 to 12"),
        (&format!("{persona}mode = \"loud\""), "unknown variant `loud`"),
        ("[hearing]\nend_of_turn_ms = 5", "use 100 to 5000"),
        ("[hearing]\nend_of_turn_ms = \"soon\"", "write \"auto\" or milliseconds"),
        ("[hearing]\nend_of_turn_ms = -1", "write \"auto\" or a number of milliseconds"),
        ("[pages]\nlisten = \"here\"", "is no address"),
        ("[pages]\nlisten = \"0.0.0.0:80\"", "set TROUPE_TOKEN"),
    ];
    for (text, sign) in cases {
        let error = refusal(text);
        assert!(error.contains(sign), "{text:?} gave {error:?}, which lacks {sign:?}");
        assert!(!error.contains('\n'), "more than a line: {error:?}");
    }
}

#[test]
fn probes_are_off_without_a_file_and_a_slip_in_their_classes_is_refused() {
    let with = |file: Option<&str>, classes: Option<&str>| {
        let (probe_file, probe_classes) = (file.map(Into::into), classes.map(str::to_owned));
        resolve_with(&Flags::default(), &Env { probe_file, probe_classes, ..env() }, "")
    };
    assert_eq!(with(None, Some("floor")).expect("valid").probes, None);
    let all = with(Some("p.jsonl"), None).expect("valid").probes.expect("a file is given");
    assert_eq!((all.file.as_path(), all.classes), (Path::new("p.jsonl"), probe::Selection::ALL));
    let error = with(Some("p.jsonl"), Some("flor")).expect_err("a slip").to_string();
    assert!(error.starts_with("TROUPE_PROBE_CLASSES: \"flor\" fits no probe class"), "{error}");
}

#[test]
fn an_otlp_receiver_is_taken_from_opentelemetrys_own_variables() {
    let with = |endpoint: &str, headers: Option<&str>| {
        let (otlp_endpoint, otlp_headers) = (Some(endpoint.into()), headers.map(str::to_owned));
        resolve_with(&Flags::default(), &Env { otlp_endpoint, otlp_headers, ..env() }, "")
    };
    assert_eq!(resolve("").expect("valid").telemetry, None);
    let headers = "Authorization=Basic%20aGk6aG8=, x-tenant = den";
    let config = with("https://otlp.example:4318/", Some(headers)).expect("valid");
    let shown = format!("{config:?}");
    let options = config.telemetry.expect("an endpoint is given");
    assert_eq!((options.service.as_str(), options.room.as_str()), ("troupe", "demo"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [pair("Authorization", "Basic aGk6aG8="), pair("x-tenant", "den")];
    assert_eq!(options.headers, expected);
    assert!(!shown.contains("aGk6aG8"), "{shown}");

    assert!(with("otlp.example:4318", None).is_err());
    for slip in ["hush-hush", "key=100%", "=hush-hush", "k=a\u{7}"] {
        let error = with("http://otlp", Some(slip)).expect_err(slip).to_string();
        assert!(error.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn a_server_without_keys_is_refused_and_secrets_stay_hidden() {
    let flags = Flags { livekit: Some("ws://there".to_owned()), ..Flags::default() };
    let error = resolve_with(&flags, &env(), "").expect_err("no keys").to_string();
    assert!(error.contains("LIVEKIT_API_KEY"), "{error}");

    let env = Env {
        livekit_api_key: Some("k".to_owned()),
        livekit_api_secret: Some("hush-hush".to_owned()),
        page_token: Some("page-secret".to_owned()),
        ..env()
    };
    let config = resolve_with(&flags, &env, "").expect("valid");
    let shown = format!("{config:?} {env:?}");
    assert!(!shown.contains("hush-hush") && !shown.contains("page-secret"), "{shown}");
}

#[test]
fn limits_and_phrases_of_turns_are_data() {
    let config = resolve("").expect("the defaults");
    assert_eq!(config.turn.turns_per_minute, None);
    assert!(config.sleep_words.wake.contains(&"wake up".to_owned()));
    let text = "[turn]\nturns_per_minute = 6\nsleep_words = [\"lights out\"]";
    let config = resolve(text).expect("valid");
    assert_eq!(config.turn.turns_per_minute, Some(6));
    assert_eq!(config.sleep_words.sleep, ["lights out"]);
    assert!(refusal("[turn]\nturns_per_minute = 0").contains("turn.turns_per_minute = 0"));
    assert!(refusal("[turn]\nwake_words = [\"!\"]").contains("turn.wake_words"));
}

#[test]
fn faces_are_drawn_or_pictures() {
    let persona = |id: &str, face: &str| {
        format!("[[persona]]\nid = \"{id}\"\ncard = \"Somebody.\"\nface = {face}\n")
    };
    let text = persona("a", "{ color = \"#8c2f3f\", seed = 7 }")
        + &persona("b", "{ seed = 0 }")
        + &persona("c", "\"Cargo.toml\"")
        + "[[persona]]\nid = \"d\"\ncard = \"Somebody.\"\n";
    let faces = resolve(&text).expect("valid").faces;
    let of = |id: &str| faces.get(&PersonaId::new(id)).cloned();
    let rgb = Some(Rgb([0x8c, 0x2f, 0x3f]));
    assert_eq!(of("a"), Some(Face::Drawn { rgb, seed: Some(7) }));
    assert_eq!(of("b"), Some(Face::Drawn { rgb: None, seed: Some(0) }));
    assert!(matches!(of("c"), Some(Face::Picture(path)) if path.ends_with("Cargo.toml")));
    assert_eq!(of("d"), None);

    assert!(refusal(&persona("a", "{ color = \"red\" }")).contains("#rrggbb"));
    assert!(refusal(&persona("a", "\"gone.png\"")).contains("gone.png"));
    assert!(refusal(&persona("a", "{ colour = \"#8c2f3f\" }")).contains("picture's path"));
    assert!(refusal(&persona("a", "{ seed = -1 }")).contains("picture's path"));
}
