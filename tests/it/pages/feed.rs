//! The live feed: in order, and never waited for.

use serde_json::json;
use troupe::admin::state::{Event, Line};
use troupe::id::{HumanId, LineId, PersonaId, Speaker};
use troupe::room::{AgentState, Caption};
use troupe::turn::Manner;

use super::client::{Feed, get};
use super::house::{Stage, turn};

fn tom() -> Speaker {
    Speaker::Human(HumanId::new("tom-1"))
}

fn line(number: u64) -> Event {
    Event::Line(Line::new(LineId(number), &tom(), "Tom", Manner::Heard, "Who likes <b>shade</b>?"))
}

#[tokio::test]
async fn a_page_gets_a_snapshot_and_then_what_happens() {
    let stage = Stage::open().await;
    let mut feed = Feed::open(stage.at).await;
    let empty = feed.next_of("snapshot").await;
    assert_eq!(empty["status"]["personas"][0]["id"], "ada");
    assert_eq!((&empty["turns"], &empty["lines"]), (&json!([]), &json!([])));
    stage.publisher.event(line(1));
    let ada = PersonaId::new("ada");
    stage.publisher.state(&ada, AgentState::Speaking);
    stage.publisher.event(Event::Caption(Caption {
        speaker: Speaker::Persona(ada),
        segment: "s1".to_owned(),
        text: "Ferns ".to_owned(),
        last: false,
    }));
    stage.publisher.event(Event::Turn(turn(1, "ada")));
    let said = feed.next_of("line").await;
    assert_eq!((&said["text"], &said["human"]), (&json!("Who likes <b>shade</b>?"), &json!(true)));
    assert_eq!(feed.next_of("state").await, json!({ "persona": "ada", "state": "speaking" }));
    assert_eq!(feed.next_of("caption").await["text"], "Ferns ");
    assert_eq!(feed.next_of("turn").await["e2e_us"], 450_000);
    let status = feed.next_of("status").await;
    assert_eq!(status["personas"][0]["state"], "speaking");
    stage.close().await;
}

/// The fields of an answer at every depth, without what differs from run to run.
fn shape(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, it)| (name.clone(), shape(it))).collect()
        }
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        other => other.clone(),
    }
}

#[tokio::test]
async fn the_shapes_of_the_feed_are_stable() {
    let stage = Stage::open().await;
    stage.publisher.event(line(1));
    stage.publisher.event(Event::Turn(turn(1, "ada")));
    // The ledger has both when it answers for the second.
    while get(stage.at, "/api/turns").await.json()["turns"][0].is_null() {}
    let mut feed = Feed::open(stage.at).await;
    let mut shapes = vec![json!({ "snapshot": shape(&feed.next_of("snapshot").await) })];
    let ada = PersonaId::new("ada");
    stage.publisher.state(&ada, AgentState::Speaking);
    stage.publisher.event(line(2));
    let (segment, text) = ("s1".to_owned(), "Ferns ".to_owned());
    let caption = Caption { speaker: Speaker::Persona(ada), segment, text, last: false };
    stage.publisher.event(Event::Caption(caption));
    stage.publisher.event(Event::Turn(turn(2, "ada")));
    for kind in ["state", "line", "caption", "turn", "status"] {
        shapes.push(json!({ kind: shape(&feed.next_of(kind).await) }));
    }
    super::settings().bind(|| insta::assert_json_snapshot!("pages_events", shapes));
    stage.close().await;
}

#[tokio::test]
async fn a_page_that_comes_late_gets_what_was() {
    let stage = Stage::open().await;
    let mut first = Feed::open(stage.at).await;
    first.next_of("snapshot").await;
    stage.publisher.event(line(1));
    stage.publisher.event(Event::Turn(turn(1, "ada")));
    first.next_of("turn").await;
    let late = Feed::open(stage.at).await.next_of("snapshot").await;
    assert_eq!(late["lines"][0]["id"], "l1");
    assert_eq!(late["turns"][0]["turn"], "t1");
    assert_eq!(late["latency"][0]["persona"], "ada");
    stage.close().await;
}

#[tokio::test]
async fn changes_that_come_together_are_told_once() {
    let stage = Stage::open().await;
    let mut feed = Feed::open(stage.at).await;
    feed.next_of("snapshot").await;
    for restarts in 1..=50 {
        stage.publisher.persona(&PersonaId::new("ada"), |ada| ada.restarts = restarts);
    }
    assert_eq!(feed.next_of("status").await["personas"][0]["restarts"], 50);
    stage.close().await;
}

/// More than the sockets' buffers and the whole ring of the feed hold.
const FLOOD: u64 = 30_000;

#[tokio::test]
async fn a_page_that_stops_reading_slows_nobody_and_is_told_what_it_missed() {
    let stage = Stage::open().await;
    let mut stuck = Feed::open(stage.at).await;
    stuck.next_of("snapshot").await;
    let mut awake = Feed::open(stage.at).await;
    awake.next_of("snapshot").await;
    for number in 1..=FLOOD {
        // Never waits; the awake page keeps up when it gets a turn now and then.
        stage.publisher.event(line(number));
        if number % 200 == 0 {
            while awake.next_of("line").await["id"] != format!("l{number}") {}
        }
    }
    // The host and the other pages were not held up; now the stuck one wakes.
    let missed = stuck.next_of("lagged").await["missed"].as_u64().expect("a count");
    assert!(missed > 0 && missed < FLOOD, "{missed}");
    let fresh = stuck.next().await;
    assert_eq!(fresh.kind, "snapshot");
    let lines = fresh.data["lines"].as_array().expect("lines");
    assert_eq!(lines.last().expect("a line")["id"], format!("l{FLOOD}"));
    let lost = get(stage.at, "/api/status").await.json();
    assert_eq!(lost["queues"][1]["name"], "pages.events");
    assert_eq!(lost["queues"][1]["dropped"], 0);
    assert_eq!(lost["queues"][2]["name"], "pages.frames");
    assert_eq!(lost["queues"][2]["dropped"], missed);
    stage.close().await;
}

#[tokio::test]
async fn more_pages_than_can_listen_are_refused_and_a_place_comes_free() {
    let stage = Stage::open().await;
    let mut pages = Vec::new();
    for _ in 0..64 {
        let mut page = Feed::open(stage.at).await;
        page.next_of("snapshot").await;
        pages.push(page);
    }
    let refused = get(stage.at, "/api/events").await;
    assert_eq!(refused.status, 503);
    assert!(refused.json()["error"].as_str().is_some_and(|it| it.contains("close one")));
    drop(pages.pop());
    // The server sees a closed page when it next writes to it.
    stage.publisher.event(line(1));
    let mut tries = 0;
    while get_feed(&stage).await.is_none() {
        tries += 1;
        assert!(tries < 100, "the place did not come free");
        stage.publisher.event(line(1));
        tokio::task::yield_now().await;
    }
    stage.close().await;
}

/// A feed when there is a place for it.
async fn get_feed(stage: &Stage) -> Option<Feed> {
    let mut feed = Feed::open(stage.at).await;
    feed.begins().await.then_some(feed)
}
