//! The exporter against a receiver that decodes with OpenTelemetry's own types, and against
//! receivers that do not answer.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, metric};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use troupe::id::{LineId, PersonaId, TurnId};
use troupe::latency::{Anchor, Anchors, Outcome, Usage};
use troupe::telemetry::{Exporter, Options, QUEUE_MAX, Turn};
use troupe::time::Time;
use troupe::turn::Settled;

const ENDED_MS: u64 = 5_000;

/// What a receiver got.
#[derive(Clone, Default)]
struct Got {
    traces: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    metrics: Arc<Mutex<Vec<ExportMetricsServiceRequest>>>,
}

impl Got {
    fn spans(&self) -> Vec<Span> {
        let traces = self.traces.lock().expect("no handler panics");
        let scopes = traces.iter().flat_map(|t| &t.resource_spans).flat_map(|r| &r.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// The histograms of the newest request, by name; each has one point.
    fn points(&self) -> HashMap<String, HistogramDataPoint> {
        let metrics = self.metrics.lock().expect("no handler panics");
        let newest = metrics.last().expect("a request").resource_metrics.clone();
        let metrics = newest.into_iter().flat_map(|r| r.scope_metrics).flat_map(|s| s.metrics);
        let point = |it: opentelemetry_proto::tonic::metrics::v1::Metric| {
            assert_eq!(it.unit, "s");
            let Some(metric::Data::Histogram(histogram)) = it.data else { panic!("{}", it.name) };
            assert_eq!(histogram.aggregation_temporality, 2, "cumulative");
            (it.name, histogram.data_points.into_iter().next().expect("a point"))
        };
        metrics.map(point).collect()
    }
}

fn check(headers: &HeaderMap) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["x-key"], "a key");
}

async fn traces(State(got): State<Got>, headers: HeaderMap, body: Bytes) -> StatusCode {
    check(&headers);
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP traces");
    got.traces.lock().expect("no handler panics").push(request);
    StatusCode::OK
}

async fn metrics(State(got): State<Got>, headers: HeaderMap, body: Bytes) -> StatusCode {
    check(&headers);
    let request = ExportMetricsServiceRequest::decode(body).expect("OTLP metrics");
    got.metrics.lock().expect("no handler panics").push(request);
    StatusCode::OK
}

/// A receiver on a port of its own.
async fn receiver() -> (Options, Got) {
    let got = Got::default();
    let routes = Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/metrics", post(metrics))
        .with_state(got.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (options(&format!("http://{at}/")), got)
}

fn options(endpoint: &str) -> Options {
    Options {
        endpoint: endpoint.to_owned(),
        headers: vec![("x-key".to_owned(), "a key".to_owned())],
        service: "troupe".to_owned(),
        room: "den".to_owned(),
    }
}

/// A heard line, begun at 1 s and ended at 2 s, that a persona answered or let pass.
fn turn(number: u64, persona: &str, outcome: Outcome) -> Turn {
    let at = Time::from_ms;
    let mut anchors = Anchors::heard(at(2_000), at(2_300)).begun_at(at(1_000));
    anchors.mark(Anchor::Text, at(2_500));
    let mut usage = Usage::default();
    if outcome != Outcome::Passed {
        let moments = [
            (Anchor::Granted, 2_510),
            (Anchor::Started, 2_520),
            (Anchor::Prefilled, 2_600),
            (Anchor::FirstText, 2_620),
            (Anchor::FirstClause, 2_700),
            (Anchor::FirstAudio, 2_800),
            (Anchor::Published, 2_810),
        ];
        moments.into_iter().for_each(|(anchor, ms)| anchors.mark(anchor, at(ms)));
        usage.completion_tokens = Some(21);
        usage.decode_tok_s = Some(50.0);
    }
    let settled = Settled {
        turn: TurnId(number),
        line: LineId(1),
        persona: PersonaId::new(persona),
        outcome,
        reason: "named".into(),
        confidence: 1.0,
        heard: "Ferns like shade.".to_owned(),
    };
    let wall = UNIX_EPOCH + Duration::from_secs(1_000);
    let record = settled.into_record(&anchors, usage);
    Turn { record, anchors, ended: at(ENDED_MS), wall }
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = &attributes.iter().find(|pair| pair.key == key)?.value;
    match value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

/// Milliseconds by the host's clock.
fn span_ms(span: &Span) -> (u64, u64) {
    let ms = |unix_ns: u64| unix_ns / 1_000_000 + ENDED_MS - 1_000_000;
    (ms(span.start_time_unix_nano), ms(span.end_time_unix_nano))
}

/// Ends an exporter, which sends what waits.
async fn flush(guard: troupe::telemetry::Guard) {
    tokio::task::spawn_blocking(move || drop(guard)).await.expect("no panic");
}

#[tokio::test]
async fn a_line_is_a_trace_with_the_turns_of_user_and_agents() {
    let (options, got) = receiver().await;
    let (exporter, guard) = Exporter::start(options).expect("a thread");
    exporter.turn(turn(1, "otis", Outcome::Passed));
    exporter.turn(turn(2, "ada", Outcome::Spoke));
    flush(guard).await;

    let spans = got.spans();
    let named: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span_ms(span))).collect();
    let expected = [
        ("user_turn", (1_000, 2_500)),
        ("agent_turn", (2_510, ENDED_MS)),
        // 20 tokens after the first, 50 a second.
        ("llm_node", (2_510, 3_020)),
        ("tts_node", (2_700, 2_800)),
    ];
    assert_eq!(named, expected);
    let [user, agent, llm, tts] = spans.as_slice() else { panic!("four spans") };
    assert!(spans.iter().all(|span| span.trace_id == user.trace_id && span.span_id.len() == 8));
    assert_eq!((user.trace_id.len(), user.parent_span_id.len()), (16, 0));
    assert_eq!(agent.parent_span_id, user.span_id);
    assert_eq!((&llm.parent_span_id, &tts.parent_span_id), (&agent.span_id, &agent.span_id));
    assert_eq!(text(&agent.attributes, "troupe.persona").as_deref(), Some("ada"));
    assert_eq!(text(&agent.attributes, "lk.e2e_latency").as_deref(), Some("DoubleValue(0.81)"));
    assert_eq!(
        text(&llm.attributes, "gen_ai.usage.output_tokens").as_deref(),
        Some("IntValue(21)")
    );
    let all = format!("{spans:?}");
    assert!(!all.contains("Ferns"), "what was said is in no span");
    assert_eq!((exporter.stats().sent, exporter.stats().dropped), (2, 0));
}

#[tokio::test]
async fn the_figures_of_granted_turns_are_histograms_under_livekits_names() {
    let (options, got) = receiver().await;
    let (exporter, guard) = Exporter::start(options).expect("a thread");
    for number in 1..=3 {
        exporter.turn(turn(number, "ada", Outcome::Spoke));
    }
    exporter.turn(turn(4, "otis", Outcome::Passed));
    flush(guard).await;

    let points = got.points();
    let mut names: Vec<_> = points.keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "lk.agents.turn.e2e_latency",
        "lk.agents.turn.end_of_turn_delay",
        "lk.agents.turn.llm_ttfs",
        "lk.agents.turn.llm_ttft",
        "lk.agents.turn.playback_latency",
        "lk.agents.turn.transcription_delay",
        "lk.agents.turn.tts_ttfb",
    ];
    assert_eq!(names, expected);
    let e2e = &points["lk.agents.turn.e2e_latency"];
    assert_eq!((e2e.count, e2e.bucket_counts.iter().sum::<u64>()), (3, 3));
    assert!((e2e.sum.expect("a sum") - 3.0 * 0.81).abs() < 1e-9);
    let bucket = e2e.bucket_counts.iter().position(|count| *count == 3).expect("one bucket");
    assert!(e2e.explicit_bounds[bucket - 1] < 0.81 && 0.81 <= e2e.explicit_bounds[bucket]);
    assert_eq!(e2e.bucket_counts.len(), e2e.explicit_bounds.len() + 1);
    assert_eq!(text(&e2e.attributes, "troupe.persona").as_deref(), Some("ada"));
    assert!(e2e.start_time_unix_nano <= e2e.time_unix_nano);
    let resource = got.metrics.lock().expect("no handler panics")[0].resource_metrics[0].clone();
    let resource = resource.resource.expect("a resource").attributes;
    assert_eq!(text(&resource, "service.name").as_deref(), Some("troupe"));
    assert_eq!(text(&resource, "lk.room_name").as_deref(), Some("den"));
}

#[test]
fn a_receiver_that_does_not_answer_costs_turns_and_no_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("bound");
    let (exporter, guard) = Exporter::start(options(&format!("http://{at}"))).expect("a thread");
    let many = 4 * QUEUE_MAX as u64;
    let begun = Instant::now();
    for number in 0..many {
        exporter.turn(turn(number, "ada", Outcome::Spoke));
    }
    // A request may take ten seconds; handing over may not wait for it.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let stats = exporter.stats();
    assert!(stats.dropped > 0 && stats.sent == 0, "{stats:?}");

    // It hangs up: the rest of the requests fail at once.
    let (asked, _) = listener.accept().expect("the exporter asks");
    drop((asked, listener));
    drop(guard);
    let stats = exporter.stats();
    assert_eq!((stats.sent, stats.dropped, stats.waiting), (0, many, 0), "{stats:?}");
    assert!(stats.error.is_some_and(|error| !error.contains("a key")));
}

#[tokio::test]
async fn a_receiver_that_refuses_is_named_and_the_turn_counted() {
    let routes = Router::new().fallback(|| async { StatusCode::UNAUTHORIZED });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let at = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let (exporter, guard) = Exporter::start(options(&format!("http://{at}"))).expect("a thread");
    exporter.turn(Turn { wall: SystemTime::now(), ..turn(1, "ada", Outcome::Failed) });
    flush(guard).await;
    let stats = exporter.stats();
    assert_eq!((stats.sent, stats.dropped), (0, 1));
    assert_eq!(stats.error.as_deref(), Some("it answered 401"));
}
