use std::time::Instant;

use super::*;

/// "What do you like to do in the evening?", 2.6 s at 16 kHz, spoken from 0.25 s to 2.3 s.
fn question() -> Vec<i16> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
    let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
    wav.into_samples().collect::<Result<_, _>>().expect("whole samples")
}

fn silence(seconds: usize) -> Vec<i16> {
    vec![0; seconds * EARS_RATE_HZ as usize]
}

const CHUNK: usize = 160;
const CHUNK_TIME: Duration = Duration::from_millis(10);

/// A room whose humans' sound comes in chunks of 10 ms, as it is made.
struct Room {
    hearing: Hearing,
    now: Time,
    events: Vec<Event>,
}

impl Room {
    fn new() -> Self {
        let hearing = Hearing::new(Options::default());
        Self { hearing, now: Time::from_ms(500), events: Vec::new() }
    }

    fn say(&mut self, human: &str, samples: &[i16]) {
        self.say_together(&[(human, samples)]);
    }

    /// For as long as the first of them.
    fn say_together(&mut self, voices: &[(&str, &[i16])]) {
        let mut chunks: Vec<_> = voices
            .iter()
            .map(|(human, samples)| (HumanId::new(human), samples.chunks(CHUNK)))
            .collect();
        for _ in 0..voices[0].1.len().div_ceil(CHUNK) {
            self.pass(CHUNK_TIME);
            for (human, chunks) in &mut chunks {
                let chunk = chunks.next().unwrap_or_default();
                self.events.extend(self.hearing.audio(self.now, human, self.now, chunk));
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        if self.hearing.wake_at().is_some_and(|at| at <= self.now) {
            self.events.extend(self.hearing.wake(self.now));
        }
    }

    /// What happened, shortly; and the utterances.
    fn events(&mut self) -> (Vec<String>, Vec<Utterance>) {
        let mut utterances = Vec::new();
        let events = std::mem::take(&mut self.events).into_iter();
        let quiet = |event: &Event| matches!(event, Event::Lasts { .. } | Event::Lull(_));
        let events = events.filter(|event| !quiet(event));
        let shortly = events.map(|event| match event {
            Event::Lasts { human, .. } | Event::Words { human, .. } => format!("{human} ?"),
            Event::Lull(lull) => format!("{} lulls", lull.human),
            Event::SpeechStarted { human, .. } => format!("{human} started"),
            Event::SpeechDropped { human } => format!("{human} dropped"),
            Event::Paused(paused) => format!("{} paused {}", paused.human, paused.id),
            Event::StillPaused(paused) => format!("{} pauses on", paused.human),
            Event::Resumed { human } => format!("{human} went on"),
            Event::Utterance(utterance) => {
                let shortly = format!("{} said {}", utterance.human, utterance.id);
                utterances.push(utterance);
                shortly
            }
        });
        (shortly.collect(), utterances)
    }
}

#[track_caller]
fn assert_near(time: Time, expected_ms: u64) {
    let off = time.since(Time::from_ms(expected_ms)) + Time::from_ms(expected_ms).since(time);
    assert!(off <= Duration::from_millis(100), "{time:?} is not near {expected_ms} ms");
}

#[test]
fn a_question_is_one_utterance_with_its_times() {
    let mut room = Room::new();
    room.say("al", &silence(1));
    room.say("al", &question());
    room.say("al", &silence(1));
    let (events, utterances) = room.events();
    assert_eq!(events, ["al started", "al paused u1", "al said u1"]);
    let utterance = &utterances[0];
    assert_near(utterance.voiced_start, 1_750);
    assert_near(utterance.voiced_end, 3_800);
    let wait = utterance.endpoint.since(utterance.voiced_end);
    assert!((350..=370).contains(&wait.as_millis()), "{wait:?}");
    let rolls = utterance.clip.duration() - utterance.voiced_end.since(utterance.voiced_start);
    assert_eq!(rolls, Duration::from_millis(500));
}

#[test]
fn silence_is_nothing() {
    let mut room = Room::new();
    room.say("al", &silence(5));
    assert_eq!(room.events().0, Vec::<String>::new());
    assert_eq!(room.hearing.wake_at(), None);
}

#[test]
fn a_track_that_falls_silent_without_a_packet_ends_by_the_clock() {
    let mut room = Room::new();
    room.say("al", &question()[..32_000]);
    assert!(room.hearing.anybody_speaks());
    for _ in 0..40 {
        room.pass(CHUNK_TIME);
    }
    let (events, utterances) = room.events();
    assert_eq!(events, ["al started", "al paused u1", "al said u1"]);
    assert!(utterances[0].endpoint.since(utterances[0].voiced_end) < Duration::from_millis(400));
}

#[test]
fn a_pause_that_is_judged_incomplete_goes_on_with_its_silence() {
    for packets_in_silence in [true, false] {
        let mut room = Room::new();
        room.say("al", &question()[..33_000]);
        let sounding = room.now;
        let mut judged = false;
        while room.now.since(sounding) < Duration::from_millis(1_100) {
            if packets_in_silence {
                room.say("al", &silence(1)[..CHUNK]);
            } else {
                room.pass(CHUNK_TIME);
            }
            let paused = room.events.iter().find_map(|event| match event {
                Event::Paused(paused) => Some(paused.voiced_end),
                _ => None,
            });
            if let Some(voiced_end) = paused.filter(|_| !judged) {
                judged = true;
                let human = HumanId::new("al");
                let events = room.hearing.judged(room.now, &human, voiced_end, 0.0);
                assert!(events.is_empty(), "{events:?}");
            }
        }
        let still: Vec<Duration> = room
            .events
            .iter()
            .filter_map(|event| match event {
                Event::StillPaused(paused) => Some(paused.clip.duration()),
                _ => None,
            })
            .collect();
        assert_eq!(still.len(), 2, "packets in silence: {packets_in_silence}");
        let longer = (still[1] - still[0]).as_millis();
        assert!((380..=420).contains(&longer), "{longer} ms more silence");
    }
}

/// The owner was late to wake it; the next chunk tells it.
#[test]
fn sound_after_a_gap_begins_anew() {
    let mut room = Room::new();
    room.say("al", &question());
    room.now = room.now + Duration::from_secs(3);
    room.say("al", &question());
    room.say("al", &silence(1));
    let (events, utterances) = room.events();
    assert_eq!(
        events,
        ["al started", "al paused u1", "al said u1", "al started", "al paused u2", "al said u2"]
    );
    assert!(utterances[0].endpoint < utterances[1].voiced_start);
}

#[test]
fn who_leaves_in_mid_sentence_is_still_heard() {
    let mut room = Room::new();
    room.say("al", &question()[..24_000]);
    let said = room.hearing.end(room.now, &HumanId::new("al"));
    assert!(
        matches!(said, Some(Event::Utterance(utterance)) if utterance.clip.samples.len() > 20_000)
    );
    assert!(room.hearing.end(room.now, &HumanId::new("al")).is_none());
}

#[test]
fn two_at_once_are_two_utterances() {
    let (question, quiet) = (question(), silence(3));
    let late: Vec<i16> = quiet[..8_000].iter().chain(&question).copied().collect();
    let mut room = Room::new();
    room.say_together(&[("bo", &late), ("al", &question)]);
    room.say_together(&[("bo", &quiet), ("al", &quiet)]);
    let events = room.events().0;
    assert_eq!(events[..4], ["al started", "bo started", "al paused u1", "al said u1"]);
    assert_eq!(events[4..], ["bo paused u2", "bo said u2"]);
}

/// The detector must be quick: ten humans speak on two cores beside the engines.
#[test]
fn a_chunk_costs_little_and_an_endless_speaker_stays_bounded() {
    let sound: Vec<i16> = question()[5_000..34_000].repeat(40);
    let mut ear = Ear::new(HumanId::new("al"), Options::default());
    let mut ids = UtteranceIds::default();
    let mut utterances = Vec::new();
    let mut now = Time::ZERO;
    let begun = Instant::now();
    for chunk in sound.chunks(CHUNK) {
        now = now + CHUNK_TIME;
        utterances.extend(ear.audio(now, now, chunk, &mut ids));
        assert!(ear.recording.held() <= 16 * EARS_RATE_HZ as usize);
    }
    let each = begun.elapsed() / (sound.len() / CHUNK) as u32;
    println!("{} utterances; {each:?} for a chunk of 10 ms", ids.0);
    assert!(each < Duration::from_millis(1), "{each:?} for a chunk of 10 ms");
    assert!(ids.0 >= 4);
    for event in utterances {
        if let Event::Utterance(utterance) = event {
            assert!(utterance.clip.duration() <= Duration::from_secs(15));
        }
    }
}
