use super::*;
use crate::video::packet::Packetiser;

const KEY: u8 = 0x10;
const DELTA: u8 = 0x11;

/// A sender of frames whose first byte says what they are and whose rest is a number.
struct Sender {
    packetiser: Packetiser,
    seq: u64,
    start: Instant,
    frames: u32,
}

impl Sender {
    fn new() -> Self {
        Self { packetiser: Packetiser::new(7), seq: 1_000, start: Instant::now(), frames: 0 }
    }

    /// The packets of the next frame, 66 ms after the one before.
    fn frame(&mut self, kind: u8, len: usize) -> Vec<Packet> {
        let mut data = vec![self.frames as u8; len];
        data[0] = kind;
        let payloads = self.packetiser.split(&data);
        let last = payloads.len() - 1;
        let arrival = self.start + Duration::from_millis(66) * self.frames;
        let rtp_time = self.frames.wrapping_mul(6_000).wrapping_sub(12_000);
        self.frames += 1;
        let rotation = VideoRotation::VideoRotation0;
        payloads
            .into_iter()
            .enumerate()
            .map(|(index, payload)| {
                self.seq += 1;
                let marker = index == last;
                Packet { seq: self.seq, rtp_time, marker, payload, arrival, rotation }
            })
            .collect()
    }

    fn padding(&mut self) -> Packet {
        self.seq += 1;
        let arrival = self.start + Duration::from_millis(66) * self.frames;
        let rotation = VideoRotation::VideoRotation0;
        Packet {
            seq: self.seq,
            rtp_time: 0,
            marker: false,
            payload: Arc::new([]),
            arrival,
            rotation,
        }
    }
}

/// Numbers of the frames that come out, and how often a key frame is asked for.
fn run(assembler: &mut Assembler, packets: Vec<Packet>) -> (Vec<u8>, u32) {
    let mut frames = Vec::new();
    let asked = packets.into_iter().map(|packet| u32::from(assembler.push(packet, &mut frames)));
    let asked = asked.sum();
    (frames.iter().map(|frame| frame.data[1]).collect(), asked)
}

#[test]
fn frames_come_out_whole_and_in_order() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    let mut packets = sender.frame(KEY, 3_000);
    packets.extend(sender.frame(DELTA, 2_500));
    packets.push(sender.padding());
    packets.extend(sender.frame(DELTA, 10));
    // Neighbours change places, but for the first: what comes before it could be anything.
    for pair in packets[1..].chunks_exact_mut(2) {
        pair.swap(0, 1);
    }
    assert_eq!(run(&mut assembler, packets), (vec![0, 1, 2], 0));
    let counts = assembler.counts();
    assert_eq!(
        (counts.frames_assembled, counts.packets_discarded, counts.gaps_given_up),
        (3, 0, 0)
    );
}

#[test]
fn nothing_comes_before_a_key_frame_which_is_asked_for_again_and_again() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    let packets = (0..10).flat_map(|_| sender.frame(DELTA, 20)).collect();
    // At 0, 330 and 660 ms.
    assert_eq!(run(&mut assembler, packets), (vec![], 2));
    let mut packets = sender.frame(KEY, 2_000);
    packets.extend(sender.frame(DELTA, 20));
    assert_eq!(run(&mut assembler, packets).0, [10, 11]);
}

#[test]
fn a_gap_that_closes_costs_nothing() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    let mut packets = sender.frame(KEY, 2_000);
    let mut second = sender.frame(DELTA, 2_500);
    let missing = second.remove(1);
    packets.extend(second);
    packets.extend(sender.frame(DELTA, 20));
    assert_eq!(run(&mut assembler, packets), (vec![0], 0));
    assert_eq!(run(&mut assembler, vec![missing]), (vec![1, 2], 0));
}

#[test]
fn a_gap_that_stays_is_left_behind_with_the_next_key_frame() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    run(&mut assembler, sender.frame(KEY, 2_000));
    sender.frame(DELTA, 20);
    let packets = (0..6).flat_map(|_| sender.frame(DELTA, 20)).collect();
    // Asked for 200 ms after the gap was seen.
    assert_eq!(run(&mut assembler, packets), (vec![], 1));
    let mut packets = sender.frame(KEY, 20);
    packets.extend(sender.frame(DELTA, 20));
    assert_eq!(run(&mut assembler, packets), (vec![8, 9], 0));
    assert_eq!(assembler.counts().gaps_given_up, 1);
}

#[test]
fn packets_that_wait_in_vain_are_bounded() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    for _ in 0..200 {
        let packets = sender.frame(DELTA, 30_000);
        run(&mut assembler, packets);
        assert!(assembler.packets.len() <= PACKETS_MAX + 1);
    }
    assert!(assembler.counts().gaps_given_up > 0);
}

#[test]
fn what_is_late_or_twice_is_discarded() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    let key = sender.frame(KEY, 20);
    let again = Packet { payload: Arc::clone(&key[0].payload), ..key[0] };
    run(&mut assembler, key);
    assert_eq!(run(&mut assembler, vec![again]), (vec![], 0));
    assert_eq!(assembler.counts().packets_discarded, 1);
}

#[test]
fn a_sender_that_begins_anew_is_followed() {
    let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
    run(&mut assembler, sender.frame(KEY, 20));
    sender.seq += 20_000;
    run(&mut assembler, sender.frame(DELTA, 20));
    assert_eq!(run(&mut assembler, sender.frame(KEY, 20)).0, [2]);
}

/// Whatever comes, nothing panics, memory is bounded, and a good key frame mends it.
#[test]
fn a_stream_of_damaged_packets_is_survived() {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
    let mut random = StdRng::seed_from_u64(3);
    for _ in 0..50 {
        let (mut sender, mut assembler) = (Sender::new(), Assembler::default());
        for _ in 0..60 {
            let kind = if random.random_bool(0.1) { KEY } else { DELTA };
            let len = random.random_range(2..4_000);
            let mut packets = sender.frame(kind, len);
            for packet in &mut packets {
                let mut payload = packet.payload.to_vec();
                match random.random_range(0..8) {
                    0 => payload.truncate(random.random_range(0..payload.len())),
                    1 => payload[0] = random.random(),
                    2 => payload.iter_mut().take(6).for_each(|byte| *byte ^= random.random::<u8>()),
                    3 => packet.seq = packet.seq.wrapping_add(random.random_range(0..9_000)),
                    4 => packet.marker ^= true,
                    5 => packet.rtp_time = random.random(),
                    _ => {}
                }
                packet.payload = payload.into();
            }
            packets.retain(|_| random.random_bool(0.9));
            let at = random.random_range(0..=packets.len());
            packets.rotate_left(at);
            let mut frames = Vec::new();
            for packet in packets {
                assembler.push(packet, &mut frames);
            }
            assert!(assembler.packets.len() <= PACKETS_MAX + 1);
        }
        // Clear of the numbers that were thrown about.
        sender.seq += 20_000;
        assert_eq!(run(&mut assembler, sender.frame(KEY, 3_000)).0, [60]);
    }
}
