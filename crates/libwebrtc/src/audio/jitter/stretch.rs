//! Making sound a little shorter or longer without changing its pitch: one period is taken out or
//! put in, where the signal repeats itself best (as WSOLA does).

/// Periods looked for: 2.5 to 10 ms at 48 kHz, which is pitch from 100 to 400 Hz.
const LAG_MIN: usize = 120;
const LAG_MAX: usize = 480;
/// Length of the comparison and of the cross-fade: 5 ms.
const FADE: usize = 240;
/// Every so many samples are compared: enough to find a period, a sixteenth of the work.
const STEP: usize = 4;

/// Samples per channel that must be there for a change.
pub(super) const NEEDED: usize = LAG_MAX + FADE;

/// Below this mean square a signal is silence, in which any cut is inaudible.
const SILENCE: f32 = 1500.0;

/// Where a signal repeats itself.
struct Period {
    lag: usize,
    /// Normalised correlation, 1.0 for an exact repetition.
    similarity: f32,
}

/// Takes out one period at the beginning of `pcm` (interleaved). `similarity_min` says how well
/// the signal must repeat itself for that. Returns the samples per channel that were removed.
pub(super) fn shorten(pcm: &mut Vec<i16>, channels: usize, similarity_min: f32) -> usize {
    let Some(lag) = find(pcm, channels, similarity_min) else {
        return 0;
    };
    for n in 0..FADE * channels {
        let fade = (n / channels) as f32 / FADE as f32;
        pcm[n] = mix(pcm[n], pcm[n + lag * channels], fade);
    }
    pcm.drain(FADE * channels..(FADE + lag) * channels);
    lag
}

/// Puts in one period near the beginning of `pcm`. Returns the samples per channel that were added.
pub(super) fn lengthen(pcm: &mut Vec<i16>, channels: usize, similarity_min: f32) -> usize {
    let Some(lag) = find(pcm, channels, similarity_min) else {
        return 0;
    };
    let mut begin = pcm[..(lag + FADE) * channels].to_vec();
    for n in 0..FADE * channels {
        let fade = (n / channels) as f32 / FADE as f32;
        let late = n + lag * channels;
        begin[late] = mix(pcm[late], pcm[n], fade);
    }
    pcm.splice(..FADE * channels, begin);
    lag
}

fn mix(from: i16, to: i16, fade: f32) -> i16 {
    (f32::from(from) * (1.0 - fade) + f32::from(to) * fade) as i16
}

fn find(pcm: &[i16], channels: usize, similarity_min: f32) -> Option<usize> {
    if pcm.len() < NEEDED * channels {
        return None;
    }
    // The first channel stands for all: they carry the same voice.
    let line: Vec<f32> =
        pcm.iter().step_by(channels).take(NEEDED).map(|sample| f32::from(*sample)).collect();
    let energy = line.iter().map(|sample| sample * sample).sum::<f32>() / line.len() as f32;
    if energy < SILENCE {
        return Some(LAG_MAX);
    }
    let period = best(&line);
    (period.similarity >= similarity_min).then_some(period.lag)
}

fn best(line: &[f32]) -> Period {
    let coarse = (LAG_MIN..=LAG_MAX).step_by(STEP).map(|lag| similarity(line, lag, STEP));
    let coarse = coarse.max_by(|a, b| a.similarity.total_cmp(&b.similarity));
    let around = coarse.map_or(LAG_MIN, |period| period.lag);
    let fine = around.saturating_sub(STEP).max(LAG_MIN)..=(around + STEP).min(LAG_MAX);
    fine.map(|lag| similarity(line, lag, 1))
        .max_by(|a, b| a.similarity.total_cmp(&b.similarity))
        .unwrap_or(Period { lag: LAG_MIN, similarity: 0.0 })
}

fn similarity(line: &[f32], lag: usize, step: usize) -> Period {
    let (mut cross, mut here, mut there) = (0.0, 0.0, 0.0);
    for n in (0..FADE).step_by(step) {
        let (a, b) = (line[n], line[n + lag]);
        cross += a * b;
        here += a * a;
        there += b * b;
    }
    let norm = (here * there).sqrt();
    Period { lag, similarity: if norm > 0.0 { cross / norm } else { 0.0 } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, len: usize) -> Vec<i16> {
        (0..len)
            .map(|n| ((n as f64 * hz / 48_000.0 * std::f64::consts::TAU).sin() * 8000.0) as i16)
            .collect()
    }

    /// The largest step between samples, against that of a clean tone.
    fn roughness(pcm: &[i16]) -> i32 {
        let steps = pcm.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs());
        steps.max().unwrap()
    }

    #[test]
    fn a_tone_stays_smooth_when_a_period_goes_or_comes() {
        for hz in [110.0, 220.0, 333.0] {
            let clean = tone(hz, 1920);
            let mut shorter = clean.clone();
            let removed = shorten(&mut shorter, 1, 0.9);
            assert!((LAG_MIN..=LAG_MAX).contains(&removed), "{hz}: {removed}");
            assert_eq!(shorter.len() + removed, clean.len());
            let mut longer = clean.clone();
            let added = lengthen(&mut longer, 1, 0.9);
            assert_eq!(longer.len(), clean.len() + added);
            for changed in [&shorter, &longer] {
                assert!(roughness(changed) <= roughness(&clean) * 12 / 10, "{hz}");
            }
        }
    }

    #[test]
    fn noise_is_left_alone_and_silence_is_cut() {
        let mut state = 1u32;
        let mut noise: Vec<i16> = (0..1920)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 17) as i16 - 16_384
            })
            .collect();
        assert_eq!(shorten(&mut noise, 1, 0.6), 0);
        assert_eq!(noise.len(), 1920);
        assert_eq!(shorten(&mut vec![0; 1920], 1, 0.6), LAG_MAX);
        assert_eq!(lengthen(&mut vec![0; 1920], 1, 0.6), LAG_MAX);
    }

    #[test]
    fn stereo_keeps_its_channels_apart_and_short_pieces_are_refused() {
        let mono = tone(220.0, 960);
        let mut stereo: Vec<i16> = mono.iter().flat_map(|sample| [*sample, -*sample]).collect();
        assert!(shorten(&mut stereo, 2, 0.9) > 0);
        assert!(stereo.chunks(2).all(|frame| (frame[0] + frame[1]).abs() <= 1));
        assert_eq!(shorten(&mut vec![0; NEEDED - 1], 1, 0.0), 0);
    }
}
