//! What the voices that are played tell the faces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::track::Frame;
use crate::id::PersonaId;
use crate::mouth::Shape;
use crate::time::Time;

/// Frames that may wait, a second and more of one voice: when the faces do not keep up, new ones
/// are lost and counted, and the sound never waits.
const WAITING_MAX: usize = 64;
/// The level of digital silence.
const NOTHING_DBFS: f32 = -96.0;

/// A frame of a persona's voice that the room was handed.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    pub persona: PersonaId,
    /// When it was handed.
    pub at: Time,
    /// The root mean square of its samples against full scale.
    pub level_dbfs: f32,
    /// What the mouth does in its middle, where the voice told.
    pub shape: Option<Shape>,
}

/// The way to the faces; the default leads nowhere.
#[derive(Clone, Debug, Default)]
pub struct Lips {
    to: Option<mpsc::Sender<Moved>>,
    lost: Arc<AtomicU64>,
}

impl Lips {
    pub fn channel() -> (Self, mpsc::Receiver<Moved>) {
        let (to, from) = mpsc::channel(WAITING_MAX);
        (Self { to: Some(to), lost: Arc::default() }, from)
    }

    /// Frames that found no place, since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Never waits.
    pub(super) fn tell(&self, persona: &PersonaId, at: Time, frame: &Frame, shape: Option<Shape>) {
        let Some(to) = &self.to else { return };
        let moved = Moved { persona: persona.clone(), at, level_dbfs: level_dbfs(frame), shape };
        // Faces that are gone need nothing.
        if let Err(mpsc::error::TrySendError::Full(_)) = to.try_send(moved) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn level_dbfs(frame: &Frame) -> f32 {
    let sum: u64 = frame.iter().map(|s| u64::from(s.unsigned_abs()).pow(2)).sum();
    let mean = sum as f32 / frame.len() as f32 / 32_768.0_f32.powi(2);
    (10.0 * mean.log10()).max(NOTHING_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::FRAME_SAMPLES;

    #[test]
    fn levels_are_against_full_scale() {
        assert_eq!(level_dbfs(&[0; FRAME_SAMPLES]), NOTHING_DBFS);
        assert!((level_dbfs(&[i16::MIN; FRAME_SAMPLES])).abs() < 0.01);
        assert!((level_dbfs(&[3_277; FRAME_SAMPLES]) + 20.0).abs() < 0.05);
    }

    #[test]
    fn a_full_queue_loses_and_counts() {
        let (lips, from) = Lips::channel();
        let ada = PersonaId::new("ada");
        for _ in 0..WAITING_MAX + 3 {
            lips.tell(&ada, Time::ZERO, &[0; FRAME_SAMPLES], None);
        }
        assert_eq!((from.len(), lips.lost()), (WAITING_MAX, 3));
        Lips::default().tell(&ada, Time::ZERO, &[0; FRAME_SAMPLES], None);
    }
}
