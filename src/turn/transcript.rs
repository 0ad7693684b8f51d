//! What was said in the room, as far back as anybody needs to remember.

use std::collections::VecDeque;

use super::Line;

/// The newest lines. When it is full the older half leaves at once: a seat's kept prefix then
/// stays good for many lines, instead of being lost at every one.
#[derive(Clone, Debug)]
pub(super) struct Transcript {
    entries: VecDeque<Line>,
    lines_max: usize,
    /// Lines that left.
    gone: u64,
}

/// A place between two lines, which stays the same when older lines leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Transcript {
    /// `lines_max` of at least 2.
    pub(super) fn new(lines_max: usize) -> Self {
        Self { entries: VecDeque::new(), lines_max: lines_max.max(2), gone: 0 }
    }

    pub(super) fn end(&self) -> Place {
        Place(self.gone + self.entries.len() as u64)
    }

    pub(super) fn push(&mut self, line: Line) {
        self.insert(self.end(), line);
    }

    /// A speech stands where it was granted: lines that came meanwhile were not known to it.
    pub(super) fn insert(&mut self, place: Place, line: Line) {
        let index = usize::try_from(place.0.saturating_sub(self.gone)).unwrap_or(usize::MAX);
        self.entries.insert(index.min(self.entries.len()), line);
        if self.entries.len() > self.lines_max {
            let leaving = self.lines_max / 2;
            self.entries.drain(..leaving);
            self.gone += leaving as u64;
        }
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HumanId, LineId, Speaker};
    use crate::turn::Manner;

    fn line(id: u64) -> Line {
        Line {
            id: LineId(id),
            speaker: Speaker::Human(HumanId::new("tom")),
            name: "Tom".to_owned(),
            manner: Manner::Typed,
            text: "Hello.".to_owned(),
        }
    }

    fn ids(transcript: &Transcript) -> Vec<u64> {
        transcript.lines().map(|line| line.id.0).collect()
    }

    #[test]
    fn the_older_half_leaves_when_it_is_full() {
        let mut transcript = Transcript::new(4);
        for id in 1..=5 {
            transcript.push(line(id));
        }
        assert_eq!(ids(&transcript), [3, 4, 5]);
        transcript.push(line(6));
        assert_eq!(ids(&transcript), [3, 4, 5, 6]);
    }

    #[test]
    fn a_place_stays_when_older_lines_leave() {
        let mut transcript = Transcript::new(4);
        for id in 1..=3 {
            transcript.push(line(id));
        }
        let place = transcript.end();
        transcript.push(line(5));
        transcript.push(line(6));
        transcript.insert(place, line(4));
        assert_eq!(ids(&transcript), [3, 4, 5, 6]);
        for id in 7..=19 {
            transcript.push(line(id));
        }
        transcript.insert(place, line(21));
        assert_eq!(ids(&transcript)[0], 21, "a place that is gone is the oldest");
    }
}
