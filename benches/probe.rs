//! What a probe costs: off it must be next to nothing (2 ns at most), on it may cost what a
//! bounded queue does.
//!
//! `cargo bench --no-default-features --bench probe`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use troupe::id::{PersonaId, TurnId};
use troupe::probe::{self, Options, Probe, QUEUE_MAX, Selection, Sink};
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

fn on(c: &mut Criterion) {
    let persona = PersonaId::new("ada");
    let (sink, guard) = Sink::start(std::io::sink(), QUEUE_MAX).expect("a thread");
    c.bench_function("on/queued", |b| {
        b.iter(|| {
            sink.emit(
                Time::ZERO,
                Probe::KvReuse {
                    turn: TurnId(7),
                    persona: persona.clone(),
                    prompt_tokens: black_box(40),
                    cached_tokens: 30,
                    ratio: 0.75,
                },
            );
        });
    });
    drop(guard);
    let file = std::env::temp_dir().join("troupe-probe-bench.jsonl");
    let options = Options { file, classes: Selection::ALL };
    let guard = probe::install(&options).expect("a writable folder");
    c.bench_function("on/time_sync", |b| {
        b.iter(|| troupe::time_sync!("bench", black_box(40)));
    });
    drop(guard);
}

// The order matters: the second turns the probes of the process on.
criterion_group!(benches, off, on);
criterion_main!(benches);
