use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    seats: 3,
    waiting: 8,
    step_tokens: 8,
    room: 64,
    patience_steps: 5,
    copy_tokens: 12,
    whole_parts: false,
};

fn job(id: u64, seat: usize) -> Job {
    let (id, seat, class) = (JobId(id), SeatId(seat), Class::Reply);
    Job { id, seat, class, max_tokens: 4, deadline: Time::from_ms(1_000) }
}

fn tokens(range: std::ops::Range<i32>) -> Vec<Token> {
    range.collect()
}

/// A picture in two parts of five and two positions.
fn picture(number: i32) -> Vec<Token> {
    let first = -2 - 10 * number;
    (0..5).chain(6..8).map(|at| first - at).collect()
}

fn start(scheduler: &mut Scheduler, job: Job, prompt: &[Token]) -> Kept {
    scheduler.submit(job).unwrap();
    assert_eq!(scheduler.admit().unwrap().id, job.id);
    scheduler.begin(job.id, prompt, usize::MAX).unwrap()
}

/// Computes until nothing is left, choosing `token` each time; returns the number of steps.
fn run_dry(scheduler: &mut Scheduler, token: Token) -> usize {
    for step in 0..1_000 {
        let rows = scheduler.plan();
        if rows.is_empty() {
            return step;
        }
        scheduler.computed(&rows);
        for row in rows.iter().filter(|row| row.scores) {
            if scheduler.chosen(row.job, token) == Next::Full {
                scheduler.end(row.job);
            }
        }
    }
    panic!("it never ends")
}

#[test]
fn speakers_come_before_prompts_and_the_budget_holds() {
    let mut scheduler = Scheduler::new(LIMITS);
    start(&mut scheduler, job(1, 0), &tokens(0..3));
    let rows = scheduler.plan();
    scheduler.computed(&rows);
    assert_eq!(scheduler.chosen(JobId(1), 90), Next::More);
    start(&mut scheduler, job(2, 1), &tokens(0..30));
    let rows = scheduler.plan();
    assert_eq!(rows.len(), LIMITS.step_tokens);
    let speaker = Row { job: JobId(1), seat: SeatId(0), position: 3, token: 90, scores: true };
    assert_eq!(rows[0], speaker);
    assert!(rows[1..].iter().all(|row| row.job == JobId(2) && !row.scores));
}

#[test]
fn a_seat_keeps_the_common_beginning_and_always_computes_the_last_token() {
    let mut scheduler = Scheduler::new(LIMITS);
    assert_eq!(start(&mut scheduler, job(1, 0), &tokens(0..10)).tokens, 0);
    run_dry(&mut scheduler, 90);
    assert_eq!(scheduler.seat(SeatId(0)), [tokens(0..10), vec![90, 90, 90]].concat());
    let next = [tokens(0..10), vec![90, 90, 7, 8]].concat();
    assert_eq!(start(&mut scheduler, job(2, 0), &next).tokens, 12);
    assert_eq!(scheduler.plan()[0].position, 12);
    run_dry(&mut scheduler, 90);
    assert_eq!(start(&mut scheduler, job(3, 0), &next).tokens, next.len() - 1);
}

#[test]
fn what_another_seat_of_the_group_holds_is_copied_where_it_spares_enough() {
    let mut scheduler = Scheduler::new(LIMITS);
    scheduler.join(SeatId(2), Group(1));
    start(&mut scheduler, job(1, 0), &tokens(0..40));
    run_dry(&mut scheduler, 90);
    let prompt = [tokens(0..20), tokens(50..55)].concat();
    let kept = start(&mut scheduler, job(2, 1), &prompt);
    assert_eq!((kept.tokens, kept.copied), (20, Some((SeatId(0), 20))));
    assert_eq!(scheduler.seat(SeatId(1)), tokens(0..20));
    run_dry(&mut scheduler, 90);
    // Its own beginning is as good, the other group's tokens are others, and a little is computed.
    let longer = [prompt.clone(), tokens(60..63)].concat();
    assert_eq!(start(&mut scheduler, job(3, 1), &longer).copied, None);
    assert_eq!(start(&mut scheduler, job(4, 2), &prompt).copied, None);
    run_dry(&mut scheduler, 90);
    let mut scheduler = Scheduler::new(LIMITS);
    start(&mut scheduler, job(1, 0), &tokens(0..40));
    run_dry(&mut scheduler, 90);
    scheduler.submit(job(5, 1)).unwrap();
    scheduler.admit().unwrap();
    let kept = scheduler.begin(JobId(5), &prompt, LIMITS.copy_tokens - 1).unwrap();
    assert_eq!((kept.tokens, kept.copied), (0, None));
}

#[test]
fn one_job_per_seat_and_the_others_wait_in_order() {
    let mut scheduler = Scheduler::new(LIMITS);
    for (id, seat) in [(1, 0), (2, 0), (3, 1)] {
        scheduler.submit(job(id, seat)).unwrap();
    }
    assert_eq!(scheduler.admit().map(|job| job.id), Some(JobId(1)));
    assert_eq!(scheduler.admit().map(|job| job.id), Some(JobId(3)));
    assert!(scheduler.admit().is_none());
    scheduler.end(JobId(1));
    assert_eq!(scheduler.admit().map(|job| job.id), Some(JobId(2)));
}

#[test]
fn the_line_is_bounded() {
    let mut scheduler = Scheduler::new(Limits { waiting: 1, ..LIMITS });
    scheduler.submit(job(1, 0)).unwrap();
    assert_eq!(scheduler.submit(job(2, 0)), Err(Full { waiting: 1 }));
}

#[test]
fn the_cancelled_and_the_overdue_leave_at_the_next_sweep() {
    let mut scheduler = Scheduler::new(LIMITS);
    start(&mut scheduler, job(1, 0), &tokens(0..30));
    scheduler.submit(job(2, 0)).unwrap();
    let gone = scheduler.sweep(Time::ZERO, |id| id == JobId(1));
    assert_eq!(gone, [(JobId(1), Left::Cancelled)]);
    assert!(scheduler.plan().is_empty());
    // Its seat is free for the next at once.
    assert_eq!(scheduler.admit().map(|job| job.id), Some(JobId(2)));
    let late = scheduler.sweep(Time::from_ms(1_000), |_| false);
    assert_eq!(late, [(JobId(2), Left::Overdue)]);
    assert!(scheduler.idle());
}

#[test]
fn a_prompt_that_fills_its_seat_is_refused_and_a_full_seat_ends_the_reply() {
    let mut scheduler = Scheduler::new(LIMITS);
    scheduler.submit(Job { max_tokens: 100, ..job(1, 0) }).unwrap();
    scheduler.admit().unwrap();
    assert!(scheduler.begin(JobId(1), &tokens(0..64), 64).is_none());
    assert!(scheduler.begin(JobId(1), &[], 64).is_none());
    scheduler.begin(JobId(1), &tokens(0..60), 64).unwrap();
    run_dry(&mut scheduler, 90);
    assert_eq!(scheduler.seat(SeatId(0)).len(), LIMITS.room - 1);
}

#[test]
fn a_prompt_for_a_reply_goes_before_one_that_nobody_waits_for() {
    let mut scheduler = Scheduler::new(LIMITS);
    start(&mut scheduler, Job { class: Class::Ahead, ..job(1, 0) }, &tokens(0..30));
    start(&mut scheduler, job(2, 1), &tokens(0..20));
    let rows = scheduler.plan();
    assert!(rows.iter().all(|row| row.job == JobId(2)), "{rows:?}");
    // A waiting reply also gets its seat first.
    for (id, class) in [(3, Class::Ahead), (4, Class::Reply)] {
        scheduler.submit(Job { class, ..job(id, 2) }).unwrap();
    }
    assert_eq!(scheduler.admit().map(|job| job.id), Some(JobId(4)));
}

#[test]
fn steps_are_longer_where_somebody_waits_and_nobody_speaks() {
    let mut scheduler = Scheduler::new(Limits { step_tokens: 64, ..LIMITS });
    scheduler.set_step_tokens(3);
    start(&mut scheduler, Job { class: Class::Ahead, ..job(1, 0) }, &tokens(0..60));
    assert_eq!(scheduler.plan().len(), 3);
    start(&mut scheduler, Job { max_tokens: 90, ..job(2, 1) }, &tokens(0..14));
    let rows = scheduler.plan();
    assert_eq!(rows.len(), 3 * PROMPT_STEPS);
    scheduler.computed(&rows);
    let rows = scheduler.plan();
    assert_eq!(rows.iter().filter(|row| row.job == JobId(2)).count(), 2);
    scheduler.computed(&rows);
    scheduler.chosen(JobId(2), 90);
    start(&mut scheduler, job(3, 2), &tokens(0..60));
    // One that speaks, and two of a prompt.
    assert_eq!(scheduler.plan().len(), 3);
}

#[test]
fn whoever_was_passed_over_for_long_goes_first() {
    let mut scheduler = Scheduler::new(LIMITS);
    start(&mut scheduler, Job { class: Class::Ahead, ..job(1, 0) }, &tokens(0..9));
    start(&mut scheduler, job(2, 1), &tokens(0..60));
    let mut served = Vec::new();
    for _ in 0..6 {
        let rows = scheduler.plan();
        served.push(rows[0].job.0);
        scheduler.computed(&rows);
    }
    assert_eq!(served, [2, 2, 2, 2, 2, 1]);
}

#[test]
fn a_step_is_for_one_group_and_groups_take_turns() {
    let mut scheduler = Scheduler::new(LIMITS);
    scheduler.join(SeatId(1), Group(1));
    for seat in 0..2 {
        start(&mut scheduler, Job { max_tokens: 40, ..job(seat, seat as usize) }, &tokens(0..2));
    }
    let mut groups = Vec::new();
    for _ in 0..20 {
        let rows = scheduler.plan();
        assert!(rows.iter().all(|row| row.seat.0 == scheduler.group().0), "{rows:?}");
        groups.push(scheduler.group().0);
        scheduler.computed(&rows);
        rows.iter().filter(|row| row.scores).for_each(|row| {
            scheduler.chosen(row.job, 90);
        });
    }
    groups.dedup();
    assert_eq!(groups, [0, 1, 0, 1]);
}

#[test]
fn a_better_class_elsewhere_is_not_kept_waiting() {
    let mut scheduler = Scheduler::new(LIMITS);
    scheduler.join(SeatId(1), Group(1));
    start(&mut scheduler, Job { class: Class::Ahead, ..job(1, 1) }, &tokens(0..60));
    let rows = scheduler.plan();
    scheduler.computed(&rows);
    start(&mut scheduler, job(2, 0), &tokens(0..9));
    assert_eq!(scheduler.plan()[0].job, JobId(2));
}

/// What steps compute, a letter a row: tokens of the job with the picture, its picture, others.
fn drawn(rows: &[Row]) -> String {
    let letter = |row: &Row| match (row.job.0, is_media(row.token)) {
        (1, false) => 't',
        (1, true) => 'p',
        _ => 's',
    };
    rows.iter().map(letter).collect()
}

/// The steps of a prompt with a picture, beside somebody who speaks.
fn steps_of_a_picture(limits: Limits) -> Vec<String> {
    let mut scheduler = Scheduler::new(limits);
    start(&mut scheduler, Job { max_tokens: 90, ..job(2, 1) }, &tokens(0..1));
    let prompt = [tokens(0..9), picture(0), tokens(20..22)].concat();
    let rows = scheduler.plan();
    scheduler.computed(&rows);
    scheduler.chosen(JobId(2), 90);
    start(&mut scheduler, job(1, 0), &prompt);
    scheduler.set_step_tokens(4);
    let mut steps = Vec::new();
    while scheduler.seat(SeatId(0)).len() < prompt.len() {
        let rows = scheduler.plan();
        scheduler.computed(&rows);
        if rows.iter().any(|row| row.job == JobId(2)) {
            scheduler.chosen(JobId(2), 90);
        }
        steps.push(drawn(&rows));
    }
    assert_eq!(scheduler.seat(SeatId(0)), prompt);
    steps
}

#[test]
fn pictures_have_steps_of_their_own_and_whoever_speaks_goes_on_between_them() {
    let steps = steps_of_a_picture(LIMITS);
    let expected = ["sttt", "sttt", "sttt", "pppp", "s", "p", "s", "pp", "stt"];
    assert_eq!(steps, expected);
    let whole = steps_of_a_picture(Limits { whole_parts: true, ..LIMITS });
    assert_eq!(whole, ["sttt", "sttt", "sttt", "ppppp", "s", "pp", "stt"]);
}

#[test]
fn a_picture_is_kept_copied_and_taken_back_like_tokens() {
    for whole_parts in [false, true] {
        let mut scheduler = Scheduler::new(Limits { whole_parts, ..LIMITS });
        let prompt = [tokens(0..9), picture(0), tokens(20..22)].concat();
        start(&mut scheduler, job(1, 0), &prompt);
        run_dry(&mut scheduler, 90);
        // The same picture stays, of another one nothing does, and of half a picture what may.
        assert_eq!(start(&mut scheduler, job(2, 0), &prompt).tokens, prompt.len() - 1);
        scheduler.end(JobId(2));
        let half = scheduler.keeps(JobId(2), &prompt, 12);
        assert_eq!(half, None, "it has ended");
        scheduler.submit(job(3, 0)).unwrap();
        scheduler.admit().unwrap();
        let half = scheduler.keeps(JobId(3), &prompt, 12).unwrap();
        assert_eq!(half.tokens, if whole_parts { 9 } else { 12 });
        let border = scheduler.keeps(JobId(3), &prompt, 14).unwrap();
        assert_eq!(border.tokens, 14);
        let other = [tokens(0..9), picture(1), tokens(20..22)].concat();
        assert_eq!(scheduler.keeps(JobId(3), &other, 99).unwrap().tokens, 9);
        // Looking changes nothing; taking back does.
        assert!(scheduler.plan().is_empty() && scheduler.holds(-2) && !scheduler.holds(-12));
        assert_eq!(scheduler.begin(JobId(3), &prompt, 99).unwrap().tokens, prompt.len() - 1);
        scheduler.hold(JobId(3));
        assert!(scheduler.plan().is_empty() && scheduler.seat(SeatId(0)).is_empty());
        assert_eq!(scheduler.begin(JobId(3), &prompt, 0).unwrap().tokens, 0);
        run_dry(&mut scheduler, 90);
        assert_eq!(start(&mut scheduler, job(4, 1), &prompt).copied, Some((SeatId(0), 17)));
    }
}

#[derive(Clone, Debug)]
enum Act {
    Submit { seat: usize, class: Class, max_tokens: u32 },
    Step { cancel: Option<u64> },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..3usize, any::<bool>(), 1..6u32).prop_map(|(seat, ahead, max_tokens)| {
            let class = if ahead { Class::Ahead } else { Class::Reply };
            Act::Submit { seat, class, max_tokens }
        }),
        proptest::option::weighted(0.2, 0..20u64).prop_map(|cancel| Act::Step { cancel }),
    ]
}

/// The executor's half, with a cache that is checked at every row.
struct World {
    scheduler: Scheduler,
    whole_parts: bool,
    prompts: BTreeMap<JobId, Vec<Token>>,
    cache: Vec<Vec<Token>>,
    submitted: BTreeSet<u64>,
    ended: BTreeMap<u64, u32>,
}

impl World {
    fn end(&mut self, id: JobId) {
        *self.ended.entry(id.0).or_default() += 1;
    }

    /// A step is of tokens, or of a part of one picture.
    fn check_pictures(&self, rows: &[Row]) {
        let Some(first) = rows.first().filter(|_| rows.iter().any(|row| is_media(row.token)))
        else {
            return;
        };
        let shown: Vec<_> = rows.iter().map(|row| row.token).collect();
        assert_eq!(part_length(&shown), rows.len(), "more than a part of a picture: {rows:?}");
        let prompt = &self.prompts[&first.job];
        if self.whole_parts {
            let all = part_length(&prompt[first.position..]);
            let before = first.position.checked_sub(1).map(|before| prompt[before]);
            assert!(all == rows.len() && before != Some(first.token + 1), "in pieces: {rows:?}");
        }
    }

    fn step(&mut self, cancel: Option<u64>) {
        for (id, _) in self.scheduler.sweep(Time::ZERO, |id| Some(id.0) == cancel) {
            self.end(id);
        }
        while let Some(job) = self.scheduler.admit() {
            let length = (job.id.0 as i32 * 7) % 30 + 1;
            let shown = picture(job.id.0 as i32 % 3);
            let shown = [&[][..], &shown, &shown[..5]][job.id.0 as usize % 4 % 3];
            let prompt = [&tokens(0..length / 2), shown, &tokens(50..51 + length / 2)].concat();
            let kept = self.scheduler.begin(job.id, &prompt, usize::MAX).unwrap();
            self.prompts.insert(job.id, prompt);
            if let Some((from, spared)) = kept.copied {
                assert!(spared >= LIMITS.copy_tokens && from.0 / 2 == kept.seat.0 / 2);
                self.cache[kept.seat.0] = self.cache[from.0].clone();
            }
            self.cache[kept.seat.0].truncate(kept.tokens);
        }
        let rows = self.scheduler.plan();
        assert!(rows.len() <= LIMITS.step_tokens);
        self.check_pictures(&rows);
        for row in &rows {
            assert_eq!(self.scheduler.group().0, row.seat.0 / 2, "groups are mixed");
            let seat = &mut self.cache[row.seat.0];
            assert_eq!(seat.len(), row.position, "a hole in the cache");
            seat.push(row.token);
        }
        self.scheduler.computed(&rows);
        for row in rows.iter().filter(|row| row.scores) {
            if self.scheduler.chosen(row.job, 90) == Next::Full {
                self.scheduler.end(row.job);
                self.end(row.job);
            }
        }
        for (seat, cache) in self.cache.iter().enumerate() {
            assert_eq!(self.scheduler.seat(SeatId(seat)), cache);
        }
    }
}

proptest! {
    #[test]
    fn every_job_ends_once_and_the_cache_follows(
        acts in proptest::collection::vec(act(), 0..60),
        whole_parts in any::<bool>(),
    ) {
        let mut world = World {
            scheduler: Scheduler::new(Limits { whole_parts, ..LIMITS }),
            whole_parts,
            prompts: BTreeMap::new(),
            cache: vec![Vec::new(); LIMITS.seats],
            submitted: BTreeSet::new(),
            ended: BTreeMap::new(),
        };
        world.scheduler.join(SeatId(2), Group(1));
        for (id, act) in (0..).zip(acts) {
            match act {
                Act::Submit { seat, class, max_tokens } => {
                    if world.scheduler.submit(Job { class, max_tokens, ..job(id, seat) }).is_ok() {
                        world.submitted.insert(id);
                    }
                }
                Act::Step { cancel } => world.step(cancel),
            }
        }
        // Twenty jobs of 45 tokens in steps of 8 at most, each step making progress.
        for _ in 0..400 {
            world.step(None);
        }
        prop_assert!(world.scheduler.idle(), "somebody starves");
        prop_assert_eq!(world.ended.keys().copied().collect::<BTreeSet<_>>(), world.submitted);
        prop_assert!(world.ended.values().all(|&times| times == 1));
    }
}
