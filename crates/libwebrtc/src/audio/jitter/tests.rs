//! A sender, a network with faults, and the buffer, on a clock of their own.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{super::opus, JitterBuffer, Packet, Statistics};

const PACKET_SAMPLES: u32 = 960;
const HZ: f64 = 150.0;

/// What the network does to the n-th packet: how late it comes (ms), and whether at all or twice.
struct Fate {
    late_ms: f64,
    copies: u32,
}

const ON_TIME: Fate = Fate { late_ms: 5.0, copies: 1 };

/// Encoded packets of a buzz, which Opus takes for a voice, with repair data.
fn encoded(count: usize) -> Vec<Arc<[u8]>> {
    let mut encoder = opus::Encoder::new(48_000, false).unwrap();
    let settings = opus::Settings { fec: true, ..Default::default() };
    encoder.configure(settings, None, 0.2).unwrap();
    (0..count)
        .map(|packet| {
            let samples: Vec<i16> = (0..PACKET_SAMPLES as usize)
                .map(|n| {
                    let at = (packet * PACKET_SAMPLES as usize + n) as f64 / 48_000.0;
                    let harmonic = |k: u32| (at * HZ * f64::from(k) * std::f64::consts::TAU).sin();
                    ((1..=8).map(harmonic).sum::<f64>() * 3000.0) as i16
                })
                .collect();
            encoder.encode(&samples).unwrap().into()
        })
        .collect()
}

/// Sends `count` packets through a network; the sender's clock runs at `pace` of ours.
fn run(count: usize, pace: f64, fate: impl Fn(usize) -> Fate) -> (Vec<i16>, Statistics) {
    let start = Instant::now();
    let mut network: BTreeMap<(Duration, usize, u32), usize> = BTreeMap::new();
    for n in 0..count {
        let Fate { late_ms, copies } = fate(n);
        let at = Duration::from_secs_f64((n as f64 * 20.0 / pace + late_ms) / 1000.0);
        for copy in 0..copies {
            network.insert((at, n, copy), n);
        }
    }
    let packets = encoded(count);
    let (mut buffer, mut heard) = (JitterBuffer::new(), Vec::new());
    for tick in 0..count as u32 * 2 {
        let now = Duration::from_millis(10) * tick;
        while let Some(entry) = network.first_entry().filter(|entry| entry.key().0 <= now) {
            let (at, _, _) = *entry.key();
            let n = entry.remove();
            buffer.push(Packet {
                ssrc: 7,
                seq: 1000 + n as u64,
                // Begins near the roll-over of the RTP clock.
                rtp_time: (u32::MAX - 5000).wrapping_add(n as u32 * PACKET_SAMPLES),
                payload: Arc::clone(&packets[n]),
                arrival: start + at,
            });
        }
        heard.extend_from_slice(buffer.pull(start + now).0);
    }
    (heard, buffer.statistics())
}

/// A number below 1 for every n, the same in every run.
fn dice(n: usize, seed: u64) -> f64 {
    let mut state = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed;
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (state >> 11) as f64 / (1u64 << 53) as f64
}

/// Share of 10 ms pieces, after the first second, that have sound in them.
fn sounding(heard: &[i16]) -> f64 {
    let pieces = heard[48_000..].chunks(480);
    let loud = pieces.clone().filter(|piece| piece.iter().any(|s| s.unsigned_abs() > 2000));
    loud.count() as f64 / pieces.count() as f64
}

#[test]
fn a_good_network_is_played_without_a_trace_of_the_buffer() {
    let (heard, statistics) = run(500, 1.0, |_| ON_TIME);
    assert!(sounding(&heard) > 0.99);
    assert_eq!(statistics.samples_concealed, 0);
    assert_eq!((statistics.packets_lost, statistics.packets_discarded), (0, 0));
    let delay = statistics.delay_sum / statistics.emitted as f64;
    assert!(delay < 0.06, "{delay}");
}

#[test]
fn lost_packets_are_repaired_or_concealed() {
    for percent in [5, 10, 20] {
        let loss = f64::from(percent) / 100.0;
        let fate = |n| Fate { copies: u32::from(dice(n, 1) >= loss), ..ON_TIME };
        let (heard, statistics) = run(1000, 1.0, fate);
        let sounding = sounding(&heard);
        assert!(sounding > 1.0 - loss / 3.0, "{percent} %: {sounding} {statistics:?}");
        assert!(statistics.packets_lost > 0 && statistics.packets_repaired > 0, "{percent} %");
    }
}

#[test]
fn reordered_and_doubled_packets_are_put_in_order() {
    let fate = |n: usize| Fate {
        late_ms: if n % 7 == 3 { 45.0 } else { 5.0 },
        copies: 1 + u32::from(n.is_multiple_of(5)),
    };
    let (heard, statistics) = run(1000, 1.0, fate);
    assert!(sounding(&heard) > 0.98, "{}", sounding(&heard));
    assert!(statistics.packets_discarded >= 190, "{statistics:?}");
    // Once the buffer has learnt to wait, nothing is missing any more.
    assert!(statistics.samples_concealed < 48_000 / 2, "{statistics:?}");
}

#[test]
fn a_jittery_network_is_waited_for_and_a_drifting_clock_followed() {
    let (heard, _) = run(1000, 1.0, |n| Fate { late_ms: 5.0 + dice(n, 2) * 60.0, copies: 1 });
    assert!(sounding(&heard) > 0.98, "{}", sounding(&heard));
    for pace in [0.998, 1.002] {
        let (heard, statistics) = run(3000, pace, |_| ON_TIME);
        assert!(sounding(&heard) > 0.97, "{pace}: {}", sounding(&heard));
        let delay = statistics.delay_sum / statistics.emitted as f64;
        assert!(delay < 0.09, "{pace}: {delay}");
    }
}

#[test]
fn another_ssrc_begins_anew_and_noise_is_no_harm() {
    let packets = encoded(50);
    let (mut buffer, now) = (JitterBuffer::new(), Instant::now());
    let packet = |ssrc, n: usize, payload: &[u8]| Packet {
        ssrc,
        seq: n as u64 * 70_000 % 131_072,
        rtp_time: (dice(n, u64::from(ssrc)) * f64::from(u32::MAX)) as u32,
        payload: payload.into(),
        arrival: now,
    };
    for n in 0..500 {
        let noise: Vec<u8> = (0..n % 40).map(|byte| (dice(n + byte, 5) * 256.0) as u8).collect();
        buffer.push(packet(1 + n as u32 / 100, n, &noise));
        buffer.pull(now);
    }
    let mut heard = Vec::new();
    for (n, payload) in packets.iter().enumerate() {
        let at = now + Duration::from_millis(20) * n as u32;
        buffer.push(Packet {
            ssrc: 99,
            seq: n as u64,
            rtp_time: n as u32 * PACKET_SAMPLES,
            payload: Arc::clone(payload),
            arrival: at,
        });
        for half in 0..2 {
            let (samples, _) = buffer.pull(at + Duration::from_millis(10) * half);
            heard.extend_from_slice(samples);
        }
    }
    assert!(heard[12_000..].iter().any(|sample| sample.unsigned_abs() > 4000));
}
