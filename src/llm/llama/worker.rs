//! The engine's thread: carries out the scheduler's plans.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use tokio::sync::watch;

use super::adapters::Adapters;
use super::context::{Cell, Context};
use super::model::{Loaded, ModelTokenizer};
use super::projector::Projector;
use super::{Command, Options, WARM_UP_DEADLINE, Wish};
use crate::id::PersonaId;
use crate::llm::budget::LoadError;
use crate::llm::media::{Gallery, Kind, is_media};
use crate::llm::sampler::Token;
use crate::llm::scheduler::{Group, Job, JobId, Left, Limits, Next, Pace, Row, Scheduler, SeatId};
use crate::llm::template::Template;
use crate::llm::window::Window;
use crate::llm::{EngineError, EngineStats, Finish, Message};
use crate::time::Clock;

use encoding::Encoder;
use prompts::Prompts;
use task::{Task, Work};

mod encoding;
mod prompts;
mod scoring;
mod task;

pub(super) use scoring::log_probability;

/// No reply is longer, whatever is asked for: minutes of speech.
pub(super) const REPLY_TOKENS_MAX: u32 = 4_096;
/// Of the first step, when nobody knows yet what a token costs.
const FIRST_STEP_TOKENS: usize = 64;
/// Events of a reply beside one per token.
pub(super) const OTHER_EVENTS: usize = 8;
/// While everybody waits for media, cancels and deadlines are looked for so often. An encoding
/// takes a hundred times as long.
const LOOK: Duration = Duration::from_millis(5);

/// The thread's whole life. `ready` hears once whether it can work.
pub(super) fn run(
    loaded: &Loaded,
    options: &Options,
    clock: Clock,
    commands: &Receiver<Command>,
    publish: &watch::Sender<EngineStats>,
    ready: &SyncSender<Result<(), LoadError>>,
) {
    let opened =
        loaded.context(options).and_then(|context| Ok((context, loaded.projector(options)?)));
    let (context, projector) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // Whoever loads waits for this; if it is gone, nobody needs to know.
            let _ = ready.send(Err(error));
            return;
        }
    };
    std::thread::scope(|scope| {
        let encoder = projector.as_ref().map(|projector| Encoder::open(scope, projector));
        let encoder = match encoder.transpose() {
            Ok(encoder) => encoder,
            Err(error) => {
                let error = LoadError::Native(format!("no thread for pictures: {error}"));
                let _ = ready.send(Err(error));
                return;
            }
        };
        let _ = ready.send(Ok(()));
        let whole_parts = projector.as_ref().is_some_and(Projector::sees_whole);
        let mut worker = Worker::new(loaded, options, clock, context, whole_parts);
        worker.encoder = encoder;
        while worker.listen(commands) {
            worker.step();
            publish.send_replace(worker.stats());
        }
    });
}

struct Worker<'m> {
    clock: Clock,
    context: Context<'m>,
    tokenizer: ModelTokenizer<'m>,
    template: &'m Template,
    scheduler: Scheduler,
    /// Who sits where; seats are given at warm-up and kept.
    seats: HashMap<PersonaId, SeatId>,
    /// By seat.
    windows: Vec<Window>,
    tasks: HashMap<JobId, Task>,
    adapters: Adapters<'m>,
    /// None: the model takes words only.
    encoder: Option<Encoder<'m>>,
    gallery: Gallery,
    pace: Pace,
    last_job: u64,
    room: usize,
    /// The most of one step.
    step_tokens: usize,
    /// Nothing was to be computed in the last step: everybody waits for media.
    resting: bool,
    stats: EngineStats,
}

impl<'m> Worker<'m> {
    fn new(
        loaded: &'m Loaded,
        options: &Options,
        clock: Clock,
        context: Context<'m>,
        whole_parts: bool,
    ) -> Self {
        let step_tokens = (options.step_tokens as usize).max(options.seats);
        let room = options.context_tokens as usize;
        let waiting = options.seats * super::OPEN_PER_SEAT;
        let seats = options.seats;
        let patience_steps = options.patience_steps;
        let copy_tokens = options.copy_tokens;
        let limits =
            Limits { seats, waiting, step_tokens, room, patience_steps, copy_tokens, whole_parts };
        let (adapters, budget_bytes) = (options.adapters.clone(), options.adapters_bytes);
        Self {
            clock,
            context,
            tokenizer: ModelTokenizer(loaded.model.vocab()),
            template: &loaded.template,
            scheduler: Scheduler::new(limits),
            seats: HashMap::new(),
            windows: vec![Window::default(); options.seats],
            tasks: HashMap::new(),
            adapters: Adapters::new(&loaded.model, &loaded.description, adapters, budget_bytes),
            encoder: None,
            gallery: Gallery::new(options.media_bytes),
            pace: Pace::new(options.step),
            last_job: 0,
            room,
            step_tokens,
            resting: false,
            stats: EngineStats::default(),
        }
    }

    fn stats(&self) -> EngineStats {
        let [pictures, sounds] = [Kind::Picture, Kind::Sound].map(|kind| self.gallery.counts(kind));
        EngineStats {
            adapter_switches: self.adapters.counts.switches,
            adapter_loads: self.adapters.counts.loads,
            adapter_evictions: self.adapters.counts.evictions,
            pictures_encoded: pictures.encoded,
            pictures_shared: pictures.shared,
            pictures_bytes: pictures.bytes,
            sounds_encoded: sounds.encoded,
            sounds_shared: sounds.shared,
            sounds_bytes: sounds.bytes,
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
        } else if self.resting {
            match commands.recv_timeout(LOOK) {
                Ok(command) => self.accept(command),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
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
        self.take_encoded();
        while let Some(job) = self.scheduler.admit() {
            if let Err(error) = self.start(job) {
                self.end(job.id, Err(error));
            }
        }
        self.encode_next();
        self.scheduler.set_step_tokens(self.pace.step_tokens().unwrap_or(FIRST_STEP_TOKENS));
        let rows = self.scheduler.plan();
        self.resting = rows.is_empty();
        if self.resting {
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

    /// Makes the job's prompt and clears its seat for it, unless media must be encoded first:
    /// then it is called again.
    fn start(&mut self, job: Job) -> Result<(), EngineError> {
        let now = self.clock.now();
        let Some(task) = self.tasks.get_mut(&job.id) else { return Ok(()) };
        task.started(now);
        self.learn(&job)?;
        let (prompt, most) = self.prompt(job)?;
        let anew = self.tasks.get(&job.id).is_some_and(|task| task.media.anew);
        let most = if anew { 0 } else { most };
        let needed = prompt.len();
        let too_long = EngineError::TooLong { needed, room: self.room };
        let kept = self.scheduler.keeps(job.id, &prompt, most).ok_or(too_long)?;
        if !self.at_hand(job.id, &prompt[kept.tokens..]) {
            return Ok(());
        }
        self.scheduler.begin(job.id, &prompt, most);
        if let Some((from, _)) = kept.copied {
            self.context.copy(from.0, job.seat.0);
        }
        if !self.context.forget(job.seat.0, kept.tokens) && kept.tokens > 0 {
            // This model cannot forget or copy in part: everything is computed again.
            self.scheduler.hold(job.id);
            if let Some(task) = self.tasks.get_mut(&job.id) {
                task.media.anew = true;
            }
            return self.start(job);
        }
        let copied = kept.copied.map_or(0, |(_, spared)| spared);
        self.stats.copied_tokens += copied as u64;
        self.count_shared(job.id, &prompt[kept.tokens - copied..]);
        if let Some(task) = self.tasks.get_mut(&job.id) {
            task.prompt_tokens = needed as u32;
            task.cached_tokens = kept.tokens as u32;
        }
        Ok(())
    }

    /// The job's prompt, and how much of it may be in the seat already.
    fn prompt(&mut self, job: Job) -> Result<(Vec<Token>, usize), EngineError> {
        let held = self.scheduler.seat(job.seat);
        let (template, tokenizer, gallery) = (self.template, &self.tokenizer, &self.gallery);
        let prompts = Prompts { template, tokenizer, gallery };
        let Some(task) = self.tasks.get_mut(&job.id) else { return Ok((Vec::new(), 0)) };
        match &mut task.work {
            Work::Reply { request, .. } => {
                let room = self.room - job.max_tokens as usize;
                let render = |messages: &[Message]| prompts.tokens(held, messages, true);
                let fitted = self.windows[job.seat.0].fit(&request.messages, room, render)?;
                self.stats.shortened += u64::from(fitted.shortened);
                Ok((fitted.tokens, usize::MAX))
            }
            Work::WarmUp { messages, .. } => Ok((prompts.prefix(messages)?, usize::MAX)),
            // Of a question, what is to be read cannot be kept: its scores are gone.
            Work::Score { question, reading, .. } => {
                let window = &self.windows[job.seat.0];
                scoring::prompt(&prompts, held, window, question, reading, self.room)
            }
        }
    }

    fn compute(&mut self, rows: &[Row], group: Group) -> Result<(), EngineError> {
        self.adapters.apply(&mut self.context, group)?;
        if rows.first().is_some_and(|row| is_media(row.token)) {
            return self.compute_medium(rows);
        }
        let cells: Vec<_> = rows.iter().map(|row| self.cell(row)).collect();
        if self.context.compute(cells.into_iter()) {
            return Ok(());
        }
        Err(EngineError::Failed("llama.cpp cannot compute a step; its log says why".to_owned()))
    }

    fn cell(&self, row: &Row) -> Cell {
        let Row { token, seat, position, .. } = *row;
        Cell { token, seat: seat.0, position, scores: self.wants(row) }
    }

    /// Chooses a job's next token from the scores of a row of the last batch.
    fn choose(&mut self, row: usize, id: JobId) {
        let now = self.clock.now();
        let Some(task) = self.tasks.get_mut(&id) else { return };
        if task.prefilled(now) && task.counts() {
            self.stats.prompt_tokens += u64::from(task.prompt_tokens);
            self.stats.cached_tokens += u64::from(task.cached_tokens);
        }
        task.media.done();
        if let Work::Score { .. } = task.work {
            return self.end(id, Ok(Finish::Stop));
        }
        let Some(token) = task.sampler.choose(self.context.scores(row)) else {
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
            self.context.forget(row.seat.0, 0);
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
            if !self.context.forget(task.seat.0, tokens) {
                self.scheduler.truncate(task.seat, 0);
            }
        }
        task.close(self.clock.now(), result);
    }
}
