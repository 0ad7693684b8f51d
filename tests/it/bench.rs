//! The benches that need no model: that they do their work, not how fast this machine is.

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
