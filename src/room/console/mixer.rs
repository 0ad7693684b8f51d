//! From the personas' voices to one sound: queues on one side, whatever a device asks for on the
//! other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::audio::{FRAME_SAMPLES, ROOM_RATE_HZ};
use crate::id::PersonaId;

/// What a voice may have waiting, as [`crate::room::Transport::voice`] promises.
const WAITING_MAX: usize = 2 * FRAME_SAMPLES;
/// Played sound kept for the echo canceller: more than its delay estimate reaches. The oldest is
/// dropped and counted.
const PLAYED_MAX: usize = ROOM_RATE_HZ as usize;

/// Mixes mono sound at [`ROOM_RATE_HZ`]. The device's thread pulls, so nothing here takes longer
/// than a few additions a sample, and the lock is never held across a wait.
#[derive(Debug, Default)]
pub struct Mixer {
    state: Mutex<State>,
    drained: Notify,
}

#[derive(Debug, Default)]
struct State {
    voices: HashMap<PersonaId, Voice>,
    /// The most that the device asked for at once.
    asked_max: usize,
    played: VecDeque<i16>,
    played_dropped: u64,
}

#[derive(Debug, Default)]
struct Voice {
    waiting: VecDeque<i16>,
    /// It had less than the device asked for, and was given one round to catch up.
    held: bool,
}

impl Mixer {
    /// Takes a frame of a voice; waits while too much of it is not played yet.
    pub async fn push(&self, persona: &PersonaId, frame: &[i16]) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            // Before the look, so that a pull between the two is not missed.
            drained.as_mut().enable();
            if self.try_push(persona, frame) {
                return;
            }
            drained.await;
        }
    }

    fn try_push(&self, persona: &PersonaId, frame: &[i16]) -> bool {
        let mut state = self.state();
        // A device that takes more at once than the promise allows would starve on it.
        let bound = WAITING_MAX.max(2 * state.asked_max);
        let voice = state.voices.entry(persona.clone()).or_default();
        if voice.waiting.len() + frame.len() > bound {
            return false;
        }
        voice.waiting.extend(frame);
        true
    }

    /// Drops what waits of a voice.
    pub fn clear(&self, persona: &PersonaId) {
        if let Some(voice) = self.state().voices.get_mut(persona) {
            voice.waiting.clear();
        }
        self.drained.notify_waiters();
    }

    /// Fills `out` with everybody's next samples; silence where there are none.
    pub fn pull(&self, out: &mut [i16]) {
        let mut state = self.state();
        let State { voices, asked_max, played, played_dropped } = &mut *state;
        *asked_max = out.len().max(*asked_max);
        let mut ready: Vec<_> = voices.values_mut().filter_map(|v| v.ready(out.len())).collect();
        for sample in out.iter_mut() {
            let sum: i32 = ready.iter_mut().filter_map(|v| v.pop_front()).map(i32::from).sum();
            *sample = sum.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
        }
        played.extend(out.iter());
        let over = played.len().saturating_sub(PLAYED_MAX);
        played.drain(..over);
        *played_dropped += over as u64;
        drop(state);
        self.drained.notify_waiters();
    }

    /// Moves what was played since the last call behind `out`.
    pub fn take_played(&self, out: &mut Vec<i16>) {
        out.extend(self.state().played.drain(..));
    }

    /// Played samples that the echo canceller never saw.
    pub fn played_dropped(&self) -> u64 {
        self.state().played_dropped
    }

    /// A poisoned mixer still has its queues.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Voice {
    /// What is to be played of it in a round of `samples`.
    fn ready(&mut self, samples: usize) -> Option<&mut VecDeque<i16>> {
        let short = self.waiting.len() < samples;
        let hold = short && !self.held && !self.waiting.is_empty();
        self.held = short && !self.waiting.is_empty() && !self.held;
        (!hold).then_some(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    const FRAME: [i16; FRAME_SAMPLES] = [1_000; FRAME_SAMPLES];

    fn pull(mixer: &Mixer, samples: usize) -> Vec<i16> {
        let mut out = vec![7; samples];
        mixer.pull(&mut out);
        out
    }

    #[tokio::test]
    async fn two_voices_add_up_without_overflow_and_silence_is_silent() {
        let mixer = Mixer::default();
        let (ada, felix) = (PersonaId::new("ada"), PersonaId::new("felix"));
        assert_eq!(pull(&mixer, 4), [0; 4]);
        mixer.push(&ada, &FRAME).await;
        mixer.push(&felix, &[i16::MAX; FRAME_SAMPLES]).await;
        assert_eq!(pull(&mixer, 480), [i16::MAX; 480]);
        mixer.clear(&felix);
        assert_eq!(pull(&mixer, 480), [1_000; 480]);
        assert_eq!(pull(&mixer, 480), [0; 480]);
    }

    #[tokio::test]
    async fn a_voice_waits_for_its_third_frame_until_the_device_took_one() {
        let mixer = Mixer::default();
        let ada = PersonaId::new("ada");
        mixer.push(&ada, &FRAME).await;
        mixer.push(&ada, &FRAME).await;
        let mut third = Box::pin(mixer.push(&ada, &FRAME));
        let mut context = Context::from_waker(Waker::noop());
        assert!(third.as_mut().poll(&mut context).is_pending());
        pull(&mixer, FRAME_SAMPLES);
        assert!(third.as_mut().poll(&mut context).is_ready());
    }

    #[tokio::test]
    async fn a_device_with_long_rounds_gets_whole_ones() {
        let mixer = Mixer::default();
        let ada = PersonaId::new("ada");
        let round = 4 * FRAME_SAMPLES;
        pull(&mixer, round);
        mixer.push(&ada, &FRAME).await;
        assert_eq!(pull(&mixer, round), vec![0; round], "it is given a round to catch up");
        for _ in 0..4 {
            mixer.push(&ada, &FRAME).await;
        }
        assert_eq!(pull(&mixer, round), vec![1_000; round]);
        pull(&mixer, round);
        let rest = pull(&mixer, round);
        assert_eq!(rest[..FRAME_SAMPLES], FRAME, "an end that is short is played all the same");
    }

    #[test]
    fn what_was_played_is_kept_for_the_echo_canceller_within_bounds() {
        let mixer = Mixer::default();
        for _ in 0..11 {
            pull(&mixer, PLAYED_MAX / 10);
        }
        let mut played = Vec::new();
        mixer.take_played(&mut played);
        assert_eq!(played.len(), PLAYED_MAX);
        assert_eq!(mixer.played_dropped(), PLAYED_MAX as u64 / 10);
    }
}
