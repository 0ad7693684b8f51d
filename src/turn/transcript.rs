//! What was said, shown and heard in the room, as far back as anybody needs to remember.

use std::collections::VecDeque;

use super::Line;

/// The newest lines, with the newest pictures and sounds. When it is full the older half leaves at
/// once: a seat's kept prefix then stays good for many lines, instead of being lost at every one.
#[derive(Clone, Debug)]
pub(super) struct Transcript {
    entries: VecDeque<Line>,
    lines_max: usize,
    pictures_max: usize,
    sounds_max: usize,
    /// Lines that left.
    gone: u64,
}

/// A place between two lines, which stays the same when older lines leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Transcript {
    /// `lines_max` of at least 2.
    pub(super) fn new(lines_max: usize, pictures_max: usize, sounds_max: usize) -> Self {
        let (entries, lines_max) = (VecDeque::new(), lines_max.max(2));
        Self { entries, lines_max, pictures_max, sounds_max, gone: 0 }
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
        if self.entries.iter().map(|line| line.shown.len()).sum::<usize>() > self.pictures_max {
            self.forget_pictures();
        }
        if self.entries.iter().filter(|line| line.sound.is_some()).count() > self.sounds_max {
            let heard = self.entries.iter_mut().rev().filter(|line| line.sound.is_some());
            // The older half falls back to its words.
            heard.skip(self.sounds_max / 2).for_each(|line| line.sound = None);
        }
    }

    /// Keeps half as many pictures as may be, the newest. Those of one line leave together.
    fn forget_pictures(&mut self) {
        let mut kept = 0;
        for line in self.entries.iter_mut().rev().filter(|line| !line.shown.is_empty()) {
            if kept > 0 && kept + line.shown.len() > self.pictures_max / 2 {
                line.shown.clear();
            }
            kept += line.shown.len();
        }
    }

    pub(super) fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HumanId, LineId, Speaker};
    use crate::picture::Source;
    use crate::turn::{Manner, Shown};

    fn line(id: u64) -> Line {
        Line {
            id: LineId(id),
            speaker: Speaker::Human(HumanId::new("tom")),
            name: "Tom".to_owned(),
            manner: Manner::Typed,
            text: "Hello.".to_owned(),
            shown: Vec::new(),
            sound: None,
        }
    }

    fn ids(transcript: &Transcript) -> Vec<u64> {
        transcript.lines().map(|line| line.id.0).collect()
    }

    #[test]
    fn the_older_half_leaves_when_it_is_full() {
        let mut transcript = Transcript::new(4, 2, 2);
        for id in 1..=5 {
            transcript.push(line(id));
        }
        assert_eq!(ids(&transcript), [3, 4, 5]);
        transcript.push(line(6));
        assert_eq!(ids(&transcript), [3, 4, 5, 6]);
    }

    #[test]
    fn the_older_half_of_the_pictures_leaves() {
        let mut transcript = Transcript::new(64, 4, 4);
        let shown = |count| {
            let one = Shown { by: "Tom".to_owned(), source: Source::Camera, picture: None };
            vec![one; count]
        };
        let mut shows = |id, count| {
            transcript.push(Line { shown: shown(count), ..line(id) });
            transcript.lines().map(|line| line.shown.len()).collect::<Vec<_>>()
        };
        assert_eq!(shows(1, 2), [2]);
        assert_eq!(shows(2, 2), [2, 2]);
        assert_eq!(shows(3, 1), [0, 0, 1]);
        assert_eq!(shows(4, 1), [0, 0, 1, 1]);
        assert_eq!(shows(5, 3), [0, 0, 0, 0, 3], "the newest line keeps all of its own");
    }

    #[test]
    fn the_older_half_of_the_sounds_falls_back_to_its_words() {
        let mut transcript = Transcript::new(64, 4, 4);
        let sound = crate::sound::Sound::of_samples(&[0.5; 1_600]).ok();
        for id in 1..=4 {
            transcript.push(Line { sound: sound.clone(), ..line(id) });
        }
        transcript.push(line(5));
        let heard = |transcript: &Transcript| {
            let heard = transcript.lines().filter(|line| line.sound.is_some());
            heard.map(|line| line.id.0).collect::<Vec<_>>()
        };
        assert_eq!(heard(&transcript), [1, 2, 3, 4]);
        transcript.push(Line { sound: sound.clone(), ..line(6) });
        assert_eq!(heard(&transcript), [4, 6]);
        // What an earlier prompt began with stays for some lines.
        transcript.push(Line { sound, ..line(7) });
        assert_eq!(heard(&transcript), [4, 6, 7]);
        assert!(transcript.lines().all(|line| !line.text.is_empty()));
    }

    #[test]
    fn a_place_stays_when_older_lines_leave() {
        let mut transcript = Transcript::new(4, 2, 2);
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
