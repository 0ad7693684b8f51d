//! Who is computed when: a core without clock, model or threads.
//!
//! Requests wait in one bounded line; each seat serves one at a time, in order of arrival. A step
//! computes at most `step_tokens` tokens: first one token for everybody who is speaking, then as
//! much of the waiting prompts as is left, so that a long prompt never stalls a speaker for more
//! than one step.
//!
//! The executor's round: [`Scheduler::sweep`], [`Scheduler::admit`] and [`Scheduler::begin`] until
//! nobody can start, [`Scheduler::plan`], compute, [`Scheduler::computed`], then
//! [`Scheduler::chosen`] for every row that asked for scores.

use std::collections::VecDeque;

use crate::time::Time;

use super::reuse::common_prefix;
use super::sampler::Token;

/// A request, as the scheduler knows it. Counted by the executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// A sequence of the model's cache, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeatId(pub usize);

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub seats: usize,
    /// Requests that may wait for a seat; one more is refused.
    pub waiting: usize,
    /// Tokens computed in one step over all seats; at least one per seat.
    pub step_tokens: usize,
    /// Tokens that a seat holds.
    pub room: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub id: JobId,
    pub seat: SeatId,
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
    waiting: VecDeque<Job>,
    /// In order of arrival.
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    job: Job,
    phase: Phase,
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
        let seats = vec![Vec::new(); limits.seats];
        Self { limits, seats, waiting: VecDeque::new(), running: Vec::new() }
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
        let free = |seat| self.running.iter().all(|running| running.job.seat != seat);
        let at = self.waiting.iter().position(|job| free(job.seat))?;
        let job = self.waiting.remove(at)?;
        self.running.push(Running { job, phase: Phase::Preparing });
        Some(job)
    }

    /// Gives an admitted job its prompt. `None` when it does not fit its seat with one token to
    /// spare, or is empty, or the job is not there.
    pub fn begin(&mut self, id: JobId, prompt: &[Token]) -> Option<Kept> {
        let room = self.limits.room;
        if prompt.is_empty() || prompt.len() >= room {
            return None;
        }
        let running = self.running.iter_mut().find(|running| running.job.id == id)?;
        let seat = running.job.seat;
        let held = &mut self.seats[seat.0];
        // The last token is computed again in any case: its scores choose the first word.
        let kept = common_prefix(held, prompt).min(prompt.len() - 1);
        held.truncate(kept);
        running.phase = Phase::Prefill(prompt[kept..].iter().copied().collect());
        Some(Kept { seat, tokens: kept })
    }

    /// What to compute now; empty when nobody has anything to compute.
    pub fn plan(&self) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.limits.step_tokens);
        for Running { job, phase } in &self.running {
            if let Phase::Decode { next: Some(token), .. } = *phase {
                let position = self.seats[job.seat.0].len();
                rows.push(Row { job: job.id, seat: job.seat, position, token, scores: true });
            }
        }
        for Running { job, phase } in &self.running {
            let Phase::Prefill(rest) = phase else { continue };
            let start = self.seats[job.seat.0].len();
            let take = rest.len().min(self.limits.step_tokens - rows.len());
            rows.extend(rest.iter().take(take).enumerate().map(|(index, &token)| Row {
                job: job.id,
                seat: job.seat,
                position: start + index,
                token,
                scores: index + 1 == rest.len(),
            }));
        }
        rows
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

#[cfg(test)]
mod tests;
