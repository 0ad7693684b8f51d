//! What a probe costs the code that has it: off next to nothing (2 ns at most), on what a bounded
//! queue costs.
//!
//! `cargo bench --no-default-features --bench probe`

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use troupe::id::{PersonaId, TurnId};
use troupe::probe::{self, Options, Probe, QUEUE_MAX, Selection, Sink, Stats};
use troupe::time::Time;

fn off(c: &mut Criterion) {
    let persona = PersonaId::new("ada");
    c.bench_function("off/probe", |b| {
        b.iter(|| {
            let tokens = black_box(40);
            troupe::probe!(KvReuse {
                turn: TurnId(7),
                persona: persona.clone(),
                prompt_tokens: tokens,
                cached_tokens: 30,
                ratio: 0.75,
            });
        });
    });
    c.bench_function("off/time_sync", |b| {
        b.iter(|| troupe::time_sync!("bench", black_box(40)));
    });
}

/// The time of `rounds` of `work`, in bursts that fit the queue; between them the writer catches
/// up, so that it is no full queue that is measured.
fn bursts(rounds: u64, work: impl Fn(), waiting: impl Fn() -> u64) -> Duration {
    let mut took = Duration::ZERO;
    let mut left = rounds;
    while left > 0 {
        let burst = left.min(QUEUE_MAX as u64 / 2);
        let begun = Instant::now();
        (0..burst).for_each(|_| work());
        took += begun.elapsed();
        left -= burst;
        while waiting() > 0 {
            thread::yield_now();
        }
    }
    took
}

fn on(c: &mut Criterion) {
    let persona = PersonaId::new("ada");
    let (sink, guard) = Sink::start(std::io::sink(), QUEUE_MAX).expect("a thread");
    let emit = || {
        let probe = Probe::KvReuse {
            turn: TurnId(7),
            persona: persona.clone(),
            prompt_tokens: black_box(40),
            cached_tokens: 30,
            ratio: 0.75,
        };
        sink.emit(Time::ZERO, probe);
    };
    c.bench_function("on/probe", |b| {
        b.iter_custom(|rounds| bursts(rounds, emit, || sink.stats().waiting));
    });
    assert_eq!(sink.stats().dropped, 0);
    drop(guard);

    let file = std::env::temp_dir().join("troupe-probe-bench.jsonl");
    let options = Options { file: file.clone(), classes: Selection::ALL };
    let guard = probe::install(&options).expect("a writable folder");
    let work = || {
        troupe::time_sync!("bench", black_box(40));
    };
    let waiting = || probe::stats().map_or(0, |Stats { waiting, .. }| waiting);
    c.bench_function("on/time_sync", |b| b.iter_custom(|rounds| bursts(rounds, work, waiting)));
    drop(guard);
    std::fs::remove_file(file).expect("it was written");
}

// The order matters: the second turns the probes of the process on.
criterion_group!(benches, off, on);
criterion_main!(benches);
