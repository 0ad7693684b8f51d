//! The room while it is recorded: who is there when a recording begins, and what is shown of it.

use super::Live;
use crate::host::recording::Shown;
use crate::room::Command;
use crate::tape;

/// Where a recording stands.
#[derive(Default)]
pub(super) struct Taping {
    /// The newest one.
    shown: Option<Shown>,
    /// It began in the middle, and the room has not come to rest since.
    scene_due: bool,
}

impl Live {
    /// Everybody in the room and on the pages sees whether they are recorded.
    pub(super) fn on_recorder(&mut self, shown: Option<Shown>) {
        let Some(shown) = shown else { return };
        let on = matches!(shown.state, tape::State::On { .. });
        self.out.transport.send(Command::Recording(on));
        self.out.publisher.update(|status| status.recording = Some(shown.as_status()));
        let new = self.taping.shown.as_ref().is_none_or(|known| known.tape != shown.tape);
        self.taping.scene_due &= on && !new;
        if on && new && shown.under_way {
            self.tell_who_is_here();
        }
        self.taping.shown = Some(shown);
        self.tell_scene();
    }

    fn tell_who_is_here(&mut self) {
        let cast = self.core.standing();
        let cast = cast.map(|(id, mode, hosted)| (id.clone(), mode, hosted));
        let humans = self.names.iter().map(|(id, name)| (id.clone(), name.clone()));
        self.out.tap.standing(self.clock.now(), cast, humans);
        self.taping.scene_due = true;
    }

    /// Tells the tape once that nothing is under way, when that is so.
    pub(super) fn tell_scene(&mut self) {
        if self.taping.scene_due
            && let Some(memory) = self.core.memory()
        {
            self.taping.scene_due = false;
            self.out.tap.scene(self.clock.now(), self.lines, memory);
        }
    }
}
