use super::*;
use crate::audio::Clip;
use crate::id::HumanId;
use crate::stt::scripted::{ScriptedRecogniser, Step, fingerprint};

const SECOND: Duration = Duration::from_secs(1);

fn utterance(id: u64, human: &str, from_ms: u64) -> Utterance {
    Utterance {
        id: UtteranceId(id),
        human: HumanId::new(human),
        clip: Clip { samples: vec![0.1 * id as f32; 16_000].into() },
        voiced_start: Time::from_ms(from_ms),
        voiced_end: Time::from_ms(from_ms + 800),
        endpoint: Time::from_ms(from_ms + 1_150),
        voiced: Duration::from_millis(800),
        cut: false,
    }
}

/// A running service; it ends with its intake.
fn start(recogniser: ScriptedRecogniser) -> Running {
    let options = queue::Options { capacity: 2, ..queue::Options::default() };
    let (service, intake, heard) = Service::new(Arc::new(recogniser), options, Clock::start());
    let stats = service.stats();
    tokio::spawn(service.run(CancellationToken::new()));
    Running { intake, heard, stats }
}

struct Running {
    intake: Intake,
    heard: mpsc::Receiver<Heard>,
    stats: watch::Receiver<Stats>,
}

impl Running {
    fn offer(&self, utterance: Utterance) {
        self.intake.offer(utterance).expect("there is room");
    }

    async fn next(&mut self) -> Heard {
        self.heard.recv().await.expect("the service runs")
    }

    /// Closes the intake; all that is still to come, as ids and texts.
    async fn rest(self) -> (Vec<(u64, Vec<u64>, String)>, Stats) {
        let Self { intake, mut heard, stats } = self;
        drop(intake);
        let mut rest = Vec::new();
        while let Some(heard) = heard.recv().await {
            let merged = heard.merged.iter().map(|id| id.0).collect();
            let text = heard.text.unwrap_or_else(|unheard| unheard.to_string());
            rest.push((heard.utterance.id.0, merged, text));
        }
        let stats = *stats.borrow();
        (rest, stats)
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_comes_with_its_times() {
    let mut service = start(ScriptedRecogniser::in_order([Step::text(" Hello  Ada ", SECOND)]));
    service.offer(utterance(1, "al", 0));
    let heard = service.next().await;
    assert_eq!(heard.text.as_deref(), Ok("Hello Ada"));
    assert_eq!(heard.took(), SECOND);
    assert_eq!(heard.utterance.id, UtteranceId(1));
}

#[tokio::test(start_paused = true)]
async fn an_invention_is_gated_and_counted() {
    let mut service =
        start(ScriptedRecogniser::in_order([Step::text("Thanks for watching!", SECOND)]));
    service.offer(utterance(1, "al", 0));
    assert_eq!(service.next().await.text, Err(Unheard::Gated(gate::Reason::Phrase)));
    assert_eq!(service.stats.borrow().gated, 1);
}

#[tokio::test(start_paused = true)]
async fn a_clip_is_tried_again_when_the_recogniser_dies() {
    let deaths = std::iter::repeat_n(Step::death(SECOND), 3);
    let steps = deaths.chain([Step::text("Hello", SECOND), Step::text("Ada", SECOND)]);
    let service = start(ScriptedRecogniser::in_order(steps));
    service.offer(utterance(1, "al", 0));
    service.offer(utterance(2, "bo", 1));
    let (heard, stats) = service.rest().await;
    assert_eq!(heard, [(1, vec![], "Hello".into()), (2, vec![], "Ada".into())]);
    assert_eq!((stats.heard, stats.retried, stats.failed), (2, 3, 0));
    assert_eq!(stats.took_us_max, 4_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_clip_that_always_kills_is_given_up() {
    let poison = utterance(1, "al", 0);
    let script = ScriptedRecogniser::in_order([Step::text("Fine", SECOND)])
        .with_clip(fingerprint(&poison.clip), Step::death(SECOND));
    let service = start(script);
    service.offer(poison);
    service.offer(utterance(2, "bo", 1));
    let (heard, stats) = service.rest().await;
    assert_eq!(heard[0].2, "the recogniser stopped: the script says so");
    assert_eq!(heard[1].2, "Fine");
    assert_eq!((stats.heard, stats.retried, stats.failed), (1, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_clip_is_not_tried_again() {
    let mut service = start(ScriptedRecogniser::default());
    service.offer(utterance(1, "al", 0));
    assert!(matches!(service.next().await.text, Err(Unheard::Failed(_))));
    assert_eq!(service.stats.borrow().retried, 0);
}

#[tokio::test(start_paused = true)]
async fn what_waits_while_it_works_is_joined_and_ordered() {
    let texts = ["one", "two", "three"].map(|text| Step::text(text, 10 * SECOND));
    let mut service = start(ScriptedRecogniser::in_order(texts));
    service.offer(utterance(1, "al", 0));
    tokio::time::sleep(SECOND).await;
    service.offer(utterance(3, "bo", 5_000));
    service.offer(utterance(2, "al", 1_000));
    service.offer(utterance(4, "bo", 6_000));
    assert_eq!(service.next().await.utterance.id, UtteranceId(1));
    let (heard, stats) = service.rest().await;
    assert_eq!(heard, [(2, vec![], "two".into()), (3, vec![4], "three".into())]);
    assert_eq!((stats.merged, stats.overflowed, stats.waiting), (1, 0, 0));
    assert_eq!(stats.waited_us_max, 19_000_000);
}

/// Everybody is somebody else, so nothing can be joined: queue and intake fill, then the host
/// gets its utterance back, and not one is forgotten.
#[tokio::test(start_paused = true)]
async fn when_everything_is_full_the_host_is_told() {
    let steps = (0..100).map(|_| Step::text("said", SECOND));
    let service = start(ScriptedRecogniser::in_order(steps));
    let mut turned_away = 0;
    for id in 0..40 {
        let offered = service.intake.offer(utterance(id, &format!("h{id}"), id));
        turned_away += u64::from(offered.is_err());
        tokio::task::yield_now().await;
    }
    let (heard, stats) = service.rest().await;
    assert!(turned_away > 0);
    assert_eq!(stats.overflowed, turned_away);
    assert_eq!(heard.len() as u64 + turned_away, 40);
}
