use std::sync::mpsc;

use super::*;
use crate::{
    video::{packet::Packetiser, vpx::Encoder},
    video_frame::{I420Buffer, VideoRotation},
};

/// Far above what decoding takes; only a frame that never comes waits so long.
const COMES_WITHIN: Duration = Duration::from_secs(10);

/// Tells the sizes of what is shown.
struct Sizes(mpsc::Sender<(u32, u32)>);

impl VideoSink for Sizes {
    fn on_frame(&self, frame: &View<'_>) -> bool {
        self.0.send((frame.picture.width, frame.picture.height)).is_ok()
    }

    fn on_end(&self) {}
}

struct Sender {
    packetiser: Packetiser,
    seq: u64,
    rtp_time: u32,
}

impl Sender {
    fn send(&mut self, to: &VideoReceive, data: &[u8]) {
        let payloads = self.packetiser.split(data);
        let last = payloads.len() - 1;
        self.rtp_time += 6_000;
        for (index, payload) in payloads.into_iter().enumerate() {
            self.seq += 1;
            let packet = Packet {
                seq: self.seq,
                rtp_time: self.rtp_time,
                marker: index == last,
                payload,
                arrival: Instant::now(),
                rotation: VideoRotation::VideoRotation0,
            };
            to.push(1, packet);
        }
    }
}

fn key_frame(width: u32, height: u32) -> Vec<u8> {
    let mut encoder = Encoder::new(width, height, 500_000).unwrap();
    let buffer = I420Buffer::new(width, height);
    encoder.encode(&buffer.picture(), 0, true).unwrap().expect("the first frame").data.to_vec()
}

/// Waits until all that came is decoded.
fn settle(receive: &VideoReceive) {
    let end = Instant::now() + COMES_WITHIN;
    while receive.state.lock().working {
        assert!(Instant::now() < end, "the decoder hangs");
        std::thread::yield_now();
    }
}

#[test]
fn broken_frames_cost_a_counter_and_the_next_key_frame_is_shown() {
    let receive = VideoReceive::new(Weak::new());
    let (sizes_in, sizes) = mpsc::channel();
    let sink: Arc<dyn VideoSink> = Arc::new(Sizes(sizes_in));
    receive.add_sink(&sink);
    let mut sender = Sender { packetiser: Packetiser::new(7), seq: 100, rtp_time: 0 };
    sender.send(&receive, &key_frame(64, 48));
    assert_eq!(sizes.recv_timeout(COMES_WITHIN), Ok((64, 48)));

    let whole = key_frame(64, 48);
    let mut giant = whole.clone();
    giant[6..10].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    let broken = [giant, whole[..12].to_vec(), [&whole[..10], &[0xa5; 400]].concat(), vec![0; 3]];
    for data in broken.iter().cycle().take(40) {
        sender.send(&receive, data);
        settle(&receive);
    }
    assert!(receive.statistics().frames_dropped >= 10, "{:?}", receive.statistics());
    while sizes.try_recv().is_ok() {}

    sender.send(&receive, &key_frame(96, 32));
    assert_eq!(sizes.recv_timeout(COMES_WITHIN), Ok((96, 32)));
    settle(&receive);
    assert_eq!(receive.statistics().size, (96, 32));
}

#[test]
fn who_looks_again_is_shown_a_key_frame_and_nothing_is_decoded_between() {
    let receive = VideoReceive::new(Weak::new());
    let mut sender = Sender { packetiser: Packetiser::new(7), seq: 100, rtp_time: 0 };
    let frame = key_frame(64, 48);
    for looks in 1..4 {
        let (sizes_in, sizes) = mpsc::channel();
        let sink: Arc<dyn VideoSink> = Arc::new(Sizes(sizes_in));
        receive.add_sink(&sink);
        sender.send(&receive, &frame);
        assert_eq!(sizes.recv_timeout(COMES_WITHIN), Ok((64, 48)));
        receive.remove_sink(&sink);
        (0..20).for_each(|_| sender.send(&receive, &frame));
        settle(&receive);
        assert_eq!(receive.statistics().frames_decoded, looks);
    }
}
