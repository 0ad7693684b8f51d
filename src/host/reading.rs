//! Has a model tell what is said means, beside the room's loop: it takes milliseconds of a core,
//! for which sound and pictures cannot wait. Lines wait for it in the order in which they came, and
//! none of them long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::id::{HumanId, LineId};
use crate::meaning::{Meaning, Read};
use crate::sound::Sound;
use crate::turn::{Manner, Shown};

/// A model that is slower is not waited for: the words alone have to do.
const WAIT_MAX: Duration = Duration::from_millis(150);
/// Lines that wait. Where there are more, they go on unread.
const LINES_MAX: usize = 16;
/// A line, and words that are no line yet, are in hand at once; each may just have come back.
const TOLD_BOUND: usize = 4;

/// A line on its way to the core.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) human: HumanId,
    pub(super) manner: Manner,
    pub(super) text: String,
    pub(super) shown: Vec<Shown>,
    pub(super) sound: Option<Sound>,
}

/// What somebody has said of a line so far.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) human: HumanId,
    pub(super) text: String,
}

/// What a text was told to mean; nothing where that failed, or not in time.
#[derive(Debug)]
pub(super) struct Told {
    number: u64,
    pub(super) text: String,
    pub(super) meaning: Option<Meaning>,
}

/// What goes on to the core.
#[derive(Debug)]
pub(super) enum Due {
    Line(Line),
    Words(Words),
}

/// What waits for its meaning. [`Self::read`] has to be called with what [`Self::next`] names.
pub(super) struct Reading {
    /// None: nothing waits.
    reader: Option<Arc<dyn Read>>,
    told: mpsc::Sender<Told>,
    number: u64,
    lines: VecDeque<Line>,
    /// Which reading is the first line's.
    line: Option<u64>,
    words: Option<(u64, Words)>,
}

impl Reading {
    pub(super) fn new(reader: Option<Arc<dyn Read>>) -> (Self, mpsc::Receiver<Told>) {
        let (told, answers) = mpsc::channel(TOLD_BOUND);
        let (lines, line, words) = (VecDeque::new(), None, None);
        (Self { reader, told, number: 0, lines, line, words }, answers)
    }

    /// Has words read, made `whole` with those before them. Gives them back when nobody reads, or
    /// others are being read.
    pub(super) fn words(
        &mut self,
        words: Words,
        whole: impl FnOnce(&Words) -> String,
    ) -> Option<Words> {
        if self.reader.is_none() || self.words.is_some() {
            return Some(words);
        }
        self.words = Some((self.ask(whole(&words)), words));
        None
    }

    /// Has a line wait. Gives back what goes on at once.
    pub(super) fn line(&mut self, line: Line) -> Vec<Line> {
        // Words that come behind their line say nothing new.
        self.words = self.words.take().filter(|(_, words)| words.human != line.human);
        self.lines.push_back(line);
        if self.reader.is_some() && self.lines.len() <= LINES_MAX {
            return Vec::new();
        }
        self.line = None;
        self.lines.drain(..).collect()
    }

    /// The line that is to be read now.
    pub(super) fn next(&self) -> Option<&Line> {
        self.lines.front().filter(|_| self.line.is_none())
    }

    /// Has the line that is next read, which with the words before it is `whole`.
    pub(super) fn read(&mut self, whole: String) {
        self.line = Some(self.ask(whole));
    }

    /// What waited for this answer.
    pub(super) fn due(&mut self, told: &Told) -> Option<Due> {
        let words = self.words.take_if(|(number, _)| *number == told.number);
        if let Some((_, words)) = words {
            return Some(Due::Words(words));
        }
        self.line.take_if(|number| *number == told.number)?;
        self.lines.pop_front().map(Due::Line)
    }

    fn ask(&mut self, text: String) -> u64 {
        self.number += 1;
        let (number, told) = (self.number, self.told.clone());
        if let Some(reader) = self.reader.clone() {
            tokio::spawn(async move {
                let meaning = timeout(WAIT_MAX, reader.read(&text)).await.ok().flatten();
                // A room that is gone needs no answer.
                let _ = told.send(Told { number, text, meaning }).await;
            });
        }
        number
    }
}

#[cfg(test)]
mod tests;
