//! The benches that need no model: that they do their work, not how fast this machine is.

use std::path::Path;

use troupe::bench::replay;
use troupe::bench::stress::{Options, run};

#[test]
fn every_room_of_the_stress_bench_does_all_its_work() {
    // The bench itself refuses a wrong number of seats, warm-ups or generations, and any failure.
    let report =
        run(&Options { rounds: 1, personas_max: 4, model: None }).expect("the rooms do their work");
    let rooms: Vec<_> = report.rows.iter().map(|row| (&row["variant"], &row["room"])).collect();
    assert_eq!(rooms.len(), 6, "{rooms:?}");
    for row in &report.rows {
        let turns_ms = ["p50_ms", "p95_ms", "p99_ms", "max_turn_ms"].map(|key| &row[key]);
        let turns_ms: Vec<f64> = turns_ms.iter().filter_map(|value| value.as_f64()).collect();
        assert!(turns_ms.is_sorted() && turns_ms[0] > 0.0, "{row:?}");
    }
    assert!(report.figures.contains_key("overhead_p99_ms_4"), "{:?}", report.figures);
}

#[test]
fn every_tape_of_the_replay_bench_has_a_row_and_is_part_of_the_figure() {
    let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rooms");
    let tapes = vec![rooms.join("named-question"), rooms.join("barge-in")];
    let report = replay::run(&replay::Options { tapes }).expect("good tapes");
    let names: Vec<_> = report.rows.iter().map(|row| &row["tape"]).collect();
    assert_eq!(names, ["named-question", "barge-in"]);
    for row in &report.rows {
        assert!(row["tape_s"].as_f64() > Some(1.0) && row["effects"].as_u64() > Some(5), "{row:?}");
    }
    // A loaded machine and an unoptimised build; the figure itself is measured in release.
    assert!(report.figures["realtime_factor"] > 20.0, "{:?}", report.figures);
    assert!(report.figures["realtime_factor_worst"] <= report.figures["realtime_factor"]);
    let none = replay::Options { tapes: vec![rooms] };
    let error = replay::run(&none).expect_err("no tape lies there").to_string();
    assert!(error.contains("cannot be read"), "{error}");
}
