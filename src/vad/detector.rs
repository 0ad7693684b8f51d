//! The voice detector: `earshot`, fed with chunks of any length.

use super::gate::FRAME_SAMPLES;

/// What the detector made of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Probability of speech, 0 to 1.
    pub probability: f32,
    /// Root mean square of the frame, 1 being full scale.
    pub level: f32,
    /// How many samples of the chunk come after this frame.
    pub behind: usize,
}

/// One speaker's detector. It holds some 8 KiB of state.
pub struct Detector {
    network: Box<earshot::Detector>,
    /// Samples that do not make a whole frame yet.
    rest: Vec<i16>,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            network: earshot::Detector::default_boxed(),
            rest: Vec::with_capacity(FRAME_SAMPLES),
        }
    }
}

impl Detector {
    /// Takes mono samples at 16 kHz and scores every frame that they complete, oldest first.
    pub fn push(&mut self, mut samples: &[i16]) -> Vec<Scored> {
        let mut scored = Vec::new();
        loop {
            let (head, tail) = samples.split_at(samples.len().min(self.missing()));
            self.rest.extend_from_slice(head);
            if self.missing() > 0 {
                return scored;
            }
            samples = tail;
            scored.push(Scored {
                probability: self.network.predict_i16(&self.rest).clamp(0.0, 1.0),
                level: level(&self.rest),
                behind: samples.len(),
            });
            self.rest.clear();
        }
    }

    fn missing(&self) -> usize {
        FRAME_SAMPLES - self.rest.len()
    }

    /// Forgets what it heard, for sound that does not continue it.
    pub fn reset(&mut self) {
        self.network.reset();
        self.rest.clear();
    }
}

fn level(frame: &[i16]) -> f32 {
    let energy: f32 = frame.iter().map(|&sample| f32::from(sample) * f32::from(sample)).sum();
    (energy / frame.len() as f32).sqrt() / f32::from(i16::MAX)
}

#[cfg(test)]
mod tests;
