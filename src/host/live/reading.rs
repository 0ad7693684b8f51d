//! What is said goes to the core when its meaning is known.

use super::Live;
use crate::host::reading::{Due, Line, Told, Words};
use crate::turn;

impl Live {
    /// Tells the core of a line, when its meaning is known.
    pub(super) fn line(&mut self, line: Line) {
        for line in self.out.reading.line(line) {
            self.tell_line(line);
        }
        self.read_next();
    }

    pub(super) fn on_told(&mut self, told: Told) {
        let due = self.out.reading.due(&told);
        if let Told { text, meaning: Some(meaning), .. } = told {
            self.tell(turn::Event::Meant { text, meaning });
        }
        match due {
            Some(Due::Line(line)) => self.tell_line(line),
            Some(Due::Words(words)) => self.on_words(words),
            None => {}
        }
        self.read_next();
    }

    /// The line before it decides whether the next one goes on with it.
    fn read_next(&mut self) {
        if let Some(line) = self.out.reading.next() {
            let whole = self.core.whole(self.clock.now(), &line.human, &line.text);
            self.out.reading.read(whole);
        }
    }

    fn tell_line(&mut self, line: Line) {
        let Line { id, human, manner, text, shown, sound } = line;
        self.tell(turn::Event::Line { id, human, manner, text, shown, sound });
    }

    /// What their words make likely is computed ahead of time, but for beside a speech, which it
    /// would take from.
    pub(super) fn on_words(&mut self, Words { human, text }: Words) {
        let free = self.speeches.is_empty();
        let now = self.clock.now();
        let likely =
            if free { self.core.likely(now, &human, &text, self.would_show(&human)) } else { None };
        self.tell(turn::Event::Words { human, text });
        if let Some((persona, messages)) = likely {
            self.out.ahead.guess(persona, messages);
        }
    }
}
