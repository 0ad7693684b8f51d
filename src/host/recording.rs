//! A run on tapes: one recording after another, as it is asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use super::HostError;
use crate::admin::state::{self as pages, PartState};
use crate::config::{Config, EndOfTurn};
use crate::llm::Senses;
use crate::models::Catalogue;
use crate::tape::{
    Answers, Header, Member, Model, Models, Recorder, State, Switch, Tap, file_name,
};
use crate::time::{Clock, micros};
use crate::turn::addressing::SleepWords;

/// Orders that may wait: each is a click, and whoever comes too late is told to try again.
const ORDERS_MAX: usize = 8;
/// Tapes of one room that may begin within one second.
const TAPES_A_SECOND_MAX: u32 = 100;

/// Starts and stops recordings. All of them are one.
#[derive(Clone)]
pub struct Recording {
    orders: mpsc::Sender<Order>,
    tap: Tap,
    shown: watch::Receiver<Option<Shown>>,
}

/// The newest recording of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The folder of its tape.
    pub tape: PathBuf,
    /// It began while the room ran already.
    pub under_way: bool,
    pub state: State,
    pub dropped: u64,
}

struct Order {
    on: bool,
    done: oneshot::Sender<Result<pages::Recording, String>>,
}

/// The one task that makes tapes.
struct Keeper {
    folder: Option<PathBuf>,
    header: Header,
    clock: Clock,
    switch: Switch,
    recorder: Option<Recorder>,
    /// The recorder's.
    state: watch::Receiver<State>,
    shown: watch::Sender<Option<Shown>>,
}

impl Recording {
    /// With a `folder` a first recording begins now, before the room; without one nothing is
    /// recorded until that is asked for, and then in the configured folder. `senses` are the
    /// language model's.
    ///
    /// # Errors
    /// When the first tape cannot be begun.
    pub fn open(
        folder: Option<&Path>,
        config: &Config,
        senses: Senses,
        clock: Clock,
        tasks: &TaskTracker,
    ) -> Result<Self, HostError> {
        let (orders, inbox) = mpsc::channel(ORDERS_MAX);
        let (shown, shown_out) = watch::channel(None);
        let mut keeper = Keeper {
            folder: folder.map(Path::to_owned).or_else(|| config.tape.folder.clone()),
            header: header(config, senses),
            clock,
            switch: Switch::default(),
            recorder: None,
            state: watch::channel(State::Ended).1,
            shown,
        };
        let tap = keeper.switch.tap();
        if let Some(folder) = folder {
            let recorder = begin(folder, keeper.header.clone(), clock);
            let recorder = recorder.map_err(|(path, cause)| HostError::Record { path, cause })?;
            keeper.take(recorder, false);
        }
        tasks.spawn(keeper.run(inbox));
        Ok(Self { orders, tap, shown: shown_out })
    }

    pub fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// The newest recording, as it goes on.
    pub fn shown(&self) -> watch::Receiver<Option<Shown>> {
        self.shown.clone()
    }

    /// Begins a recording, or ends it; what is so already stays. Returns how the newest one does.
    ///
    /// # Errors
    /// When it cannot begin, in one sentence.
    pub async fn set(&self, on: bool) -> Result<pages::Recording, String> {
        let (done, answer) = oneshot::channel();
        let sent = self.orders.try_send(Order { on, done });
        sent.map_err(|_| "the recorder is busy with an earlier order; try again".to_owned())?;
        answer.await.map_err(|_| "the host is stopping".to_owned())?
    }

    /// Ends what is recorded; returns the folder of the newest tape when it is whole.
    pub async fn finish(&self) -> Option<PathBuf> {
        // It fails when there is nothing to end.
        let _ = self.set(false).await;
        let shown = self.shown.borrow().clone()?;
        (shown.state == State::Ended).then_some(shown.tape)
    }
}

impl Shown {
    /// As the pages show it.
    pub(super) fn as_status(&self) -> pages::Recording {
        let (state, cause) = match &self.state {
            State::On { .. } => (PartState::Up, None),
            State::Failed { cause } => (PartState::Down, Some(cause.clone())),
            State::Ended => (PartState::Down, Some("the recording ended".to_owned())),
        };
        let folder = self.tape.display().to_string();
        pages::Recording { state, cause, dropped: self.dropped, folder }
    }
}

impl Keeper {
    /// Runs until nobody can order any more.
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    // Whoever asked may be gone; the pages show it anyway.
                    Some(Order { on: true, done }) => drop(done.send(self.on().await)),
                    Some(Order { on: false, done }) => drop(done.send(self.off().await)),
                    None => break,
                },
                // It fails when the recorder is gone, which is no news.
                Ok(()) = self.state.changed() => self.watch(),
            }
        }
        let _ = self.off().await;
    }

    /// Shows how the recorder does; one that failed is done with.
    fn watch(&mut self) {
        let Some(recorder) = &self.recorder else { return };
        let state = self.state.borrow_and_update().clone();
        let dropped = recorder.dropped();
        if !matches!(state, State::On { .. }) {
            self.switch.off();
            self.recorder = None;
        }
        self.show(state, dropped);
    }

    fn show(&self, state: State, dropped: u64) {
        self.shown.send_if_modified(|shown| {
            let Some(shown) = shown else { return false };
            let new = shown.state != state || shown.dropped != dropped;
            shown.state = state;
            shown.dropped = dropped;
            new
        });
    }

    fn status(&self) -> Option<pages::Recording> {
        self.shown.borrow().as_ref().map(Shown::as_status)
    }

    fn take(&mut self, recorder: Recorder, under_way: bool) {
        self.switch.onto(&recorder);
        let (tape, state) = (recorder.folder().to_owned(), State::On { dropped: 0 });
        tracing::info!(tape = %tape.display(), "recording");
        self.shown.send_replace(Some(Shown { tape, under_way, state, dropped: 0 }));
        self.state = recorder.state();
        self.recorder = Some(recorder);
    }

    async fn on(&mut self) -> Result<pages::Recording, String> {
        self.watch();
        if self.recorder.is_none() {
            let folder =
                self.folder.clone().ok_or("there is no place for tapes; set tape.folder")?;
            let (mut header, clock) = (self.header.clone(), self.clock);
            header.under_way = true;
            let begun = tokio::task::spawn_blocking(move || begin(&folder, header, clock)).await;
            let begun = begun.map_err(|error| error.to_string())?;
            let recorder = begun.map_err(|(path, cause)| {
                let path = path.display();
                format!("the tape {path} cannot be begun: {cause}; set tape.folder to another")
            })?;
            self.take(recorder, true);
        }
        self.status().ok_or_else(|| "nothing was recorded".to_owned())
    }

    async fn off(&mut self) -> Result<pages::Recording, String> {
        if let Some(recorder) = self.recorder.take() {
            self.switch.off();
            let line = recorder.tap();
            let end = tokio::task::spawn_blocking(move || recorder.finish()).await;
            let state = end.unwrap_or_else(|error| State::Failed { cause: error.to_string() });
            self.show(state, line.dropped());
        }
        let never = pages::Recording {
            state: PartState::Down,
            cause: Some("nothing was recorded yet".to_owned()),
            dropped: 0,
            folder: String::new(),
        };
        Ok(self.status().unwrap_or(never))
    }
}

/// Begins a new tape in `folder`, named after the room and the time. The error names the tape.
fn begin(
    folder: &Path,
    mut header: Header,
    clock: Clock,
) -> Result<Recorder, (PathBuf, io::Error)> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    header.began_unix_ms = u64::try_from(since.as_millis()).ok();
    let name = format!("{}-{}", file_name(&header.room), since.as_secs());
    let mut number = 1;
    loop {
        let again = if number > 1 { format!("-{number}") } else { String::new() };
        let tape = folder.join(format!("{name}{again}.tape"));
        match Recorder::start(&tape, &header, clock) {
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && number < TAPES_A_SECOND_MAX =>
            {
                number += 1;
            }
            begun => return begun.map_err(|error| (tape, error)),
        }
    }
}

/// What the room runs on, without keys and addresses.
fn header(config: &Config, senses: Senses) -> Header {
    let mut header = Header::new(config.cast.iter().map(Member::from).collect());
    header.room.clone_from(&config.room);
    header.seed = config.turn.seed;
    header.reply_tokens = config.turn.reply_tokens;
    header.turns_per_minute = config.turn.turns_per_minute;
    let (words, usual) = (config.sleep_words.clone(), SleepWords::default());
    header.sleep_words = Some(words.sleep).filter(|words| *words != usual.sleep);
    header.wake_words = Some(words.wake).filter(|words| *words != usual.wake);
    let (decide, weights) = (config.turn.decide, config.turn.weights);
    header.answers = decide.asks_the_model().then_some(Answers { decide, weights });
    (header.sees, header.hears) = (senses.sees, senses.hears);
    header.end_of_turn_us = match config.hearing.end_of_turn {
        EndOfTurn::Auto => 0,
        EndOfTurn::Fixed(silence) => micros(silence),
    };
    header.longest_us = micros(config.hearing.longest);
    header.models = Models {
        language: model(config.models.language.name()),
        recognition: model(&config.models.recognition),
        voice: model(&config.models.voice),
    };
    header
}

fn model(name: &str) -> Model {
    let known = Catalogue::built_in().find(name);
    let sha256 = known.and_then(|model| model.files.first()).map(|file| file.sha256.clone());
    // A path tells more of the machine than of the model.
    let name = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    Model { name: name.into_owned(), sha256 }
}
