use super::*;
use crate::video::{
    packet,
    vpx::{Decoder, is_key_frame},
};

const TARGET: Target =
    Target { bitrate_bps: 250_000, frame_rate_max: None, scale_down: 1.0, key: false };

/// A picture in one colour with a square that moves.
fn picture(width: u32, height: u32, n: u32) -> I420Buffer {
    let mut buffer = I420Buffer::new(width, height);
    let (y, u, v) = buffer.data_mut();
    y.fill(100);
    u.fill(90);
    v.fill(200);
    for row in 0..height / 4 {
        let start = ((row + n % 8) * width + n % (width / 2)) as usize;
        y[start..start + width as usize / 4].fill(220);
    }
    buffer
}

/// Luma of patches in all shades, 320 x 320; every third one has another shade in each picture.
fn patches(n: u32) -> Vec<u8> {
    let shade = |x: u32, y: u32| {
        let changed = if (x + y).is_multiple_of(3) { n * (x * 7 + y * 13) % 32 } else { 0 };
        (x.wrapping_mul(83) ^ y.wrapping_mul(151) ^ changed) as u8
    };
    (0..320 * 320).map(|at| shade(at % 320 / 9, at / 320 / 7)).collect()
}

fn joined(payloads: &[Arc<[u8]>]) -> Vec<u8> {
    payloads
        .iter()
        .flat_map(|payload| &payload[packet::parse(payload).unwrap().0..])
        .copied()
        .collect()
}

/// A layer, and the time of its next picture.
struct Bench {
    layer: Layer,
    at: Instant,
    time: i64,
}

impl Bench {
    fn new() -> Self {
        Self { layer: Layer::new(), at: Instant::now(), time: 0 }
    }

    /// Encodes so many frames at a rate; the encoded ones by number.
    fn run(
        &mut self,
        size: (u32, u32),
        target: Target,
        fps: u32,
        frames: u32,
    ) -> Vec<(u32, Vec<u8>)> {
        let frame = |n| {
            let picture = picture(size.0, size.1, n);
            self.encode(&picture, target, fps).map(|data| (n, data))
        };
        (0..frames).filter_map(frame).collect()
    }

    /// Encodes one picture, that much after the last one.
    fn encode(&mut self, picture: &I420Buffer, target: Target, fps: u32) -> Option<Vec<u8>> {
        self.at += Duration::from_secs(1) / fps;
        self.time += 90_000 / i64::from(fps);
        match self.layer.encode(&picture.picture(), target, self.at, self.time).unwrap() {
            Outcome::Encoded { payloads, .. } => Some(joined(&payloads)),
            Outcome::Skipped | Outcome::Dropped => None,
        }
    }
}

#[test]
fn what_is_encoded_is_decoded_with_its_colours() {
    for size in [(320, 320), (161, 99)] {
        let frames = Bench::new().run(size, TARGET, 15, 30);
        assert!(frames.len() >= 28, "{}", frames.len());
        let mut decoder = Decoder::new().unwrap();
        for (n, data) in frames {
            assert_eq!(is_key_frame(&data), n == 0);
            let decoded = decoder.decode(&data).unwrap().expect("a picture");
            assert_eq!((decoded.width, decoded.height), size);
            let mut buffer = I420Buffer::new(1, 1);
            decoded.copy_to(&mut buffer);
            let (y, u, v) = buffer.data();
            let last = y.len() - 1;
            for (sample, wanted) in [(y[last], 100), (u[0], 90), (v[0], 200)] {
                assert!(sample.abs_diff(wanted) < 6, "frame {n}: {sample} for {wanted}");
            }
        }
    }
}

#[test]
fn a_key_frame_comes_when_it_is_asked_for_and_not_twice_at_once() {
    let mut bench = Bench::new();
    bench.run((160, 160), TARGET, 15, 10);
    bench.layer.key_at = None;
    let frames = bench.run((160, 160), Target { key: true, ..TARGET }, 15, 16);
    let keys: Vec<_> =
        frames.iter().filter(|(_, data)| is_key_frame(data)).map(|(n, _)| *n).collect();
    assert_eq!(keys, [0, 8]);
}

#[test]
fn another_size_begins_with_a_key_frame() {
    let mut bench = Bench::new();
    bench.run((160, 160), TARGET, 15, 3);
    let frames = bench.run((320, 180), TARGET, 15, 2);
    assert!(is_key_frame(&frames[0].1) && !is_key_frame(&frames[1].1));
    let half = Target { scale_down: 2.0, ..TARGET };
    let frames = bench.run((320, 180), half, 15, 1);
    let mut decoder = Decoder::new().unwrap();
    let decoded = decoder.decode(&frames[0].1).unwrap().expect("a picture");
    assert_eq!((decoded.width, decoded.height), (160, 90));
}

#[test]
fn a_lower_bitrate_gives_fewer_bytes_and_fewer_frames() {
    let mut last = (usize::MAX, usize::MAX);
    for bitrate_bps in [1_000_000, 60_000, 10_000] {
        let target = Target { bitrate_bps, ..TARGET };
        let frames = Bench::new().run((640, 480), target, 30, 150);
        let bytes = frames.iter().map(|(_, data)| data.len()).sum::<usize>();
        assert!(bytes < last.0 && frames.len() < last.1, "{bitrate_bps}: {bytes}, {last:?}");
        last = (bytes, frames.len());
    }
    assert!(last.1 >= 4, "still alive");
}

/// A picture that rested is so fine that the first ones to move would be many times as large as the
/// others, and would come late with all that follow them.
#[test]
fn what_moves_after_a_rest_is_no_burst() {
    let mut bench = Bench::new();
    let mut encode = |n: u32, fps: u32| {
        let mut picture = I420Buffer::new(320, 320);
        picture.data_mut().0.copy_from_slice(&patches(n));
        bench.encode(&picture, TARGET, fps).map_or(0, |data| data.len())
    };
    for _ in 0..20 {
        encode(0, 1);
    }
    let moving: Vec<usize> = (1..4).map(|n| encode(n, 15)).collect();
    let largest = *moving.iter().max().unwrap() as u64;
    let busy_ms = largest * 8 * 1000 / TARGET.bitrate_bps;
    assert!(busy_ms <= 250, "the line is busy for {busy_ms} ms with one picture: {moving:?}");
}

/// Any bytes are an error or a picture, never more.
#[test]
fn truncated_and_flipped_frames_do_no_harm() {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
    let frames = Bench::new().run((176, 144), TARGET, 15, 12);
    let mut random = StdRng::seed_from_u64(8);
    let mut damaged = 0;
    for _ in 0..300 {
        let mut decoder = Decoder::new().unwrap();
        for (_, data) in &frames {
            let mut data = data.clone();
            match random.random_range(0..4) {
                0 => data.truncate(random.random_range(0..data.len())),
                1 => {
                    for _ in 0..random.random_range(1..20) {
                        let at = random.random_range(0..data.len());
                        data[at] ^= 1 << random.random_range(0..8);
                    }
                }
                2 => data = (0..random.random_range(0..200)).map(|_| random.random()).collect(),
                _ => {}
            }
            damaged += u32::from(decoder.decode(&data).is_err());
        }
    }
    assert!(damaged > 100, "{damaged}");
}

#[test]
fn a_header_that_claims_a_giant_picture_is_refused() {
    let mut data = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a];
    data.extend(16_383u16.to_le_bytes());
    data.extend(16_383u16.to_le_bytes());
    data.extend([0; 50]);
    let error = Decoder::new().unwrap().decode(&data).err();
    assert_eq!(error, Some(Error::Size { width: 16_383, height: 16_383 }));
    assert_eq!(Decoder::new().unwrap().decode(&[]).err(), Some(Error::Damaged));
}
