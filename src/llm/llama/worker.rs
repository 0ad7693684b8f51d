//! The engine's thread: carries out the scheduler's plans.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::watch;

use super::adapters::Adapters;
use super::model::{Loaded, ModelTokenizer};
use super::{Command, Options, WARM_UP_DEADLINE, Wish};
use crate::id::PersonaId;
use crate::llm::budget::LoadError;
use crate::llm::reuse::{Tokenizer as _, common_prefix, continue_from};
use crate::llm::sampler::Token;
use crate::llm::scheduler::{Group, Job, JobId, Left, Limits, Next, Pace, Row, Scheduler, SeatId};
use crate::llm::template::Template;
use crate::llm::window::Window;
use crate::llm::{EngineError, EngineStats, Finish, Message, Role};
use crate::time::Clock;

use task::{Task, Work};

mod scoring;
mod task;

pub(super) use scoring::log_probability;

/// No reply is longer, whatever is asked for: minutes of speech.
pub(super) const REPLY_TOKENS_MAX: u32 = 4_096;
/// Of the first step, when nobody knows yet what a token costs.
const FIRST_STEP_TOKENS: usize = 64;
/// Events of a reply beside one per token.
pub(super) const OTHER_EVENTS: usize = 8;

/// The thread's whole life. `ready` hears once whether it can work.
pub(super) fn run(
    loaded: &Loaded,
    options: &Options,
    clock: Clock,
    commands: &Receiver<Command>,
    publish: &watch::Sender<EngineStats>,
    ready: &SyncSender<Result<(), LoadError>>,
) {
    let context = match loaded.context(options) {
        Ok(context) => context,
        Err(error) => {
            // Whoever loads waits for this; if it is gone, nobody needs to know.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    let mut worker = Worker::new(loaded, options, clock, context);
    while worker.listen(commands) {
        worker.step();
        publish.send_replace(worker.stats());
    }
}

struct Worker<'m> {
    clock: Clock,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    tokenizer: ModelTokenizer<'m>,
    template: &'m Template,
    scheduler: Scheduler,
    /// Who sits where; seats are given at warm-up and kept.
    seats: HashMap<PersonaId, SeatId>,
    /// By seat.
    windows: Vec<Window>,
    tasks: HashMap<JobId, Task>,
    adapters: Adapters<'m>,
    pace: Pace,
    last_job: u64,
    room: usize,
    stats: EngineStats,
}

impl<'m> Worker<'m> {
    fn new(loaded: &'m Loaded, options: &Options, clock: Clock, context: LlamaContext<'m>) -> Self {
        let step_tokens = (options.step_tokens as usize).max(options.seats);
        let room = options.context_tokens as usize;
        let waiting = options.seats * super::OPEN_PER_SEAT;
        let seats = options.seats;
        let patience_steps = options.patience_steps;
        let copy_tokens = options.copy_tokens;
        let limits = Limits { seats, waiting, step_tokens, room, patience_steps, copy_tokens };
        let (adapters, budget_bytes) = (options.adapters.clone(), options.adapters_bytes);
        Self {
            clock,
            context,
            batch: LlamaBatch::new(step_tokens, 1),
            tokenizer: ModelTokenizer(loaded.model.vocab()),
            template: &loaded.template,
            scheduler: Scheduler::new(limits),
            seats: HashMap::new(),
            windows: vec![Window::default(); options.seats],
            tasks: HashMap::new(),
            adapters: Adapters::new(&loaded.model, &loaded.description, adapters, budget_bytes),
            pace: Pace::new(options.step),
            last_job: 0,
            room,
            stats: EngineStats::default(),
        }
    }

    fn stats(&self) -> EngineStats {
        EngineStats {
            adapter_switches: self.adapters.counts.switches,
            adapter_loads: self.adapters.counts.loads,
            adapter_evictions: self.adapters.counts.evictions,
            ..self.stats.clone()
        }
    }

    /// Takes what has come; waits when there is nothing to do. False: the handle is gone.
    fn listen(&mut self, commands: &Receiver<Command>) -> bool {
        if self.scheduler.idle() {
            match commands.recv() {
                Ok(command) => self.accept(command),
                Err(_) => return false,
            }
        }
        loop {
            match commands.try_recv() {
                Ok(command) => self.accept(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn accept(&mut self, command: Command) {
        let Command { pass, asked, span, wish } = command;
        let (persona, max_tokens, deadline) = match &wish {
            Wish::Reply { request, .. } => {
                let most = REPLY_TOKENS_MAX.min((self.room / 2) as u32);
                (request.seat.clone(), request.max_tokens.clamp(1, most), request.deadline)
            }
            // One token is computed, and the next one chosen from it: the whole path was walked.
            Wish::WarmUp { seat, .. } => (seat.clone(), 2, WARM_UP_DEADLINE),
            Wish::Score { question, deadline, .. } => (question.seat.clone(), 1, *deadline),
        };
        let mut task = Task::new(pass, asked, max_tokens, wish);
        task.span = span;
        let seat = match self.seat(&persona, task.warms_up()) {
            Ok(seat) => seat,
            Err(error) => return self.close(task, Err(error)),
        };
        self.last_job += 1;
        let id = JobId(self.last_job);
        task.seat = seat;
        let class = task.class();
        let job = Job { id, seat, class, max_tokens, deadline: asked + deadline };
        match self.scheduler.submit(job) {
            Ok(()) => {
                self.tasks.insert(id, task);
            }
            Err(full) => {
                self.close(task, Err(EngineError::Overloaded { waiting: full.waiting }));
            }
        }
    }

    /// The persona's seat; a free one, with its adapter, when it may `take` one.
    fn seat(&mut self, persona: &PersonaId, take: bool) -> Result<SeatId, EngineError> {
        if let Some(&seat) = self.seats.get(persona) {
            return Ok(seat);
        }
        let free = SeatId(self.seats.len());
        if !take || free.0 >= self.windows.len() {
            return Err(EngineError::NoSeat(persona.clone()));
        }
        let group = self.adapters.group(persona)?;
        self.scheduler.join(free, group);
        self.seats.insert(persona.clone(), free);
        Ok(free)
    }

    fn step(&mut self) {
        let tasks = &self.tasks;
        let cancelled = |id| tasks.get(&id).is_none_or(Task::is_cancelled);
        for (id, left) in self.scheduler.sweep(self.clock.now(), cancelled) {
            let Some(task) = self.tasks.remove(&id) else { continue };
            let result = match left {
                Left::Cancelled => Ok(Finish::Cancelled),
                Left::Overdue => Err(EngineError::Deadline(task.deadline())),
            };
            self.close(task, result);
        }
        while let Some(job) = self.scheduler.admit() {
            if let Err(error) = self.start(job) {
                self.end(job.id, Err(error));
            }
        }
        self.scheduler.set_step_tokens(self.pace.step_tokens().unwrap_or(FIRST_STEP_TOKENS));
        let rows = self.scheduler.plan();
        if rows.is_empty() {
            return;
        }
        let begun = self.clock.now();
        match self.compute(&rows, self.scheduler.group()) {
            Ok(()) => {
                self.scheduler.computed(&rows);
                self.read(&rows);
                let scored = rows.iter().enumerate().filter(|(_, row)| row.scores);
                scored.for_each(|(index, row)| self.choose(index, row.job));
                self.pace.learn(rows.len(), self.clock.now().since(begun));
            }
            Err(error) => self.recover(&rows, &error),
        }
    }

    /// Makes the job's prompt and clears its seat for it.
    fn start(&mut self, job: Job) -> Result<(), EngineError> {
        let now = self.clock.now();
        let Some(task) = self.tasks.get_mut(&job.id) else { return Ok(()) };
        task.started(now);
        let held = self.scheduler.seat(job.seat);
        let (template, tokenizer) = (self.template, &self.tokenizer);
        // Of a question, what is to be read cannot be kept: its scores are gone.
        let mut most = usize::MAX;
        let prompt = match &task.work {
            Work::Reply { request, .. } => {
                let room = self.room - job.max_tokens as usize;
                let render = |messages: &[Message]| {
                    let text = template.render(messages, true)?;
                    Ok(continue_from(held, &text, tokenizer))
                };
                let fitted = self.windows[job.seat.0].fit(&request.messages, room, render)?;
                self.stats.shortened += u64::from(fitted.shortened);
                fitted.tokens
            }
            Work::WarmUp { messages, .. } => prefix(template, tokenizer, messages)?,
            Work::Score { .. } => {
                let (prompt, from) = self.question(job)?;
                most = from;
                prompt
            }
        };
        let needed = prompt.len();
        let kept = self.scheduler.begin(job.id, &prompt, most);
        let kept = kept.ok_or(EngineError::TooLong { needed, room: self.room })?;
        let Some(task) = self.tasks.get_mut(&job.id) else { return Ok(()) };
        task.prompt_tokens = needed as u32;
        task.cached_tokens = kept.tokens as u32;
        let copied = kept.copied.is_none_or(|(from, _)| self.copy(from, job.seat));
        if self.forget(job.seat, if copied { kept.tokens } else { 0 }) && copied {
            self.stats.copied_tokens += kept.copied.map_or(0, |(_, spared)| spared as u64);
        } else {
            // This model cannot forget or copy in part: everything is computed again.
            self.scheduler.begin(job.id, &prompt, 0);
            if let Some(task) = self.tasks.get_mut(&job.id) {
                task.cached_tokens = 0;
            }
        }
        Ok(())
    }

    /// Has `to` hold in the cache what `from` holds, and nothing else. False: it cannot.
    fn copy(&mut self, from: SeatId, to: SeatId) -> bool {
        // Each seat has a stream of its own, and of these llama.cpp copies whole ones only.
        let [from, to] = [from, to].map(|seat| seat.0 as i32);
        self.context.copy_kv_cache_seq(from, to, None, None).is_ok()
    }

    /// Removes all but the first `tokens` of a seat from the cache. False: all of it is gone.
    fn forget(&mut self, seat: SeatId, tokens: usize) -> bool {
        let sequence = Some(seat.0 as u32);
        let partly = self.context.clear_kv_cache_seq(sequence, Some(tokens as u32), None);
        if partly == Ok(true) {
            return true;
        }
        // Removing a whole sequence never fails.
        let _ = self.context.clear_kv_cache_seq(sequence, None, None);
        false
    }

    fn compute(&mut self, rows: &[Row], group: Group) -> Result<(), EngineError> {
        self.adapters.apply(&mut self.context, group)?;
        self.batch.clear();
        for row in rows {
            let sequence = [row.seat.0 as i32];
            self.batch
                .add(LlamaToken(row.token), row.position as i32, &sequence, self.wants(row))
                .map_err(|error| EngineError::Failed(error.to_string()))?;
        }
        let computed = self.context.decode(&mut self.batch);
        computed.map_err(|error| EngineError::Failed(error.to_string()))
    }

    /// Chooses a job's next token from the scores of a row of the last batch.
    fn choose(&mut self, row: usize, id: JobId) {
        let now = self.clock.now();
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.prefilled(now) && task.counts() {
            self.stats.prompt_tokens += u64::from(task.prompt_tokens);
            self.stats.cached_tokens += u64::from(task.cached_tokens);
        }
        if let Work::Score { .. } = task.work {
            return self.end(id, Ok(Finish::Stop));
        }
        let Some(token) = task.sampler.choose(self.context.get_logits_ith(row as i32)) else {
            let why = "the model's scores are no numbers; its file may be damaged".to_owned();
            return self.end(id, Err(EngineError::Failed(why)));
        };
        if task.counts() {
            if self.tokenizer.ends(token) {
                return self.end(id, Ok(Finish::Stop));
            }
            task.said(now, &self.tokenizer.says(token));
            self.stats.completion_tokens += 1;
            if task.stopped() {
                return self.end(id, Ok(Finish::Stop));
            }
        }
        if self.scheduler.chosen(id, token) == Next::Full {
            self.end(id, Ok(Finish::Length));
        }
    }

    /// After a failed batch nobody knows what the cache holds: these seats start anew.
    fn recover(&mut self, rows: &[Row], error: &EngineError) {
        tracing::error!(%error, rows = rows.len(), "a step of the language engine failed");
        for row in rows {
            self.forget(row.seat, 0);
            self.scheduler.truncate(row.seat, 0);
            self.end(row.job, Err(error.clone()));
        }
    }

    fn end(&mut self, id: JobId, result: Result<Finish, EngineError>) {
        self.scheduler.end(id);
        if let Some(task) = self.tasks.remove(&id) {
            self.close(task, result);
        }
    }

    /// Tells whoever asked, and counts.
    fn close(&mut self, task: Task, result: Result<Finish, EngineError>) {
        match &result {
            Ok(Finish::Cancelled) => self.stats.cancelled += 1,
            Err(error) => {
                self.stats.failed += 1;
                let seat = task.persona();
                task.span.in_scope(|| tracing::warn!(%seat, %error, "a request failed"));
            }
            Ok(_) => {}
        }
        if task.warms_up() && matches!(result, Ok(Finish::Length)) {
            // What was tried out does not stay.
            let tokens = task.prompt_tokens as usize;
            self.scheduler.truncate(task.seat, tokens);
            if !self.forget(task.seat, tokens) {
                self.scheduler.truncate(task.seat, 0);
            }
        }
        task.close(self.clock.now(), result);
    }
}

/// The tokens that every prompt of a seat with these messages begins with.
fn prefix(
    template: &Template,
    tokenizer: &ModelTokenizer<'_>,
    messages: &[Message],
) -> Result<Vec<Token>, EngineError> {
    let with = |text: &str| -> Result<Vec<Token>, EngineError> {
        let user = Message::new(Role::User, text);
        let text = template.render(&[messages, &[user]].concat(), false)?;
        Ok(tokenizer.tokenize(&text))
    };
    // Two beginnings that share no token: what both prompts share is the prefix.
    let (one, other) = (with("A")?, with("b")?);
    Ok(one[..common_prefix(&one, &other)].to_vec())
}
