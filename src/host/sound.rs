//! What a turn sounded like, for the pages.

use std::path::Path;

use crate::admin::state::NoSound;
use crate::id::TurnId;
use crate::tape::{self, ClipError};

/// A turn's sound, out of a tape.
pub(super) fn of(tape: &Path, turn: TurnId) -> Result<Vec<u8>, NoSound> {
    tape::clip(tape, turn).map_err(|error| {
        let sentence = error.to_string();
        match error {
            ClipError::NotOnTape(_) | ClipError::Silent(_) => NoSound::Missing(sentence),
            ClipError::NotBuilt => NoSound::NotBuilt(sentence),
            ClipError::Tape(_) => NoSound::Broken(sentence),
        }
    })
}
