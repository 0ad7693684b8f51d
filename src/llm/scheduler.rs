//! Who is computed when: a core without clock, model or threads.
//!
//! Requests wait in one bounded line; each seat serves one at a time, by class and then in order of
//! arrival. A step computes at most so many tokens: first one token for everybody who is speaking,
//! then as much of the waiting prompts as is left, so that a long prompt never stalls a speaker for
//! more than one step. Where nobody speaks and somebody waits for a prompt, the step may be
//! [`PROMPT_STEPS`] times as long: large batches are computed faster.
//!
//! What another seat of the same group holds of a prompt need not be computed again: the seat is
//! copied from it ([`Kept::copied`]) where that spares enough.
//!
//! llama.cpp applies an adapter to a whole batch, so a step is for one [`Group`] of seats. It stays
//! with a group for as long as that has work, unless a better class waits elsewhere, or somebody
//! has waited [`Limits::patience_steps`]: changing groups costs, and nobody starves.
//!
//! The executor's round: [`Scheduler::sweep`], [`Scheduler::admit`] and [`Scheduler::begin`] until
//! nobody can start, [`Scheduler::plan`], compute, [`Scheduler::computed`], then
//! [`Scheduler::chosen`] for every row that asked for scores.

use std::collections::VecDeque;

use crate::time::Time;

use super::reuse::common_prefix;
use super::sampler::Token;

/// A step for prompts that somebody waits for, beside which nobody speaks, in steps. With 4 the
/// default model's prompts are computed at 0.95 of the speed of whole batches; so much later a
/// cancel or a better class is seen.
const PROMPT_STEPS: usize = 4;

/// A prompt that gives so many tokens to a step has the rest of it to itself: llama.cpp computes
/// tokens of several seats in equal parts, and its attention is a tenth slower on parts below 64.
const ALONE_TOKENS: usize = 64;

/// A request, as the scheduler knows it. Counted by the executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// A sequence of the model's cache, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeatId(pub usize);

/// Seats that are computed with the same adapter. The default one is without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(pub usize);

/// What a job is for; the first is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Somebody waits to hear it.
    Reply,
    /// Who is to reply waits for it.
    Decision,
    /// Nobody waits: a seat takes in what it will need.
    Ahead,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub seats: usize,
    /// Requests that may wait for a seat; one more is refused.
    pub waiting: usize,
    /// Tokens computed in one step over all seats; at least one per seat.
    pub step_tokens: usize,
    /// Tokens that a seat holds.
    pub room: usize,
    /// A job that was passed over in so many steps goes before every class.
    pub patience_steps: u32,
    /// A seat is copied from another where that spares computing at least so many tokens.
    pub copy_tokens: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub id: JobId,
    pub seat: SeatId,
    pub class: Class,
    pub max_tokens: u32,
    pub deadline: Time,
}

/// One token to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub job: JobId,
    pub seat: SeatId,
    pub position: usize,
    pub token: Token,
    /// The job's next token is to be chosen from this row's scores.
    pub scores: bool,
}

/// The beginning of a prompt that is in its seat already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub seat: SeatId,
    /// Tokens that stay; everything after them is to be removed from the cache.
    pub tokens: usize,
    /// The seat whose cache is to be copied first, and how many tokens that spares.
    pub copied: Option<(SeatId, usize)>,
}

/// What follows from a chosen token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is computed in the next step.
    More,
    /// It was the last: `max_tokens`, or the seat is full.
    Full,
}

/// Why a job left without being finished by the executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    Cancelled,
    Overdue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    pub waiting: usize,
}

#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    /// What each seat's cache holds.
    seats: Vec<Vec<Token>>,
    /// By seat.
    groups: Vec<Group>,
    /// Of the last plan.
    group: Group,
    /// Of the next step.
    step_tokens: usize,
    waiting: VecDeque<Job>,
    /// In order of arrival.
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    job: Job,
    phase: Phase,
    /// Steps since it last had a row, while it had work.
    passed_over: u32,
}

impl Running {
    fn has_work(&self) -> bool {
        match &self.phase {
            Phase::Preparing => false,
            Phase::Prefill(rest) => !rest.is_empty(),
            Phase::Decode { next, .. } => next.is_some(),
        }
    }

    /// Who goes first; equals go in order of arrival.
    fn rank(&self, patience_steps: u32) -> (bool, Class) {
        (self.passed_over < patience_steps, self.job.class)
    }
}

#[derive(Debug)]
enum Phase {
    /// The executor makes the prompt.
    Preparing,
    /// The part of the prompt that the seat lacks.
    Prefill(VecDeque<Token>),
    /// `next` was chosen and is not in the seat yet.
    Decode { next: Option<Token>, chosen: u32 },
}

impl Scheduler {
    pub fn new(limits: Limits) -> Self {
        let step_tokens = limits.step_tokens.max(limits.seats).max(1);
        let limits = Limits { step_tokens, ..limits };
        Self {
            limits,
            seats: vec![Vec::new(); limits.seats],
            groups: vec![Group::default(); limits.seats],
            group: Group::default(),
            step_tokens,
            waiting: VecDeque::new(),
            running: Vec::new(),
        }
    }

    /// From now on the seat is computed with this group. What it holds was not, and goes; the
    /// cache must follow.
    pub fn join(&mut self, seat: SeatId, group: Group) {
        self.groups[seat.0] = group;
        self.seats[seat.0].clear();
    }

    /// Bounds the next steps beside somebody's speech; at least one token per seat, and at most
    /// what was set at first.
    pub fn set_step_tokens(&mut self, tokens: usize) {
        self.step_tokens = tokens.clamp(self.limits.seats.max(1), self.limits.step_tokens);
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`Full`] when as many wait as may.
    pub fn submit(&mut self, job: Job) -> Result<(), Full> {
        if self.waiting.len() >= self.limits.waiting {
            return Err(Full { waiting: self.waiting.len() });
        }
        self.waiting.push_back(job);
        Ok(())
    }

    /// Removes the cancelled and the overdue, running or waiting. Their seats are free at once
    /// and keep what they hold.
    pub fn sweep(&mut self, now: Time, cancelled: impl Fn(JobId) -> bool) -> Vec<(JobId, Left)> {
        let mut left = Vec::new();
        let mut stays = |job: &Job| {
            let why = if cancelled(job.id) {
                Left::Cancelled
            } else if now >= job.deadline {
                Left::Overdue
            } else {
                return true;
            };
            left.push((job.id, why));
            false
        };
        self.running.retain(|running| stays(&running.job));
        self.waiting.retain(stays);
        left
    }

    /// The next job whose seat is free. It must be given its prompt by [`Self::begin`], or ended
    /// by [`Self::end`], before the next plan.
    pub fn admit(&mut self) -> Option<Job> {
        let free = |job: &Job| self.running.iter().all(|running| running.job.seat != job.seat);
        let waiting = self.waiting.iter().enumerate().filter(|(_, job)| free(job));
        let (at, _) = waiting.min_by_key(|(_, job)| job.class)?;
        let job = self.waiting.remove(at)?;
        self.running.push(Running { job, phase: Phase::Preparing, passed_over: 0 });
        Some(job)
    }

    /// Gives an admitted job its prompt, of which the first `most` tokens may be kept at most.
    /// `None` when it does not fit its seat with one token to spare, or is empty, or the job is not
    /// there.
    pub fn begin(&mut self, id: JobId, prompt: &[Token], most: usize) -> Option<Kept> {
        if prompt.is_empty() || prompt.len() >= self.limits.room {
            return None;
        }
        let at = self.running.iter().position(|running| running.job.id == id)?;
        let seat = self.running[at].job.seat;
        // The last token is computed again in any case: its scores choose the first word.
        let most = most.min(prompt.len() - 1);
        let holds = |held: &[Token]| common_prefix(held, prompt).min(most);
        let own = holds(&self.seats[seat.0]);
        let others =
            self.seats.iter().enumerate().filter(|(other, _)| {
                *other != seat.0 && self.groups[*other] == self.groups[seat.0]
            });
        let best = others.map(|(other, held)| (SeatId(other), holds(held)));
        let best = best.max_by_key(|(_, tokens)| *tokens);
        let copied = best
            .map(|(other, tokens)| (other, tokens.saturating_sub(own)))
            .filter(|(_, spared)| *spared >= self.limits.copy_tokens.max(1));
        let tokens = own + copied.map_or(0, |(_, spared)| spared);
        self.seats[seat.0].clear();
        self.seats[seat.0].extend(&prompt[..tokens]);
        self.running[at].phase = Phase::Prefill(prompt[tokens..].iter().copied().collect());
        Some(Kept { seat, tokens, copied })
    }

    /// What to compute now, all of it with [`Self::group`]; empty when nobody has anything to
    /// compute.
    pub fn plan(&mut self) -> Vec<Row> {
        self.group = self.next_group();
        let mut rows = Vec::with_capacity(self.step_tokens);
        for running in self.in_group().filter(|running| running.has_work()) {
            let Running { job, phase: Phase::Decode { next: Some(token), .. }, .. } = running
            else {
                continue;
            };
            let position = self.seats[job.seat.0].len();
            rows.push(Row { job: job.id, seat: job.seat, position, token: *token, scores: true });
        }
        let mut prompts: Vec<_> = self
            .in_group()
            .filter_map(|running| match &running.phase {
                Phase::Prefill(rest) => Some((running, rest)),
                _ => None,
            })
            .collect();
        prompts.sort_by_key(|(running, _)| running.rank(self.limits.patience_steps));
        let awaited = prompts.iter().any(|(running, _)| running.job.class != Class::Ahead);
        let steps = if awaited && rows.is_empty() { PROMPT_STEPS } else { 1 };
        let most = self.step_tokens.saturating_mul(steps).min(self.limits.step_tokens);
        for (Running { job, .. }, rest) in prompts {
            let start = self.seats[job.seat.0].len();
            let take = rest.len().min(most.saturating_sub(rows.len()));
            rows.extend(rest.iter().take(take).enumerate().map(|(index, &token)| Row {
                job: job.id,
                seat: job.seat,
                position: start + index,
                token,
                scores: index + 1 == rest.len(),
            }));
            if take >= ALONE_TOKENS {
                break;
            }
        }
        for running in self.running.iter_mut().filter(|running| running.has_work()) {
            let served = rows.iter().any(|row| row.job == running.job.id);
            running.passed_over = if served { 0 } else { running.passed_over + 1 };
        }
        rows
    }

    /// The seats that the last plan was for.
    pub fn group(&self) -> Group {
        self.group
    }

    /// Stays where it is for as long as nobody elsewhere goes before all who have work here.
    fn next_group(&self) -> Group {
        let group_of = |running: &&Running| self.groups[running.job.seat.0];
        let rank = |running: &&Running| {
            (running.rank(self.limits.patience_steps), group_of(running) != self.group)
        };
        let working = self.running.iter().filter(|running| running.has_work());
        working.min_by_key(rank).map_or(self.group, |first| group_of(&first))
    }

    fn in_group(&self) -> impl Iterator<Item = &Running> {
        self.running.iter().filter(|running| self.groups[running.job.seat.0] == self.group)
    }

    /// The rows of the last plan are in the cache.
    pub fn computed(&mut self, rows: &[Row]) {
        for row in rows {
            let job = self.running.iter_mut().find(|running| running.job.id == row.job);
            let Some(running) = job else { continue };
            self.seats[row.seat.0].push(row.token);
            match &mut running.phase {
                Phase::Prefill(rest) => {
                    rest.pop_front();
                    if rest.is_empty() {
                        running.phase = Phase::Decode { next: None, chosen: 0 };
                    }
                }
                Phase::Decode { next, .. } => *next = None,
                Phase::Preparing => {}
            }
        }
    }

    /// The token chosen for a job from the scores of its row.
    pub fn chosen(&mut self, id: JobId, token: Token) -> Next {
        let Some(running) = self.running.iter_mut().find(|running| running.job.id == id) else {
            return Next::Full;
        };
        let room_left = self.limits.room.saturating_sub(self.seats[running.job.seat.0].len());
        let max_tokens = running.job.max_tokens;
        let Phase::Decode { next, chosen } = &mut running.phase else { return Next::Full };
        *chosen += 1;
        *next = Some(token);
        if *chosen >= max_tokens || room_left <= 1 { Next::Full } else { Next::More }
    }

    /// The job is over, for whatever reason. Its seat keeps what it holds.
    pub fn end(&mut self, id: JobId) {
        self.running.retain(|running| running.job.id != id);
        self.waiting.retain(|job| job.id != id);
    }

    /// Drops all but the first `tokens` of a seat that nobody uses now; the cache must follow.
    pub fn truncate(&mut self, seat: SeatId, tokens: usize) {
        self.seats[seat.0].truncate(tokens);
    }

    /// What the seat's cache holds.
    pub fn seat(&self, seat: SeatId) -> &[Token] {
        &self.seats[seat.0]
    }

    /// Jobs that run, in order of arrival.
    pub fn running(&self) -> impl Iterator<Item = &Job> {
        self.running.iter().map(|running| &running.job)
    }

    /// Nobody runs or waits.
    pub fn idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }
}

mod pace;
#[cfg(test)]
mod tests;

pub use pace::Pace;
