use async_trait::async_trait;
use tokio::sync::Notify;

use super::*;

/// Tells how long a text is, once it may.
#[derive(Default)]
struct Slow {
    may: Notify,
}

#[async_trait]
impl Read for Slow {
    async fn read(&self, text: &str) -> Option<Meaning> {
        self.may.notified().await;
        Some(Meaning { wanted: text.len() as f32, ..Meaning::default() })
    }
}

fn line(id: u64) -> Line {
    let (human, text) = (HumanId::new("tom"), format!("Line {id}"));
    Line { id: LineId(id), human, manner: Manner::Typed, text, shown: Vec::new(), sound: None }
}

fn words(human: &str) -> Words {
    Words { human: HumanId::new(human), text: "Well".to_owned() }
}

fn ids(lines: &[Line]) -> Vec<u64> {
    lines.iter().map(|line| line.id.0).collect()
}

struct Rig {
    slow: Arc<Slow>,
    reading: Reading,
    told: mpsc::Receiver<Told>,
}

impl Rig {
    fn new() -> Self {
        let slow = Arc::new(Slow::default());
        let (reading, told) = Reading::new(Some(slow.clone()));
        Self { slow, reading, told }
    }

    /// As the room's loop does it.
    fn read_next(&mut self) {
        if let Some(text) = self.reading.next().map(|line| line.text.clone()) {
            self.reading.read(text);
        }
    }

    fn line(&mut self, id: u64) -> Vec<u64> {
        let due = self.reading.line(line(id));
        self.read_next();
        ids(&due)
    }

    async fn next(&mut self) -> (Told, Option<Due>) {
        let told = self.told.recv().await.expect("an answer");
        let due = self.reading.due(&told);
        self.read_next();
        (told, due)
    }
}

#[tokio::test(start_paused = true)]
async fn lines_go_on_read_one_by_one_in_their_order() {
    let mut rig = Rig::new();
    assert!(rig.line(1).is_empty() && rig.line(22).is_empty());
    for (id, length) in [(1, 6.0), (22, 7.0)] {
        rig.slow.may.notify_one();
        let (told, due) = rig.next().await;
        assert_eq!(told.meaning.map(|meaning| meaning.wanted), Some(length));
        assert!(matches!(due, Some(Due::Line(line)) if line.id == LineId(id)));
    }
    assert!(rig.reading.next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_model_is_not_waited_for() {
    let mut rig = Rig::new();
    rig.line(1);
    let begun = tokio::time::Instant::now();
    let (told, due) = rig.next().await;
    assert_eq!(begun.elapsed(), WAIT_MAX);
    assert!(told.meaning.is_none());
    assert!(matches!(due, Some(Due::Line(_))));
}

#[tokio::test(start_paused = true)]
async fn without_a_model_nothing_waits() {
    let (mut reading, _told) = Reading::new(None);
    assert_eq!(ids(&reading.line(line(1))), [1]);
    assert!(reading.words(words("tom"), |_| unreachable!("nobody reads")).is_some());
    assert!(reading.next().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_lines_goes_on_unread() {
    let mut rig = Rig::new();
    let waits = |id| id <= LINES_MAX as u64;
    let all: Vec<u64> = (1..=LINES_MAX as u64 + 1).collect();
    for id in &all {
        let due = rig.line(*id);
        assert_eq!(due, if waits(*id) { Vec::new() } else { all.clone() });
    }
    // What comes of the reading that was begun is nobody's.
    rig.line(90);
    rig.slow.may.notify_one();
    assert!(rig.next().await.1.is_none());
    rig.slow.may.notify_one();
    assert!(matches!(rig.next().await.1, Some(Due::Line(line)) if line.id == LineId(90)));
}

#[tokio::test(start_paused = true)]
async fn words_are_read_one_by_one_and_not_behind_their_line() {
    let mut rig = Rig::new();
    let read =
        |rig: &mut Rig, human| rig.reading.words(words(human), |_| "Well".to_owned()).is_none();
    assert!(read(&mut rig, "tom"));
    assert!(!read(&mut rig, "zoe"), "another's are being read");
    rig.slow.may.notify_one();
    assert!(matches!(rig.next().await.1, Some(Due::Words(_))));
    assert!(read(&mut rig, "zoe") && rig.line(1).is_empty());
    rig.slow.may.notify_waiters();
    assert!(matches!(rig.next().await.1, Some(Due::Words(_))), "another's line changes nothing");
    rig.next().await;
    assert!(read(&mut rig, "tom") && rig.line(2).is_empty());
    rig.slow.may.notify_one();
    assert!(rig.next().await.1.is_none(), "they are of the line");
}
