//! Stands for the engine where it was left out of the build.

use crate::Arguments;
use crate::wire::Message;

/// Cannot be had.
pub(crate) enum Engine {}

impl Engine {
    pub(crate) fn load(_: &Arguments) -> Result<Self, String> {
        Err("these ears were built without an engine; build with the feature `whisper`".to_owned())
    }

    pub(crate) fn load_ms(&self) -> u64 {
        match *self {}
    }

    #[expect(clippy::needless_pass_by_ref_mut, reason = "the engine needs it")]
    pub(crate) fn answer(&mut self, _: u64, _: &[f32]) -> Message {
        match *self {}
    }
}
