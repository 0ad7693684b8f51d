//! What is in the log: no words above debug, never a secret.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use troupe::admin::state::open;
use troupe::admin::{self, Server};
use troupe::config::{Config, Env, Flags, LiveKit, Options};
use troupe::host::Room;
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::room::token::Mint;
use troupe::time::Clock;

use crate::host::Stand;

/// The log of this thread, on which a test's whole runtime runs.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

/// One test at a time: levels that are cached for the whole process follow the newest log.
static TURN: Mutex<()> = Mutex::new(());

/// Ends the log, and then the test's turn.
struct Open {
    _log: DefaultGuard,
    _turn: MutexGuard<'static, ()>,
}

impl Page {
    /// Everything at `level` and above, in JSON, until the guard is dropped.
    fn open(level: Level) -> (Self, Open) {
        // A test that failed in its turn leaves nothing behind.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let page = Self::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt()
            .json()
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        let log = tracing::subscriber::set_default(log);
        // Other tests have passed the same places without a log meanwhile.
        tracing::callsite::rebuild_interest_cache();
        (page, Open { _log: log, _turn: turn })
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("text")
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole conversation: answered, failed, interrupted by a second line.
async fn converse() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| {
        Script::say("Marmalade, with a spoon of nutmeg. ").per_token(Duration::from_millis(20))
    });
    let stand = Stand::open(clock, Arc::new(engine.failing(1))).await;
    stand.types("Felix, what goes with rhubarb?", Duration::from_secs(5)).await;
    stand.types("Felix, and with rhubarb now?", Duration::from_millis(400)).await;
    stand.types("Ada, count the rhubarb.", Duration::from_secs(20)).await;
    stand.end().await;
}

#[tokio::test(start_paused = true)]
async fn no_word_of_a_conversation_is_logged_above_debug() {
    let (page, guard) = Page::open(Level::INFO);
    converse().await;
    drop(guard);
    let text = page.text();
    assert!(text.contains("settled"), "the turns are in it: {text}");
    for word in ["rhubarb", "armalade", "nutmeg"] {
        assert!(!text.contains(word), "{word} in {text}");
    }

    let (page, guard) = Page::open(Level::DEBUG);
    converse().await;
    drop(guard);
    assert!(page.text().contains("rhubarb"), "at debug it is there, so the above can fail");
}

/// The spans of a line, outermost first.
fn spans(line: &serde_json::Value) -> Vec<&serde_json::Value> {
    line["spans"].as_array().into_iter().flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn every_line_about_a_turn_names_its_persona_room_model_adapter_and_turn() {
    let (page, guard) = Page::open(Level::DEBUG);
    converse().await;
    drop(guard);
    let text = page.text();
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<serde_json::Value> = lines.collect();
    let names = [("nora", "Nora"), ("felix", "Felix"), ("ada", "Ada")];
    let model = Config::resolve(
        &Flags::default(),
        &Env { models_root: Some("unused".into()), ..Env::default() },
        &Options::default(),
        Path::new("."),
    );
    let model = model.expect("defaults hold").models.language_name();
    for (message, in_turn, least) in [
        ("the seat is warm", false, 3),
        ("in the room", false, 3),
        ("speech ended", true, 3),
        ("settled", true, 9),
    ] {
        let about: Vec<_> =
            lines.iter().filter(|line| line["fields"]["message"] == message).collect();
        assert!(about.len() >= least, "{message}: {} lines", about.len());
        for line in about {
            let spans = spans(line);
            let persona = spans.iter().find(|span| span["name"] == "persona");
            let persona = persona.unwrap_or_else(|| panic!("no persona in {line}"));
            assert!(names.contains(&(
                persona["id"].as_str().expect("an id"),
                persona["display_name"].as_str().expect("a name")
            )));
            let rest = [&persona["room"], &persona["model"], &persona["adapter"]];
            assert_eq!(rest, ["demo", &model, "none"], "{line}");
            let turn = spans.iter().any(|span| {
                span["name"] == "turn" && span["id"].as_str().is_some_and(|id| id.starts_with('t'))
            });
            assert_eq!(turn, in_turn, "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_speech_is_logged_within_its_room_persona_and_turn() {
    let (page, guard) = Page::open(Level::DEBUG);
    converse().await;
    drop(guard);
    let text = page.text();
    let ended = text.lines().find(|line| line.contains("speech ended")).expect("one ended");
    let line: serde_json::Value = serde_json::from_str(ended).expect("JSON");
    let spans = line["spans"].as_array().expect("spans");
    let named: Vec<_> = spans.iter().map(|span| span["name"].as_str().expect("a name")).collect();
    assert_eq!(named, ["room", "persona", "turn"]);
    assert_eq!((&spans[0]["name"], &spans[1]["id"]), (&"room".into(), &"felix".into()));
}

#[tokio::test]
async fn no_secret_is_logged_at_any_level() {
    let (page, guard) = Page::open(Level::TRACE);
    let secrets = ["hush-hush-hush-hush-hush-hush-32", "page-token-0123456789", "otlp-key"];
    let env = Env {
        models_root: Some("unused".into()),
        livekit_url: Some("ws://127.0.0.1:1".to_owned()),
        livekit_api_key: Some("key".to_owned()),
        livekit_api_secret: Some(secrets[0].to_owned()),
        page_token: Some(secrets[1].to_owned()),
        otlp_endpoint: Some("http://127.0.0.1:1".to_owned()),
        otlp_headers: Some(format!("x-key={}", secrets[2])),
        ..Env::default()
    };
    let config = Config::resolve(&Flags::default(), &env, &Options::default(), Path::new("."));
    let config = config.expect("valid");
    tracing::info!(?config, ?env, "as a careless line would");

    // A visitor gets a token of the room, by pages that ask for a token of their own.
    let LiveKit::Remote { keys, .. } = config.livekit.clone() else { panic!("a server is given") };
    let mint = Mint::new(keys, &config.room);
    tracing::info!(?mint, "as a careless line would");
    let jwt = mint.visitor("tom", "Tom").expect("a token");
    let given = jwt.clone();
    let pass = move |_: &admin::state::Visitor| {
        Ok(admin::state::Pass { url: String::new(), token: given.clone(), room: String::new() })
    };
    let (publisher, _commands, house) = open(Room::first_status(&config), Arc::new(pass));
    let listen = "127.0.0.1:0".parse().expect("an address");
    let options = admin::Options { listen, token: config.pages.token.clone() };
    let server = Server::bind(options, house).await.expect("loopback has a free port");
    let at = server.address();
    let cancel = CancellationToken::new();
    let served = tokio::spawn(server.serve(cancel.clone()));
    let ask = crate::pages::client::ask;
    let bearer = format!("Bearer {}", secrets[1]);
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let answer = ask(at, "POST", "/api/token", &headers, r#"{"name":"Tom"}"#).await;
    assert!(answer.body.contains(&jwt), "{} {}", answer.status, answer.body);
    let refused = ask(at, "GET", "/api/status?token=page-token-0123456789x", &[], "").await;
    assert_ne!(refused.status, 200);
    cancel.cancel();
    served.await.expect("no panic").expect("no error of the socket");
    drop(publisher);
    drop(guard);

    let text = page.text();
    assert!(text.contains("a visitor got a pass"), "the pages' log is in it: {text}");
    for secret in secrets.iter().copied().chain([jwt.as_str()]) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
