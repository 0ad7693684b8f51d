//! An acoustic loop: what is played comes back through a room, late, quieter, at another clock's
//! rate, and mixed with what a human says.

use super::*;
use crate::audio::EARS_RATE_HZ;
use crate::stt::hearing::{Event, Hearing, Options};

fn sound(name: &str) -> Vec<f32> {
    let path = format!("{}/tests/sounds/{name}.wav", env!("CARGO_MANIFEST_DIR"));
    let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
    wav.into_samples::<i16>().map(|sample| f32::from(sample.expect("whole samples"))).collect()
}

/// Numbers in -1..1 that are the same in every run.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// A loudspeaker, a room and a microphone.
#[derive(Clone, Copy)]
struct Loop {
    delay_ms: usize,
    gain: f32,
    /// How much faster the microphone's clock runs.
    drift: f32,
    seed: u32,
}

impl Loop {
    /// What comes back of `played`; both at the ears' rate.
    fn echo(self, played: &[f32]) -> Vec<f32> {
        let rate = EARS_RATE_HZ as usize;
        let mut noise = Noise(self.seed);
        // Direct sound, one wall, and a tail that dies away within 0.3 s.
        let tail = rate * 3 / 10;
        let mut room: Vec<(usize, f32)> = vec![(0, 1.0), (40, 0.4)];
        for at in (80..tail).step_by(23) {
            let fall = 10.0_f32.powf(-3.0 * at as f32 / tail as f32);
            room.push((at, noise.next() * 0.17 * fall));
        }
        let delay = self.delay_ms * rate / 1_000;
        let mut back = vec![0.0; played.len() + delay + tail];
        for (offset, gain) in room {
            for (at, sample) in played.iter().enumerate() {
                back[at + delay + offset] += sample * gain * self.gain;
            }
        }
        let resampled = (0..back.len()).map(|at| {
            let place = at as f32 * self.drift;
            let from = place as usize;
            let next = back.get(from + 1).copied().unwrap_or(0.0);
            let here = back.get(from).copied().unwrap_or(0.0);
            here + (next - here) * place.fract() + noise.next() * 8.0
        });
        resampled.collect()
    }
}

/// A room where a persona plays `played` from 0.5 s on, and one microphone.
struct Rig {
    guard: EchoGuard,
    hearing: Hearing,
    now: Time,
    /// When an onset was told, and whether voice that lasts was.
    onsets: Vec<Time>,
    /// How often a sound rose, whether it became an onset or not.
    rises: usize,
    utterances: usize,
}

const CHUNK: usize = 160;

impl Rig {
    fn new() -> Self {
        Self {
            guard: EchoGuard::default(),
            hearing: Hearing::new(Options::default()),
            now: Time::from_ms(500),
            onsets: Vec::new(),
            rises: 0,
            utterances: 0,
        }
    }

    /// Both at the ears' rate; the shorter one is followed by silence.
    fn run(&mut self, played: &[f32], microphone: &[f32]) {
        let human = HumanId::new("tom");
        let count = played.len().max(microphone.len()).div_ceil(CHUNK);
        let chunk = |of: &[f32], at: usize| -> Vec<i16> {
            let from = (at * CHUNK).min(of.len());
            let mut chunk: Vec<i16> =
                of[from..(from + CHUNK).min(of.len())].iter().map(|s| *s as i16).collect();
            chunk.resize(CHUNK, 0);
            chunk
        };
        for at in 0..count {
            self.now = self.now + Duration::from_millis(10);
            if at * CHUNK < played.len() {
                let sound = chunk(played, at);
                let room: Vec<i16> = sound.iter().flat_map(|sample| [*sample; 3]).collect();
                self.guard.played(self.now, &room);
            }
            let sound = chunk(microphone, at);
            let speaks = self.hearing.anybody_speaks();
            for (time, samples) in self.guard.heard(&human, self.now, &sound, speaks) {
                let rose = self.hearing.anybody_rises();
                let events = self.hearing.audio(self.now, &human, time, &samples);
                self.rises += usize::from(self.hearing.anybody_rises() && !rose);
                for event in events {
                    match event {
                        Event::SpeechStarted { .. } => self.onsets.push(self.now),
                        Event::Utterance(_) => self.utterances += 1,
                        _ => {}
                    }
                }
            }
        }
    }
}

fn mixed(one: &[f32], other: &[f32], from_ms: usize) -> Vec<f32> {
    let from = from_ms * EARS_RATE_HZ as usize / 1_000;
    let mut mixed = one.to_vec();
    mixed.resize(one.len().max(from + other.len()), 0.0);
    for (at, sample) in other.iter().enumerate() {
        mixed[from + at] += sample;
    }
    mixed
}

/// A long reply.
fn reply() -> Vec<f32> {
    let mut reply = sound("felix_storm");
    reply.extend(sound("nora_talk"));
    reply
}

fn loops() -> impl Iterator<Item = Loop> {
    let delays = [40, 120, 210, 350, 560];
    let gains = [0.5, 0.2, 0.08];
    let drifts = [1.0, 1.000_3, 0.999_8];
    delays.into_iter().zip(1..).flat_map(move |(delay_ms, seed)| {
        gains.into_iter().zip(drifts).map(move |(gain, drift)| Loop { delay_ms, gain, drift, seed })
    })
}

#[test]
fn the_cast_that_comes_back_triggers_nobody() {
    for acoustic in loops() {
        let mut rig = Rig::new();
        let reply = reply();
        rig.run(&reply, &acoustic.echo(&reply));
        let Loop { delay_ms, gain, .. } = acoustic;
        let triggered = (rig.onsets.len(), rig.rises, rig.utterances);
        assert_eq!(triggered, (0, 0, 0), "{delay_ms} ms, {gain}");
        assert!(rig.guard.stats().silenced_ms > 4_000, "{:?}", rig.guard.stats());
    }
}

/// A human is found over the echo by then. Most take 0.13 to 0.35 s; the longest of these loops, in
/// which the cast comes back half as loud as it was played, takes 0.61 s.
const OVER_ECHO_MAX: Duration = Duration::from_millis(700);

#[test]
fn who_speaks_over_the_echo_gets_through() {
    let human = sound("room_evening");
    for acoustic in loops() {
        let mut rig = Rig::new();
        let reply = reply();
        let begins_ms = 3_000;
        rig.run(&reply, &mixed(&acoustic.echo(&reply), &human, begins_ms));
        let Loop { delay_ms, gain, .. } = acoustic;
        // The sound has a quarter of a second of silence before its words.
        let spoken = Time::from_ms(500 + begins_ms as u64 + 250);
        let after = rig.onsets.iter().find(|at| **at >= spoken);
        let late = after.map(|at| at.since(spoken));
        assert!(late.is_some_and(|late| late < OVER_ECHO_MAX), "{delay_ms} ms, {gain}: {late:?}");
        assert!(rig.onsets[0] >= spoken, "{delay_ms} ms, {gain}: nobody spoke before");
    }
}

#[test]
fn a_headset_is_known_to_be_one_and_then_costs_no_time() {
    let human = sound("room_evening");
    let reply = reply();
    let begins = |played: &[f32]| {
        let mut rig = Rig::new();
        rig.run(played, &mixed(&[], &human, 2_000));
        assert_eq!(rig.guard.stats().silenced_ms, 0);
        rig.onsets[0]
    };
    assert_eq!(begins(&reply), begins(&[]));
}

#[test]
fn the_first_seconds_are_guarded_and_nothing_is_lost() {
    let human = sound("room_evening");
    let reply = reply();
    let run = |played: &[f32]| {
        let mut rig = Rig::new();
        let mut microphone = mixed(&[], &human, 100);
        microphone.resize(5 * EARS_RATE_HZ as usize, 0.0);
        rig.run(played, &microphone);
        (rig.onsets[0], rig.utterances)
    };
    let ((guarded, one), (free, other)) = (run(&reply), run(&[]));
    assert_eq!((one, other), (1, 1));
    let late = guarded.since(free);
    assert!(late > Duration::ZERO && late <= HELD_BACK_MAX, "{late:?}");
}

#[test]
fn only_a_microphone_that_hears_the_cast_has_its_words_taken_for_echoes() {
    let human = HumanId::new("tom");
    let reply = reply();
    let mut rig = Rig::new();
    rig.guard.said(Time::from_ms(500), "Fish soup with a bay leaf.");
    let at = Time::from_ms(2_000);
    assert!(!rig.guard.is_echo(&human, at, "fish soup with a bay leaf"));
    rig.run(&reply, &Loop { delay_ms: 210, gain: 0.2, drift: 1.0, seed: 1 }.echo(&reply));
    assert!(rig.guard.is_echo(&human, at, "fish soup with a bay leaf"));
    assert!(!rig.guard.is_echo(&human, at, "what else do you put in"));
    rig.guard.left(&human);
    assert!(!rig.guard.is_echo(&human, at, "fish soup with a bay leaf"));
    assert_eq!(rig.guard.stats().lines, 1);
}

/// At the ears' rate.
#[cfg(feature = "sound-files")]
fn clip(path: &str) -> Vec<f32> {
    let path = format!("{}/{path}.ogg", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).expect("the sound is part of the repository");
    let pcm = crate::audio::ogg::decode(&bytes).expect("a whole file");
    at_ears_rate(&pcm.samples).into_iter().map(f32::from).collect()
}

/// Eight humans with headsets speak up into two replies, at many moments. At first nothing is known
/// of a microphone: many of them are taken for an echo, and all are heard nevertheless. Later no
/// way back is so long that it could be one, and then a headset is known to be one.
#[cfg(feature = "sound-files")]
#[test]
fn whoever_speaks_up_is_heard() {
    const HEARD_MAX: Duration = Duration::from_millis(1_300);
    let humans = ["assets/demo/1-nora", "assets/demo/2-felix", "assets/demo/3-ada"];
    let clips = ["room_evening", "tom_keys", "tom_train", "zoe_keys", "zoe_train"];
    let clips = clips.map(|name| format!("tests/peers/clips/{name}"));
    let others = ["ada_riddle", "nora_wait"].map(|name| clip(&format!("tests/peers/clips/{name}")));
    let replies = [reply(), others.concat()];
    for name in humans.map(str::to_owned).into_iter().chain(clips) {
        let human = clip(&name);
        for (reply, begins_ms) in replies.iter().flat_map(|reply| {
            let moments = (0..3_000).step_by(250);
            moments.map(move |begins_ms| (reply, begins_ms))
        }) {
            let mut microphone = mixed(&[], &human, begins_ms);
            microphone.resize(microphone.len() + 2 * EARS_RATE_HZ as usize, 0.0);
            let onset = |played: &[f32]| {
                let mut rig = Rig::new();
                rig.run(played, &microphone);
                (rig.onsets.first().copied(), rig.guard.stats().microphones)
            };
            let ((guarded, microphones), (free, _)) = (onset(reply), onset(&[]));
            let late = guarded.map(|guarded| guarded.since(free.expect("an onset")));
            let place = format!("{name} at {begins_ms} ms: {late:?}");
            assert!(late.is_some_and(|late| late < HEARD_MAX), "{place}");
            assert!(begins_ms < 1_000 || late == Some(Duration::ZERO), "{place}");
            assert!(begins_ms < 1_250 || microphones == 0, "{place}");
        }
    }
}
