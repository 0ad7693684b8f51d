//! A tape: everything that a room was told and everything that came of it, with its times.
//!
//! `docs/TAPE.md` describes the format. A [`Tap`] is what the host and its parts report to; behind
//! it is a [`Recorder`], which writes a folder, or memory, from which a replay is compared.
//!
//! ```text
//! host, seams ── Tap ──► bounded queue ──► writer thread ──► NAME.tape/
//!                                              tape.jsonl, audio/*.ogg, frames/*.jpg
//! ```

mod clip;
mod header;
mod observe;
mod read;
mod record;
mod recorder;
mod redact;
mod seam;
#[cfg(feature = "sound-files")]
pub mod sound;
mod tap;
mod trim;
mod write;

pub use clip::{ClipError, clip};
pub use header::{Answers, Header, Member, Model, Models, Pace, VERSION};
pub use read::{Tape, TapeError, expectation};
pub use record::{End, Entry, Meant, Recognised, Record, Reply, Scored, Utterance, Voice};
pub use recorder::{Recorder, State};
pub use seam::{fingerprint_of, fingerprint_of_text};
pub use tap::{Switch, Tap};
pub use trim::{Cut, trim};
pub use write::{FRAMES_FOLDER, HEARD_FOLDER, SOUND_FOLDER, Writer, file_name};

/// The records of a tape, one JSON object a line.
pub const RECORDS_FILE: &str = "tape.jsonl";
/// The effects that a replay must give, byte for byte.
pub const EXPECT_FILE: &str = "expect.jsonl";
