use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use super::*;
use crate::id::HumanId;
use crate::tape::{Member, Tape};

fn header() -> Header {
    Header::new(vec![Member {
        id: crate::id::PersonaId::new("ada"),
        name: "Ada".to_owned(),
        card: String::new(),
        voice: crate::persona::VoiceStyle::default(),
        mode: crate::persona::Mode::Open,
        sees: None,
        hears: crate::persona::Hears::default(),
    }])
}

fn joins(tap: &Tap, count: u64) {
    for n in 0..count {
        let human = HumanId::new(format!("h{n}"));
        tap.record(Time::from_ms(n), || Record::Join { human, name: "Tom".to_owned() });
    }
}

/// A disk that takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that takes nothing until it is let go.
struct Stuck {
    go: Receiver<()>,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Its other end gone is leave to go on.
        let _ = self.go.recv();
        self.kept.lock().expect("nobody panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_recorded_can_be_read() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("deep/one.tape");
    let recorder = Recorder::start(&folder, &header(), Clock::start()).expect("it begins");
    joins(&recorder.tap(), 3);
    assert_eq!(recorder.finish(), State::Ended);
    let tape = Tape::read(&folder).expect("a good tape");
    assert_eq!(tape.header, header());
    assert_eq!(tape.entries.len(), 4);
    assert!(tape.end_us().is_some() && !tape.torn);
    // A second recording does not write over the first.
    assert!(Recorder::start(&folder, &header(), Clock::start()).is_err());
}

#[tokio::test]
async fn without_an_end_all_but_the_newest_half_second_is_on_the_disk() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("killed.tape");
    let recorder = Recorder::start(&folder, &header(), Clock::start()).expect("it begins");
    joins(&recorder.tap(), 5);
    let begun = Instant::now();
    while Tape::read(&folder).expect("readable at any time").entries.len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(10), "nothing was flushed");
        std::thread::yield_now();
    }
    recorder.finish();
}

#[tokio::test]
async fn a_full_disk_ends_the_recording_visibly_and_nothing_else() {
    let place = tempfile::tempdir().expect("a folder");
    let writer = Writer::onto(place.path(), Box::new(Full(1_000)), &header()).expect("it fits");
    let recorder = Recorder::with_writer(writer, place.path(), Clock::start()).expect("it begins");
    let mut state = recorder.state();
    joins(&recorder.tap(), 1_000);
    let failed = |state: &State| matches!(state, State::Failed { .. });
    let seen = state.wait_for(failed).await.expect("it is told").clone();
    let State::Failed { cause } = &seen else { unreachable!("waited for") };
    assert!(cause.contains("could not be written"), "{cause}");
    joins(&recorder.tap(), 10);
    assert_eq!(recorder.finish(), seen);
}

#[tokio::test]
async fn a_stuck_disk_costs_records_that_are_counted_and_holds_nobody_up() {
    let place = tempfile::tempdir().expect("a folder");
    let (go, wait): (Sender<()>, _) = channel();
    let kept = Arc::new(Mutex::new(Vec::new()));
    go.send(()).expect("for the header");
    let disk = Stuck { go: wait, kept: kept.clone() };
    let writer = Writer::onto(place.path(), Box::new(disk), &header()).expect("the header");
    let recorder = Recorder::with_writer(writer, place.path(), Clock::start()).expect("it begins");
    let many = 4 * QUEUE_BOUND as u64;
    joins(&recorder.tap(), many);
    let dropped = recorder.tap().dropped();
    assert!(dropped > QUEUE_BOUND as u64, "{dropped}");
    drop(go);
    recorder.finish();
    let tape = Tape::parse(&kept.lock().expect("nobody panics")).expect("a good tape");
    let on_tape = |entry: &Entry| match entry.record {
        Record::Dropped { records } => records,
        _ => 0,
    };
    assert_eq!(tape.entries.iter().map(on_tape).sum::<u64>(), dropped);
    let joined = tape.entries.iter().filter(|e| matches!(e.record, Record::Join { .. })).count();
    assert_eq!(joined as u64 + dropped, many);
}
