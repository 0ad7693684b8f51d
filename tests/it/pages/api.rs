//! The shapes of the answers, and what becomes of orders.

use insta::{assert_json_snapshot, assert_snapshot};
use serde_json::json;
use troupe::admin::state::{Command, Event};
use troupe::id::PersonaId;
use troupe::persona::Mode;

use super::client::{Feed, ask, get, post};
use super::house::{Stage, recording, turn};
use super::settings;

/// Publishes and waits until the pages have it.
async fn publish(stage: &Stage, turns: &[(u64, &str)]) {
    let mut feed = Feed::open(stage.at).await;
    feed.next_of("snapshot").await;
    for (number, persona) in turns {
        stage.publisher.event(Event::Turn(turn(*number, persona)));
    }
    for (number, _) in turns {
        assert_eq!(feed.next_of("turn").await["turn"], format!("t{number}"));
    }
}

#[tokio::test]
async fn the_status_shows_the_house() {
    let stage = Stage::open().await;
    stage.publisher.update(|status| status.recording = Some(recording()));
    let mut status = get(stage.at, "/api/status").await.json();
    assert!(status["uptime_s"].take().is_u64());
    settings().bind(|| assert_json_snapshot!("pages_status", status));
    stage.close().await;
}

#[tokio::test]
async fn a_face_is_a_picture_that_browsers_keep() {
    let stage = Stage::open().await;
    let path = "/api/personas/ada/face.png";
    let face = get(stage.at, path).await;
    assert_eq!((face.status, face.header("content-type")), (200, "image/png"));
    assert_eq!(face.body, "PNG of Ada");
    let headers = [("if-none-match", face.header("etag"))];
    assert_eq!(ask(stage.at, "GET", path, &headers, "").await.status, 304);
    let headers = [("if-none-match", "\"older\"")];
    assert_eq!(ask(stage.at, "GET", path, &headers, "").await.status, 200);
    for gone in ["/api/personas/otis/face.png", "/api/personas/nobody/face.png"] {
        assert_eq!(get(stage.at, gone).await.status, 404, "{gone}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_turn_shows_where_its_time_went() {
    let stage = Stage::open().await;
    publish(&stage, &[(1, "ada"), (2, "otis")]).await;
    let mut turns = get(stage.at, "/api/turns").await.json();
    for turn in turns["turns"].as_array_mut().expect("a list") {
        assert!(turn["at_unix_ms"].take().is_u64());
    }
    settings().bind(|| assert_json_snapshot!("pages_turns", turns));
    let latency = get(stage.at, "/api/latency").await.json();
    settings().bind(|| assert_json_snapshot!("pages_latency", latency));
    stage.close().await;
}

#[tokio::test]
async fn turns_can_be_followed_by_the_last_one_seen() {
    let stage = Stage::open().await;
    // As they settle: a granted turn settles after its neighbours.
    publish(&stage, &[(2, "otis"), (1, "ada"), (4, "otis"), (3, "ada")]).await;
    let names = async |query: &str| {
        let answer = get(stage.at, &format!("/api/turns{query}")).await.json();
        let turns = answer["turns"].as_array().expect("a list").clone();
        turns.iter().map(|turn| turn["turn"].as_str().expect("a name").to_owned()).collect()
    };
    let all: Vec<String> = names("").await;
    assert_eq!(all, ["t2", "t1", "t4", "t3"]);
    let newest: Vec<String> = names("?limit=2").await;
    assert_eq!(newest, ["t4", "t3"]);
    let next: Vec<String> = names("?after=t2&limit=2").await;
    assert_eq!(next, ["t1", "t4"]);
    let one: Vec<String> = names("?after=t2&persona=ada").await;
    assert_eq!(one, ["t1", "t3"]);
    let none: Vec<String> = names("?after=t3").await;
    assert!(none.is_empty());
    let gone: Vec<String> = names("?after=t99").await;
    assert_eq!(gone, all);
    stage.close().await;
}

#[tokio::test]
async fn a_wrong_question_gets_a_sentence() {
    let stage = Stage::open().await;
    for (path, status) in [
        ("/api/turns?after=7", 400),
        ("/api/turns?after=", 400),
        ("/api/turns?persona=nobody", 404),
        ("/api/turns?limit=many", 400),
        ("/api/nope", 404),
        ("/api/token", 405),
    ] {
        let answer = get(stage.at, path).await;
        assert_eq!(answer.status, status, "{path}");
        let sentence = answer.json()["error"].as_str().expect("a sentence").to_owned();
        assert!(sentence.contains(' '), "{path}: {sentence}");
    }
    stage.close().await;
}

#[tokio::test]
async fn the_names_of_the_metrics_are_stable() {
    let stage = Stage::open().await;
    publish(&stage, &[(1, "ada"), (2, "otis")]).await;
    let answer = get(stage.at, "/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.body.ends_with("# EOF\n"));
    let kinds = answer.body.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.sort_unstable();
    settings().bind(|| assert_snapshot!("pages_metric_names", kinds.join("\n")));
    for line in [
        "troupe_turns_total{persona=\"ada\",outcome=\"spoke\"} 1",
        "troupe_turns_total{persona=\"otis\",outcome=\"asleep\"} 1",
        "troupe_turn_stage_seconds_sum{persona=\"ada\",stage=\"prefill\"} 0.05",
        "troupe_turn_e2e_seconds_sum{persona=\"ada\"} 0.45",
        "lk_agents_turn_transcription_delay_seconds_sum{persona=\"ada\"} 0.03",
        "lk_agents_turn_e2e_latency_seconds_sum{persona=\"ada\"} 0.45",
        "troupe_tokens_total{persona=\"ada\",kind=\"cached\"} 309",
        "troupe_queue_drops_total{name=\"ears\"} 3",
        "troupe_queue_bound{name=\"ears\"} 16",
        "troupe_persona_restarts_total{persona=\"otis\"} 2",
        "troupe_part_restarts_total{name=\"ears\"} 1",
        "troupe_faces_drawn_total 900",
        "troupe_faces_late_total 3",
        "troupe_faces_rate_fps 12",
        "troupe_personas_hosted 1",
        "troupe_humans 1",
        "troupe_ready 1",
    ] {
        assert!(answer.body.lines().any(|found| found == line), "{line} in\n{}", answer.body);
    }
    let example = "lk_agents_turn_e2e_latency_seconds_bucket{le=\"0.5\",persona=\"ada\"} 1 \
                   # {turn=\"t1\"} 0.45";
    assert!(answer.body.contains(example), "{example} in\n{}", answer.body);
    let again = get(stage.at, "/metrics").await;
    assert!(again.body.contains("troupe_queue_drops_total{name=\"ears\"} 3\n"));
    stage.close().await;
}

#[tokio::test]
async fn orders_reach_the_host() {
    let mut stage = Stage::open().await;
    let answer = post(stage.at, "/api/personas/ada/mode", r#"{"mode":"humans"}"#).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json(), json!({ "persona": "ada", "mode": "humans" }));
    let ada = PersonaId::new("ada");
    let mode = Command::Mode { persona: ada.clone(), mode: Mode::Humans };
    assert_eq!(stage.commands.recv().await, Some(mode));
    let answer = post(stage.at, "/api/personas/ada/hush", "").await;
    assert_eq!((answer.status, answer.json()), (202, json!({ "persona": "ada" })));
    assert_eq!(stage.commands.recv().await, Some(Command::Hush { persona: ada }));
    stage.close().await;
}

#[tokio::test]
async fn the_recording_answers_how_it_does() {
    let stage = Stage::open().await;
    let off = post(stage.at, "/api/recording", r#"{"on":false}"#).await;
    let expected = json!({
        "state": "down",
        "cause": "the recording ended",
        "dropped": 2,
        "folder": "tapes/demo-1.tape",
    });
    assert_eq!((off.status, off.json()), (200, expected));
    let on = post(stage.at, "/api/recording", r#"{"on":true}"#).await;
    assert_eq!(on.status, 500);
    assert_eq!(on.json()["error"], "the tape cannot be begun: the disk is full");
    assert_eq!(post(stage.at, "/api/recording", r#"{"on":1}"#).await.status, 422);
    stage.close().await;
}

#[tokio::test]
async fn wrong_orders_reach_nobody() {
    let mut stage = Stage::open().await;
    for (path, body, status) in [
        ("/api/personas/nobody/mode", r#"{"mode":"open"}"#, 404),
        ("/api/personas/nobody/hush", "", 404),
        ("/api/personas/ada/mode", r#"{"mode":"loud"}"#, 422),
        ("/api/personas/ada/mode", r#"{"mode":"open","now":1}"#, 422),
        ("/api/personas/ada/mode", "open", 400),
        ("/api/personas/ada/mode", "", 400),
    ] {
        let answer = post(stage.at, path, body).await;
        assert_eq!(answer.status, status, "{path} {body}");
        assert!(answer.json()["error"].as_str().is_some_and(|it| it.contains(' ')));
    }
    let plain = ask(stage.at, "POST", "/api/personas/ada/mode", &[], r#"{"mode":"open"}"#).await;
    assert_eq!(plain.status, 415);
    assert!(stage.commands.try_recv().is_err());
    stage.close().await;
}

#[tokio::test]
async fn orders_that_the_host_does_not_take_are_refused_not_kept() {
    let stage = Stage::open().await;
    let mut refused = None;
    for _ in 0..=troupe::admin::state::COMMANDS_MAX {
        refused = Some(post(stage.at, "/api/personas/ada/hush", "").await);
    }
    let refused = refused.expect("at least one order");
    assert_eq!(refused.status, 503);
    assert_eq!(refused.json()["error"], "the host is busy: try again in a second");
    let metrics = get(stage.at, "/metrics").await.body;
    for line in [
        "troupe_queue_drops_total{name=\"pages.commands\"} 1",
        "troupe_queue_length{name=\"pages.commands\"} 32",
        "troupe_queue_bound{name=\"pages.commands\"} 32",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in\n{metrics}");
    }
    stage.close().await;
}

#[tokio::test]
async fn a_visitor_gets_a_pass_of_its_own() {
    let stage = Stage::open().await;
    let one = post(stage.at, "/api/token", r#"{"name":" Tom "}"#).await.json();
    let two = post(stage.at, "/api/token", r#"{"name":"Tom"}"#).await.json();
    let identity = one["identity"].as_str().expect("an identity");
    assert!(identity.starts_with("tom-"), "{identity}");
    assert_ne!(one["identity"], two["identity"]);
    let expected = json!({
        "url": "ws://127.0.0.1:7880",
        "token": "token for Tom",
        "identity": identity,
        "room": "demo",
        "share": stage.join_url,
        "admin": true,
    });
    assert_eq!(one, expected);
    stage.close().await;
}

#[tokio::test]
async fn a_visitor_who_cannot_come_is_told_why() {
    let stage = Stage::open().await;
    for (body, status, word) in [
        (r#"{"name":"Full"}"#, 400, "the room is full"),
        (r#"{"name":"ada"}"#, 400, "Ada is in the cast already"),
        (r#"{"name":""}"#, 400, "type a name"),
        (r#"{"nom":"Tom"}"#, 422, "unknown field"),
    ] {
        let answer = post(stage.at, "/api/token", body).await;
        assert_eq!(answer.status, status, "{body}");
        let sentence = answer.json()["error"].as_str().expect("a sentence").to_owned();
        assert!(sentence.contains(word), "{sentence}");
    }
    let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(8000));
    assert_eq!(post(stage.at, "/api/token", &huge).await.status, 413);
    stage.close().await;
}
