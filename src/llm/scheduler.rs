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
//! Positions of media ([`is_media`]) are computed from something else than tokens, and never in
//! one step with tokens: where the first prompt in line comes to one, the step is for that part of
//! the medium alone, and whoever speaks goes on in the step after it. Where a model must see a
//! part of a picture in one piece ([`Limits::whole_parts`]), such a step is as long as the part.
//!
//! The executor's round: [`Scheduler::sweep`], [`Scheduler::admit`] and [`Scheduler::begin`] until
//! nobody can start, [`Scheduler::plan`], compute, [`Scheduler::computed`], then
//! [`Scheduler::chosen`] for every row that asked for scores. Whoever waits for its media is
//! admitted and not begun; that holds up its own seat only.

use std::collections::VecDeque;

use crate::time::Time;

use super::media::{is_media, is_picture, part_length};
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
    /// A part of a picture is computed in one step, and kept whole or not at all. No part has more
    /// than `step_tokens` positions then.
    pub whole_parts: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub id: JobId,
    pub seat: SeatId,
    pub class: Class,
    pub max_tokens: u32,
    pub deadline: Time,
}

/// One token, or position of a medium, to compute.
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
    /// The last plan was for a medium.
    showed: bool,
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
    /// What of the prompt is not computed yet.
    fn rest(&self) -> Option<&VecDeque<Token>> {
        match &self.phase {
            Phase::Prefill(rest) => Some(rest),
            _ => None,
        }
    }

    fn speaks(&self) -> bool {
        matches!(self.phase, Phase::Decode { next: Some(_), .. })
    }

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
            showed: false,
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

    /// The next job whose seat is free. It computes nothing and holds its seat until it is given
    /// its prompt by [`Self::begin`] or ended.
    pub fn admit(&mut self) -> Option<Job> {
        let free = |job: &Job| self.running.iter().all(|running| running.job.seat != job.seat);
        let waiting = self.waiting.iter().enumerate().filter(|(_, job)| free(job));
        let (at, _) = waiting.min_by_key(|(_, job)| job.class)?;
        let job = self.waiting.remove(at)?;
        self.running.push(Running { job, phase: Phase::Preparing, passed_over: 0 });
        Some(job)
    }

    /// What of a prompt an admitted job would find in its seat, of which the first `most` tokens
    /// may be kept at most. `None` when it does not fit its seat with one token to spare, or is
    /// empty, or the job is not there.
    pub fn keeps(&self, id: JobId, prompt: &[Token], most: usize) -> Option<Kept> {
        if prompt.is_empty() || prompt.len() >= self.limits.room {
            return None;
        }
        let seat = self.running.iter().find(|running| running.job.id == id)?.job.seat;
        // The last token is computed again in any case: its scores choose the first word.
        let most = most.min(prompt.len() - 1);
        let holds = |held: &[Token]| self.border(prompt, common_prefix(held, prompt).min(most));
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
        Some(Kept { seat, tokens, copied })
    }

    /// Gives an admitted job its prompt; see [`Self::keeps`].
    pub fn begin(&mut self, id: JobId, prompt: &[Token], most: usize) -> Option<Kept> {
        let kept = self.keeps(id, prompt, most)?;
        let running = self.running.iter_mut().find(|running| running.job.id == id)?;
        self.seats[kept.seat.0].clear();
        self.seats[kept.seat.0].extend(&prompt[..kept.tokens]);
        running.phase = Phase::Prefill(prompt[kept.tokens..].iter().copied().collect());
        Some(kept)
    }

    /// Takes the prompt back from a job that was given one: the seat could not keep its part of it,
    /// and holds nothing now.
    pub fn hold(&mut self, id: JobId) {
        if let Some(running) = self.running.iter_mut().find(|running| running.job.id == id) {
            running.phase = Phase::Preparing;
            self.seats[running.job.seat.0].clear();
        }
    }

    /// As many of the first `tokens` of a prompt as may stay without the rest.
    fn border(&self, prompt: &[Token], tokens: usize) -> usize {
        let mut start = tokens;
        while self.limits.whole_parts
            && start > 0
            && prompt.get(start).is_some_and(|next| is_picture(*next))
            && prompt[start - 1].checked_sub(1) == prompt.get(start).copied()
        {
            start -= 1;
        }
        start
    }

    /// What to compute now, all of it with [`Self::group`], and either tokens or a part of one
    /// medium; empty when nobody has anything to compute.
    pub fn plan(&mut self) -> Vec<Row> {
        self.group = self.next_group();
        let speak = self.in_group().any(Running::speaks);
        let mut prompts: Vec<_> =
            self.in_group().filter(|running| running.rest().is_some()).collect();
        prompts.sort_by_key(|running| running.rank(self.limits.patience_steps));
        let awaited = prompts.iter().any(|running| running.job.class != Class::Ahead);
        let steps = if awaited && !speak { PROMPT_STEPS } else { 1 };
        let most = self.step_tokens.saturating_mul(steps).min(self.limits.step_tokens);
        let first = prompts.first().filter(|first| {
            let next = first.rest().and_then(|rest| rest.front());
            next.is_some_and(|next| is_media(*next)) && !(speak && self.showed)
        });
        let rows = match first {
            Some(first) => self.media_rows(first, most),
            None => self.token_rows(&prompts, most),
        };
        self.showed = rows.first().is_some_and(|row| is_media(row.token));
        for running in self.running.iter_mut().filter(|running| running.has_work()) {
            let served = rows.iter().any(|row| row.job == running.job.id);
            running.passed_over = if served { 0 } else { running.passed_over + 1 };
        }
        rows
    }

    /// A token for everybody who speaks, and of the prompts as many as are left of `most`.
    fn token_rows(&self, prompts: &[&Running], most: usize) -> Vec<Row> {
        let mut rows = Vec::with_capacity(most);
        for running in self.in_group() {
            let Running { job, phase: Phase::Decode { next: Some(token), .. }, .. } = running
            else {
                continue;
            };
            let position = self.seats[job.seat.0].len();
            rows.push(Row { job: job.id, seat: job.seat, position, token: *token, scores: true });
        }
        for running in prompts {
            let left = most.saturating_sub(rows.len());
            let words = running.rest().into_iter().flatten().take_while(|token| !is_media(**token));
            let take = words.take(left).count();
            rows.extend(self.rows_of(running, take));
            if take >= ALONE_TOKENS {
                break;
            }
        }
        rows
    }

    /// Of the part of a medium that a prompt has come to, `most` positions or all.
    fn media_rows(&self, running: &Running, most: usize) -> Vec<Row> {
        let part = running.rest().map_or(0, part_length);
        let next = running.rest().and_then(|rest| rest.front());
        let whole = self.limits.whole_parts && next.is_some_and(|next| is_picture(*next));
        let most = if whole { part } else { most };
        self.rows_of(running, part.min(most)).collect()
    }

    /// The next `take` of what is not computed of a prompt.
    fn rows_of<'r>(&self, running: &'r Running, take: usize) -> impl Iterator<Item = Row> + 'r {
        let Job { id: job, seat, .. } = running.job;
        let start = self.seats[seat.0].len();
        running.rest().into_iter().flat_map(move |rest| {
            rest.iter().take(take).enumerate().map(move |(index, &token)| {
                let (position, scores) = (start + index, index + 1 == rest.len());
                Row { job, seat, position, token, scores }
            })
        })
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

    /// Whether a seat holds this, or a prompt that is being computed will have it hold it.
    pub fn holds(&self, token: Token) -> bool {
        let mut prompts = self.running.iter().filter_map(Running::rest);
        self.seats.iter().any(|seat| seat.contains(&token))
            || prompts.any(|rest| rest.contains(&token))
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
