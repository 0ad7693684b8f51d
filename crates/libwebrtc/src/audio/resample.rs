//! Conversion between sample rates and channel counts.
//!
//! A windowed-sinc low pass in polyphase form: for every output sample one of `up` filter phases is
//! applied to the input around it. The table of phases is shared by all converters of a ratio.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;

/// Input samples that an output sample is made of, when the rate goes up.
const TAPS: usize = 32;

/// Passband edge as a share of the lower Nyquist frequency; the rest is the slope.
const CUTOFF: f64 = 0.92;

/// Shape of the Kaiser window: about 80 dB down in the stopband.
const KAISER_BETA: f64 = 8.0;

/// Converts interleaved audio piece by piece.
pub(crate) struct Resampler {
    channels_in: usize,
    channels_out: usize,
    ratio: Option<Ratio>,
    /// Remixed input.
    remixed: Vec<i16>,
}

struct Ratio {
    up: usize,
    down: usize,
    table: Arc<Table>,
    /// Input not fully used yet, one line per channel.
    history: Vec<Vec<f32>>,
    /// Position of the next output sample, in input samples times `up`, within the history.
    position: usize,
}

/// Filter phases, `taps` coefficients each.
struct Table {
    taps: usize,
    coefficients: Vec<f32>,
}

impl Resampler {
    pub(crate) fn new(rate_in: u32, channels_in: u32, rate_out: u32, channels_out: u32) -> Self {
        let channels_out = channels_out.max(1) as usize;
        let ratio = (rate_in != rate_out && rate_in > 0 && rate_out > 0)
            .then(|| Ratio::new(rate_in, rate_out, channels_out));
        Self { channels_in: channels_in.max(1) as usize, channels_out, ratio, remixed: Vec::new() }
    }

    /// Appends the converted samples to `out`.
    pub(crate) fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.remixed.clear();
        remix(samples, self.channels_in, self.channels_out, &mut self.remixed);
        match &mut self.ratio {
            Some(ratio) => ratio.process(&self.remixed, out),
            None => out.extend_from_slice(&self.remixed),
        }
    }
}

/// Mono is copied to all channels; to mono all are averaged; else extra channels are left out and
/// missing ones silent.
fn remix(samples: &[i16], channels_in: usize, channels_out: usize, out: &mut Vec<i16>) {
    if channels_in == channels_out {
        return out.extend_from_slice(samples);
    }
    for frame in samples.chunks_exact(channels_in) {
        if channels_out == 1 {
            let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
            out.push((sum / channels_in as i32) as i16);
        } else if channels_in == 1 {
            out.extend(std::iter::repeat_n(frame[0], channels_out));
        } else {
            let missing = channels_out.saturating_sub(channels_in);
            out.extend(frame.iter().take(channels_out));
            out.extend(std::iter::repeat_n(0, missing));
        }
    }
}

impl Ratio {
    fn new(rate_in: u32, rate_out: u32, channels: usize) -> Self {
        let divisor = greatest_common_divisor(rate_in, rate_out);
        let (up, down) = ((rate_out / divisor) as usize, (rate_in / divisor) as usize);
        let table = table(up, down);
        // Half a filter of silence before the first sample, so that output starts at once.
        let history = vec![vec![0.0; table.taps / 2]; channels];
        Self { up, down, table, history, position: 0 }
    }

    fn process(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        let channels = self.history.len();
        for (channel, history) in self.history.iter_mut().enumerate() {
            let line = samples.iter().skip(channel).step_by(channels);
            history.extend(line.map(|sample| f32::from(*sample)));
        }
        let available = self.history[0].len();
        let taps = self.table.taps;
        while self.position / self.up + taps <= available {
            let (start, phase) = (self.position / self.up, self.position % self.up);
            let filter = &self.table.coefficients[phase * taps..][..taps];
            for history in &self.history {
                let window = &history[start..start + taps];
                let sum: f32 = window.iter().zip(filter).map(|(a, b)| a * b).sum();
                out.push(sum.round().clamp(-32_768.0, 32_767.0) as i16);
            }
            self.position += self.down;
        }
        let used = (self.position / self.up).min(available);
        self.position -= used * self.up;
        for history in &mut self.history {
            history.drain(..used);
        }
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn table(up: usize, down: usize) -> Arc<Table> {
    type Tables = HashMap<(usize, usize), Arc<Table>>;
    static TABLES: OnceLock<Mutex<Tables>> = OnceLock::new();
    let mut tables = TABLES.get_or_init(Mutex::default).lock();
    Arc::clone(tables.entry((up, down)).or_insert_with(|| Arc::new(Table::new(up, down))))
}

impl Table {
    fn new(up: usize, down: usize) -> Self {
        // Going down, the filter must cut lower, so it grows longer.
        let shrink = (down as f64 / up as f64).max(1.0);
        let taps = (TAPS as f64 * shrink).ceil() as usize;
        let cutoff = CUTOFF / shrink;
        let mut coefficients = Vec::with_capacity(up * taps);
        for phase in 0..up {
            let offset = phase as f64 / up as f64;
            let filter: Vec<f64> = (0..taps)
                .map(|tap| {
                    // Distance of this input sample from the output sample.
                    let x = tap as f64 - (taps / 2) as f64 - offset + 1.0;
                    let half = taps as f64 / 2.0;
                    sinc(x * cutoff) * kaiser(x / half)
                })
                .collect();
            let sum: f64 = filter.iter().sum();
            coefficients.extend(filter.iter().map(|value| (value / sum) as f32));
        }
        Self { taps, coefficients }
    }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { bessel_i0(KAISER_BETA * (1.0 - x * x).sqrt()) }
}

/// Modified Bessel function of order 0, by its power series. The window is scaled later.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hz: f64, seconds: f64) -> Vec<i16> {
        (0..(f64::from(rate) * seconds) as usize)
            .map(|n| {
                let phase = n as f64 * hz / f64::from(rate) * std::f64::consts::TAU;
                (phase.sin() * 10_000.0) as i16
            })
            .collect()
    }

    /// Amplitude of the tone, and the share of the energy that is not the tone.
    fn measure(samples: &[i16], rate: u32, hz: f64) -> (f64, f64) {
        let (mut sin, mut cos, mut total) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let phase = n as f64 * hz / f64::from(rate) * std::f64::consts::TAU;
            let value = f64::from(*sample);
            sin += value * phase.sin();
            cos += value * phase.cos();
            total += value * value;
        }
        let count = samples.len() as f64;
        let amplitude = (sin * sin + cos * cos).sqrt() * 2.0 / count;
        (amplitude, 1.0 - amplitude * amplitude * count / 2.0 / total)
    }

    #[test]
    fn a_tone_keeps_its_frequency_and_level_at_every_ratio() {
        let rates = [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
        for rate_in in rates {
            for rate_out in rates {
                let mut resampler = Resampler::new(rate_in, 1, rate_out, 1);
                let mut out = Vec::new();
                for piece in tone(rate_in, 1000.0, 0.5).chunks(rate_in as usize / 100) {
                    resampler.process(piece, &mut out);
                }
                let expected = rate_out as usize / 2;
                let lag = rate_out as usize / 100;
                assert!(
                    out.len() <= expected && out.len() + lag >= expected,
                    "{rate_in}→{rate_out}"
                );
                let steady = &out[rate_out as usize / 10..];
                let (amplitude, wrong) = measure(steady, rate_out, 1000.0);
                assert!(wrong < 5e-4, "{rate_in}→{rate_out}: {wrong}");
                assert!((amplitude - 10_000.0).abs() < 50.0, "{rate_in}→{rate_out}: {amplitude}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_removed() {
        let mut resampler = Resampler::new(48_000, 1, 16_000, 1);
        let mut out = Vec::new();
        resampler.process(&tone(48_000, 10_000.0, 0.5), &mut out);
        let peak = out[200..].iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!(peak < 20, "{peak}");
    }

    #[test]
    fn channels_are_copied_averaged_and_padded() {
        for (channels_in, channels_out, samples, expected) in [
            (1, 2, vec![1, 2], vec![1, 1, 2, 2]),
            (2, 1, vec![10, 20, -4, 4], vec![15, 0]),
            (2, 3, vec![1, 2], vec![1, 2, 0]),
            (3, 2, vec![1, 2, 3], vec![1, 2]),
        ] {
            let mut out = Vec::new();
            Resampler::new(48_000, channels_in, 48_000, channels_out).process(&samples, &mut out);
            assert_eq!(out, expected);
        }
    }
}
