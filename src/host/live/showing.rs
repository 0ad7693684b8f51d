//! The room while people show things: what is seen waits for a line, and goes with it.

use super::Live;
use crate::admin::state as pages;
use crate::host::reading;
use crate::host::sight::{Made, Typed};
use crate::id::{HumanId, LineId, Speaker};
use crate::sound::Sound;
use crate::turn::{Manner, Shown};

impl Live {
    /// A picture came out of the making.
    pub(super) fn on_made(&mut self, made: Made) {
        let ready = self.out.sight.came_out(&made);
        self.on_picture(made);
        for typed in ready {
            self.on_typed(typed);
        }
    }

    /// There is a picture, or one that nobody can look at.
    pub(super) fn on_picture(&mut self, made: Made) {
        let now = self.clock.now();
        self.out.tap.picture(now, &made.human, made.source, made.picture.as_ref());
        self.out.sight.take(now, made);
    }

    /// A typed line, and the pictures that came with it, are here.
    pub(super) fn on_typed(&mut self, Typed { human, at, text }: Typed) {
        self.out.tap.typed(self.clock.now(), &human, &text);
        let line = self.new_line();
        self.ledger.typed(line, at);
        self.on_line(line, human, Manner::Typed, text, None);
    }

    pub(super) fn on_line(
        &mut self,
        id: LineId,
        human: HumanId,
        manner: Manner,
        text: String,
        sound: Option<Sound>,
    ) {
        tracing::debug!(line = %id, %human, ?manner, text, "a line");
        let seen = self.out.sight.give(self.clock.now(), &human);
        let pictures = seen.iter().filter_map(|seen| Some(seen.picture.as_ref()?.id().clone()));
        let name = self.name_of(&human);
        let line = pages::Line {
            pictures: pictures.collect(),
            sound: sound.as_ref().map(|sound| sound.id().clone()),
            ..pages::Line::new(id, &Speaker::Human(human.clone()), &name, manner, &text)
        };
        self.show_line(line);
        let shown = seen.into_iter().map(|seen| self.shown(seen)).collect();
        self.line(reading::Line { id, human, manner, text, shown, sound });
    }

    /// What would go with the next line of a human.
    pub(super) fn would_show(&self, human: &HumanId) -> Vec<Shown> {
        let seen = self.out.sight.would_give(self.clock.now(), human);
        seen.into_iter().map(|seen| self.shown(seen)).collect()
    }

    fn shown(&self, seen: crate::eyes::Seen) -> Shown {
        Shown { by: self.name_of(&seen.human), source: seen.source, picture: seen.picture }
    }

    fn name_of(&self, human: &HumanId) -> String {
        self.names.get(human).cloned().unwrap_or_else(|| human.to_string())
    }
}
