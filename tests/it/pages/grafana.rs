//! The dashboard asks only for what `/metrics` has.

use std::collections::BTreeSet;

use serde_json::Value;
use troupe::admin::state::Event;

use super::client::{Feed, get};
use super::house::{Stage, turn};

const DASHBOARD: &str = include_str!("../../../docs/grafana.json");

/// The series of an exposition, by the kinds of its metrics.
fn series(exposition: &str) -> BTreeSet<String> {
    let kinds = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = kinds.filter_map(|line| line.split_once(' ')).flat_map(|(name, kind)| {
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        endings.iter().map(move |ending| format!("{name}{ending}"))
    });
    names.collect()
}

/// Every string below `value`, so that no kind of question is forgotten.
fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

/// The words of a dashboard that begin as our metrics do.
fn asked(dashboard: &str) -> BTreeSet<String> {
    let dashboard: Value = serde_json::from_str(dashboard).expect("JSON");
    let mut texts = Vec::new();
    strings(&dashboard, &mut texts);
    let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let words = texts.iter().flat_map(|text| text.split(word));
    let ours = |word: &&str| word.starts_with("troupe_") || word.starts_with("lk_");
    words.filter(ours).map(str::to_owned).collect()
}

#[test]
fn a_series_that_is_not_there_is_noticed() {
    let there = series("# TYPE troupe_turns counter\n# TYPE troupe_e2e histogram\n");
    let asked = asked(r#"{"a":[{"expr":"rate(troupe_e2e_bucket[1m])"},{"expr":"troupe_turns"}]}"#);
    let strays: Vec<_> = asked.difference(&there).collect();
    assert_eq!(strays, ["troupe_turns"]);
}

#[tokio::test]
async fn the_dashboard_names_only_metrics_that_exist() {
    let stage = Stage::open().await;
    let mut feed = Feed::open(stage.at).await;
    feed.next_of("snapshot").await;
    stage.publisher.event(Event::Turn(turn(1, "ada")));
    feed.next_of("turn").await;
    let there = series(&get(stage.at, "/metrics").await.body);
    let asked = asked(DASHBOARD);
    assert!(asked.len() > 15, "{asked:?}");
    let strays: Vec<_> = asked.difference(&there).collect();
    assert!(strays.is_empty(), "docs/grafana.json asks for {strays:?}");
    drop(feed);
    stage.close().await;
}
