//! The conversation at a terminal, from the first line to the last.

use std::collections::HashSet;
use std::io::{self, Write};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::screen::Screen;
use super::typed::{self, Typed};
use crate::admin::state as pages;
use crate::id::PersonaId;
use crate::persona::Persona;
use crate::room::console::Guest;
use crate::room::console::device::Sound;
use crate::room::{AgentState, Command};

/// A room is quiet when nobody thinks or speaks for so long: what follows on a line or a speech
/// begins at once.
const QUIET: Duration = Duration::from_millis(500);
/// How often the level is drawn: smooth enough to see one's own voice.
const METER_STEP: Duration = Duration::from_millis(100);
/// Characters of the level's bar.
const METER_WIDTH: usize = 20;

/// Where a conversation is typed and shown.
pub struct Terminal<O, N> {
    /// Typed lines; it ends with the input.
    pub lines: mpsc::Receiver<String>,
    /// The conversation, and nothing else.
    pub out: O,
    /// What stands beside it: who thinks, mistakes, the level.
    pub notes: N,
    /// A person types: lines are taken as they come, and not repeated. Else a line waits until the
    /// one before is answered.
    pub typed_live: bool,
    /// `notes` is a screen that can redraw a line.
    pub meter: bool,
}

/// What a terminal talks to.
pub(super) struct Room<'a> {
    pub(super) cast: &'a [Persona],
    pub(super) name: &'a str,
    pub(super) guest: Guest,
    pub(super) screen: mpsc::Receiver<Command>,
    pub(super) commands: mpsc::Sender<pages::Command>,
    /// None where there is only the keyboard; then the end of input ends it all.
    pub(super) sound: Option<Sound>,
}

/// Who is busy, and since when nobody is.
struct Quiet {
    busy: HashSet<PersonaId>,
    since: Instant,
    reached: bool,
}

impl Quiet {
    /// Something happened.
    fn stirred(&mut self) {
        self.since = Instant::now();
        self.reached = false;
    }

    fn follow(&mut self, command: &Command) {
        self.stirred();
        if let Command::State { persona, state } = command {
            match state {
                AgentState::Thinking | AgentState::Speaking => self.busy.insert(persona.clone()),
                _ => self.busy.remove(persona),
            };
        }
    }
}

/// Why the loop ends.
enum End {
    No,
    Yes,
}

struct Talk<'a, O, N> {
    terminal: Terminal<O, N>,
    room: Room<'a>,
    screen: Screen,
    quiet: Quiet,
    ended: bool,
    meter_shown: bool,
}

/// Talks until the input ends and the room is quiet, until `/quit`, or until cancelled.
pub(super) async fn talk<O: Write, N: Write>(
    terminal: Terminal<O, N>,
    room: Room<'_>,
    cancel: &CancellationToken,
) -> io::Result<()> {
    let screen = Screen::new(room.cast, room.name);
    let quiet = Quiet { busy: HashSet::new(), since: Instant::now(), reached: false };
    let mut talk = Talk { terminal, room, screen, quiet, ended: false, meter_shown: false };
    let done = cancel.run_until_cancelled(talk.run()).await;
    talk.unmeter()?;
    let rest = talk.screen.end_line();
    talk.terminal.out.write_all(rest.as_bytes())?;
    talk.terminal.out.flush()?;
    done.unwrap_or(Ok(()))
}

impl<O: Write, N: Write> Talk<'_, O, N> {
    async fn run(&mut self) -> io::Result<()> {
        let mut tick = interval(METER_STEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let meter = self.terminal.meter && self.room.sound.is_some();
        loop {
            let wanted = !self.ended && (self.terminal.typed_live || self.quiet.reached);
            let settling = !self.quiet.reached && self.quiet.busy.is_empty();
            tokio::select! {
                biased;
                Some(command) = self.room.screen.recv() => self.show(&command)?,
                line = self.terminal.lines.recv(), if wanted => match line {
                    Some(line) => if let End::Yes = self.take(&line).await? { return Ok(()) },
                    None => {
                        self.ended = true;
                        self.quiet.stirred();
                    }
                },
                () = sleep_until(self.quiet.since + QUIET), if settling => {
                    self.quiet.reached = true;
                    if self.ended && self.room.sound.is_none() {
                        return Ok(());
                    }
                }
                Some(failure) = failed(&mut self.room.sound) => self.note(&failure)?,
                _ = tick.tick(), if meter => self.draw_meter()?,
            }
        }
    }

    fn show(&mut self, command: &Command) -> io::Result<()> {
        self.quiet.follow(command);
        let shown = self.screen.show(command);
        self.write(&shown.text)?;
        shown.note.map_or(Ok(()), |note| self.note(&note))
    }

    async fn take(&mut self, line: &str) -> io::Result<End> {
        match typed::read(line, self.room.cast) {
            Typed::Nothing => {}
            Typed::Quit => return Ok(End::Yes),
            Typed::Help => {
                for line in typed::HELP {
                    self.note(line)?;
                }
            }
            Typed::Mistake(sentence) => self.note(&sentence)?,
            Typed::Command(command) => {
                // The host takes them faster than anybody types.
                if self.room.commands.send(command).await.is_err() {
                    return Ok(End::Yes);
                }
                self.quiet.stirred();
            }
            Typed::Line(line) => {
                if !self.terminal.typed_live {
                    let text = self.screen.own(&line);
                    self.write(&text)?;
                }
                if !self.room.guest.types(line).await {
                    return Ok(End::Yes);
                }
                self.quiet.stirred();
            }
        }
        Ok(End::No)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.unmeter()?;
        self.terminal.out.write_all(text.as_bytes())?;
        self.terminal.out.flush()
    }

    fn note(&mut self, note: &str) -> io::Result<()> {
        let end = self.screen.end_line();
        self.write(&end)?;
        self.unmeter()?;
        writeln!(self.terminal.notes, "  {note}")?;
        self.terminal.notes.flush()
    }

    /// Not while a line of the conversation is unfinished: it is on the same line of the screen.
    fn draw_meter(&mut self) -> io::Result<()> {
        let Some(sound) = &self.room.sound else { return Ok(()) };
        if self.screen.is_open() {
            return Ok(());
        }
        let full = (*sound.level.borrow() * METER_WIDTH as f32).round() as usize;
        let bar = "|".repeat(full.min(METER_WIDTH));
        write!(self.terminal.notes, "\r\x1b[K  [{bar:<METER_WIDTH$}] ")?;
        self.meter_shown = true;
        self.terminal.notes.flush()
    }

    fn unmeter(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.meter_shown) {
            return Ok(());
        }
        write!(self.terminal.notes, "\r\x1b[K")?;
        self.terminal.notes.flush()
    }
}

/// The next complaint of a sound device.
async fn failed(sound: &mut Option<Sound>) -> Option<String> {
    match sound {
        Some(sound) => sound.failures.recv().await,
        None => std::future::pending().await,
    }
}
