//! Rooms in which everything goes wrong, a few seconds of them. `troupe bench sim --seeds 10000`
//! plays more.

use troupe::bench::sim::{Options, run};

#[test]
fn what_must_hold_holds_in_every_simulated_room() {
    let report =
        run(Options { first_seed: 1, seeds: 60 }).unwrap_or_else(|error| panic!("{error}"));
    // Rooms in which nothing happens would hold every rule.
    for row in &report.rows {
        for column in ["lines", "turns"] {
            let count = row[column].as_u64().unwrap_or(0);
            assert!(count > 100, "{row:?}");
        }
    }
}
