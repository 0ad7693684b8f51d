use tokio::time::Instant;

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
    let (stats, partials) = (service.stats(), service.partials());
    tokio::spawn(service.run(CancellationToken::new()));
    Running { intake, heard, partials, stats }
}

struct Running {
    intake: Intake,
    heard: mpsc::Receiver<Heard>,
    partials: watch::Receiver<Option<Partial>>,
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
        let Self { intake, mut heard, stats, .. } = self;
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

/// A pause after which the speaker may go on.
fn paused(id: u64, human: &str, from_ms: u64) -> Utterance {
    let utterance = utterance(id, human, from_ms);
    Utterance { endpoint: utterance.voiced_end + Duration::from_millis(160), ..utterance }
}

/// It began like `paused` and went on.
fn longer(id: u64, human: &str, from_ms: u64) -> Utterance {
    let utterance = utterance(id, human, from_ms);
    Utterance { voiced_end: utterance.voiced_end + SECOND, ..utterance }
}

const QUARTER: Duration = Duration::from_millis(250);

#[tokio::test(start_paused = true)]
async fn a_pass_of_the_pause_is_the_final_when_nothing_more_is_said() {
    let mut service = start(ScriptedRecogniser::in_order([Step::text("Hello Ada", QUARTER)]));
    service.intake.offer_early(paused(1, "al", 0));
    tokio::time::sleep(SECOND).await;
    let ended = Instant::now();
    service.offer(utterance(1, "al", 0));
    let heard = service.next().await;
    assert_eq!((heard.text.as_deref(), ended.elapsed()), (Ok("Hello Ada"), Duration::ZERO));
    // What it reports is when it was made, which was ahead of the end.
    assert_eq!(heard.took(), QUARTER);
    assert_eq!(heard.utterance.endpoint, Time::from_ms(1_150));
    let stats = *service.stats.borrow();
    assert_eq!((stats.early, stats.early_used, stats.early_thrown, stats.heard), (1, 1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_pass_under_way_at_the_end_is_not_made_twice() {
    let mut service = start(ScriptedRecogniser::in_order([Step::text("Hello Ada", SECOND)]));
    service.intake.offer_early(paused(1, "al", 0));
    tokio::time::sleep(QUARTER).await;
    let ended = Instant::now();
    service.offer(utterance(1, "al", 0));
    assert_eq!(service.next().await.text.as_deref(), Ok("Hello Ada"));
    assert_eq!(ended.elapsed(), SECOND - QUARTER);
}

/// A pause is offered when it is a lull, and again when it is a pause.
#[tokio::test(start_paused = true)]
async fn a_pass_of_the_lull_is_the_pass_of_the_pause() {
    for pause_after in [QUARTER / 2, SECOND] {
        let steps = ["Hello Ada", "again"].map(|text| Step::text(text, QUARTER));
        let service = start(ScriptedRecogniser::in_order(steps));
        let pause = paused(1, "al", 0);
        let lull = Utterance { endpoint: pause.voiced_end, ..pause.clone() };
        service.intake.offer_early(lull);
        tokio::time::sleep(pause_after).await;
        service.intake.offer_early(pause);
        service.offer(utterance(1, "al", 0));
        let (heard, stats) = service.rest().await;
        assert_eq!(heard, [(1, vec![], "Hello Ada".into())]);
        assert_eq!((stats.early, stats.early_used, stats.early_thrown), (1, 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_thrown_away_when_speech_goes_on() {
    // Done before that, in hand at that time, and found out by the longer voice only.
    for (told, told_after) in [(true, SECOND), (true, QUARTER / 2), (false, SECOND)] {
        let steps = ["Hello", "Hello Ada"].map(|text| Step::text(text, QUARTER));
        let service = start(ScriptedRecogniser::in_order(steps));
        service.intake.offer_early(paused(1, "al", 0));
        tokio::time::sleep(told_after).await;
        if told {
            service.intake.resumed(HumanId::new("al"));
        }
        service.offer(longer(1, "al", 0));
        let (heard, stats) = service.rest().await;
        assert_eq!(heard, [(1, vec![], "Hello Ada".into())]);
        assert_eq!((stats.early, stats.early_used, stats.early_thrown), (1, 0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_did_not_begin_is_left_out() {
    let texts = ["one", "two"].map(|text| Step::text(text, SECOND));
    let service = start(ScriptedRecogniser::in_order(texts));
    service.offer(utterance(1, "bo", 0));
    tokio::time::sleep(QUARTER).await;
    service.intake.offer_early(paused(2, "al", 100));
    tokio::time::sleep(QUARTER).await;
    service.intake.resumed(HumanId::new("al"));
    service.offer(longer(2, "al", 100));
    let (heard, stats) = service.rest().await;
    assert_eq!(heard, [(1, vec![], "one".into()), (2, vec![], "two".into())]);
    assert_eq!((stats.early, stats.early_thrown), (0, 0));
}

/// What is in hand is all that a final may have to wait for.
#[tokio::test(start_paused = true)]
async fn finals_go_before_passes_that_may_be_for_nothing() {
    let texts = ["al pauses", "cy said", "bo pauses"].map(|text| Step::text(text, SECOND));
    let mut service = start(ScriptedRecogniser::in_order(texts));
    service.intake.offer_early(paused(1, "al", 0));
    tokio::time::sleep(QUARTER).await;
    service.intake.offer_early(paused(2, "bo", 10));
    service.offer(utterance(3, "cy", 20));
    let asked = Instant::now();
    let heard = service.next().await;
    assert_eq!((heard.utterance.id, heard.text.as_deref()), (UtteranceId(3), Ok("cy said")));
    assert_eq!(asked.elapsed(), SECOND - QUARTER + SECOND);
    service.offer(utterance(2, "bo", 10));
    assert_eq!(service.next().await.text.as_deref(), Ok("bo pauses"));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_waits_for_an_earlier_onset_in_hand_and_for_no_later_one() {
    for (onset_ms, first) in [(0, 1), (100, 2)] {
        let texts = ["al", "bo"].map(|text| Step::text(text, SECOND));
        let mut service = start(ScriptedRecogniser::in_order(texts));
        service.intake.offer_early(paused(2, "al", 50));
        tokio::time::sleep(2 * SECOND).await;
        service.offer(utterance(1, "bo", onset_ms));
        tokio::time::sleep(QUARTER).await;
        service.offer(utterance(2, "al", 50));
        let ids = [service.next().await.utterance.id.0, service.next().await.utterance.id.0];
        assert_eq!(ids, [first, 3 - first], "bo began at {onset_ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_fails_is_made_again_for_the_final() {
    let steps = [Step::death(SECOND), Step::text("Hello", SECOND)];
    let service = start(ScriptedRecogniser::in_order(steps));
    service.intake.offer_early(paused(1, "al", 0));
    tokio::time::sleep(QUARTER).await;
    service.offer(utterance(1, "al", 0));
    let (heard, stats) = service.rest().await;
    assert_eq!(heard, [(1, vec![], "Hello".into())]);
    assert_eq!((stats.early_used, stats.early_thrown, stats.retried), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn words_are_shown_once_a_second_for_each_speaker() {
    let texts = ["one", "one two", "hi", "one two three", "the end"];
    let steps = texts.map(|text| Step::text(text, QUARTER));
    let service = start(ScriptedRecogniser::in_order(steps));
    let mut partials = service.partials.clone();
    let mut shown = Vec::new();
    for (id, human, longer_ms) in [(1, "al", 0), (1, "al", 1), (2, "bo", 2), (1, "al", 3)] {
        let pause = paused(id, human, 0);
        let voiced_end = pause.voiced_end + Duration::from_millis(longer_ms);
        service.intake.offer_early(Utterance { voiced_end, ..pause });
        tokio::time::sleep(2 * QUARTER).await;
        if partials.has_changed().expect("the service runs") {
            let partial = partials.borrow_and_update().clone().expect("some text");
            shown.push((partial.utterance.0, partial.text));
        }
    }
    let expected = [(1, "one"), (2, "hi"), (1, "one two three")];
    assert_eq!(shown, expected.map(|(id, text)| (id, text.to_owned())));
}
