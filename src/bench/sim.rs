//! `troupe bench sim`: rooms thrown from seeds, on virtual time, in which everything goes wrong;
//! what must hold in every room is checked at every step.
//!
//! Each seed is played twice: on the turn core alone ([`bare`]), where events are late, lost or
//! told twice, and in the host's own room ([`hall`]), where sound, ears, engine and voice are.
//! A room that fails is made short by leaving parts of it out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::{BenchError, Report, row};

mod bare;
mod dice;
mod doubles;
mod hall;
mod plan;
mod rules;
mod shrink;

use plan::{Act, Plan};

/// Failures that are made short and told; one is mended before the next is looked at.
const TOLD_MAX: usize = 5;

/// Which rooms are played.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub first_seed: u64,
    pub seeds: u64,
}

/// What a room came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Things that happened to it.
    pub(super) events: u64,
    /// Humans' lines.
    pub(super) lines: u64,
    /// Turns that got the floor.
    pub(super) turns: u64,
}

/// What a seed is played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ground {
    Core,
    Room,
}

/// A room in which a rule does not hold.
struct Failure {
    plan: Plan,
    ground: Ground,
    why: String,
}

/// Plays the rooms of all seeds, on all cores.
///
/// # Errors
/// Tells the seeds of rooms in which a rule does not hold, the rule, and the shortest such room.
pub fn run(options: Options) -> Result<Report, BenchError> {
    let mut report = Report::new("sim");
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let results = Mutex::new((Vec::new(), [Tally::default(); 2]));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.seeds {
                return;
            }
            let plan = Plan::throw(options.first_seed.wrapping_add(number));
            for ground in [Ground::Core, Ground::Room] {
                let played = ground.play(&plan);
                let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                match played {
                    Ok(tally) => results.1[ground as usize].add(tally),
                    Err(why) => results.0.push(Failure { plan: plan.clone(), ground, why }),
                }
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..report.machine.cores.max(1) {
            threads.spawn(work);
        }
    });
    let (failures, tallies) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failures.is_empty() {
        let told: Vec<String> = failures.iter().take(TOLD_MAX).map(Failure::tell).collect();
        let count = failures.len();
        return Err(BenchError::Wrong(format!("{count} rooms broke:\n{}", told.join("\n"))));
    }
    for (ground, tally) in [Ground::Core, Ground::Room].into_iter().zip(tallies) {
        report.rows.push(row([
            ("ground", ground.as_str().into()),
            ("rooms", options.seeds.into()),
            ("events", tally.events.into()),
            ("lines", tally.lines.into()),
            ("turns", tally.turns.into()),
            ("broken", 0.into()),
        ]));
    }
    let wall_s = began.elapsed().as_secs_f64();
    let figures = [
        ("first_seed", options.first_seed as f64),
        ("seeds", options.seeds as f64),
        ("seeds_per_s", options.seeds as f64 / wall_s.max(f64::EPSILON)),
        ("wall_s", wall_s),
    ];
    report.figures.extend(figures.map(|(key, value)| (key.to_owned(), value)));
    Ok(report)
}

impl Ground {
    fn as_str(self) -> &'static str {
        match self {
            Self::Core => "turn core",
            Self::Room => "room",
        }
    }

    /// Plays a plan; a panic is a rule that does not hold, too.
    fn play(self, plan: &Plan) -> Result<Tally, String> {
        let play = || match self {
            Self::Core => bare::run(plan),
            Self::Room => hall::run(plan),
        };
        catch_unwind(AssertUnwindSafe(play)).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(format!("a panic: {text}"))
        })
    }
}

impl Failure {
    /// The seed, the rule, and the shortest room that breaks one.
    fn tell(&self) -> String {
        let with = |acts: &[(u64, Act)]| Plan { acts: acts.to_vec(), ..self.plan.clone() };
        let short = shrink::shrink(&self.plan.acts, |acts| self.ground.play(&with(acts)).is_err());
        let why = self.ground.play(&with(&short)).err().unwrap_or_default();
        let (seed, ground, cast) = (self.plan.seed, self.ground.as_str(), self.plan.personas);
        let mut text = format!(
            "seed {seed}, {ground}, a cast of {cast}: {}\n  the shortest room that breaks ({why}):",
            self.why
        );
        for (at_ms, act) in &short {
            text += &format!("\n  {at_ms:>7} ms  {act:?}");
        }
        text
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.events += other.events;
        self.lines += other.lines;
        self.turns += other.turns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_room_every_time() {
        let thrown = |seed| format!("{:?}", Plan::throw(seed));
        assert_eq!(thrown(7), thrown(7));
        assert_ne!(thrown(7), thrown(8));
        let turns = |seed| Ground::Core.play(&Plan::throw(seed)).map(|tally| tally.turns);
        assert_eq!(turns(7), turns(7));
    }
}
