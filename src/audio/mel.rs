//! The mel filterbank of Whisper, which its models carry with them, and of models that hear alike.

/// The rate of Whisper's input.
const SAMPLE_RATE_HZ: f64 = 16_000.0;
/// Samples of one window.
pub const WINDOW_SAMPLES: usize = 400;
/// Frequency bins of one window.
pub const BINS: usize = WINDOW_SAMPLES / 2 + 1;

/// Slaney's scale (Auditory Toolbox, 1998): linear below 1 kHz, 27 steps for each factor of 6.4
/// above it.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const KNEE_HZ: f64 = 1_000.0;
const KNEE_MEL: f64 = 15.0;
const LOG_STEPS: f64 = 27.0;
const LOG_RANGE: f64 = 6.4;

/// Triangular filters of equal area, `filters` × [`BINS`], row-major.
///
/// The order of the operations and the rounding to `f32` before and after the scaling by area are
/// librosa's; with them the table is bit for bit the one that OpenAI published.
pub fn slaney(filters: usize) -> Vec<f32> {
    let top = hz_to_mel(SAMPLE_RATE_HZ / 2.0);
    let step = top / (filters + 1) as f64;
    // The last edge is set, not summed: a rounding error there would reach the highest bin.
    let mels = (0..=filters).map(|i| i as f64 * step).chain([top]);
    let edges: Vec<f64> = mels.map(mel_to_hz).collect();
    let bin_hz = |bin: usize| bin as f64 * SAMPLE_RATE_HZ / WINDOW_SAMPLES as f64;
    let filter = |edge: &[f64]| {
        let [low, centre, high] = [edge[0], edge[1], edge[2]];
        let area = 2.0 / (high - low);
        (0..BINS)
            .map(move |bin| {
                let rising = (bin_hz(bin) - low) / (centre - low);
                let falling = (high - bin_hz(bin)) / (high - centre);
                let height = rising.min(falling).max(0.0) as f32;
                (f64::from(height) * area) as f32
            })
            .collect::<Vec<f32>>()
    };
    edges.windows(3).flat_map(filter).collect()
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < KNEE_HZ { hz / LINEAR_HZ_PER_MEL } else { KNEE_MEL + (hz / KNEE_HZ).ln() / log_step() }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel < KNEE_MEL {
        mel * LINEAR_HZ_PER_MEL
    } else {
        KNEE_HZ * (log_step() * (mel - KNEE_MEL)).exp()
    }
}

/// Logarithm of the ratio between two neighbouring steps.
fn log_step() -> f64 {
    LOG_RANGE.ln() / LOG_STEPS
}
