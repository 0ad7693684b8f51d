use super::scripted::ScriptedPredictor;
use super::*;
use crate::id::UtteranceId;

const QUICK: Duration = Duration::from_millis(50);

fn paused(id: u64, human: &str) -> Utterance {
    Utterance {
        id: UtteranceId(id),
        human: HumanId::new(human),
        clip: Clip { samples: vec![0.1; 16_000].into() },
        voiced_start: Time::ZERO,
        voiced_end: Time::from_ms(800 * id),
        endpoint: Time::from_ms(1_000 * id),
        voiced: Duration::from_millis(800),
        cut: false,
    }
}

struct Running {
    asker: Asker,
    verdicts: mpsc::Receiver<Verdict>,
    stats: watch::Receiver<Stats>,
}

fn start(steps: impl IntoIterator<Item = (f32, Duration)>) -> Running {
    let predictor = Arc::new(ScriptedPredictor::in_order(steps));
    let (judge, asker, verdicts) = Judge::new(predictor, Clock::start());
    let stats = judge.stats();
    tokio::spawn(judge.run(CancellationToken::new()));
    Running { asker, verdicts, stats }
}

impl Running {
    /// Asks no more; the answers that still come.
    async fn rest(self) -> (Vec<(String, f32)>, Stats) {
        let Self { asker, mut verdicts, stats } = self;
        drop(asker);
        let mut rest = Vec::new();
        while let Some(verdict) = verdicts.recv().await {
            rest.push((verdict.human.to_string(), verdict.complete));
        }
        let stats = *stats.borrow();
        (rest, stats)
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_judged() {
    let mut judge = start([(0.8, QUICK)]);
    judge.asker.ask(&paused(3, "al"));
    let expected =
        Verdict { human: HumanId::new("al"), voiced_end: Time::from_ms(2_400), complete: 0.8 };
    assert_eq!(judge.verdicts.recv().await, Some(expected));
    let stats = *judge.stats.borrow();
    assert_eq!((stats.answered, stats.took_us_max), (1, 50_000));
}

#[tokio::test(start_paused = true)]
async fn too_many_at_once_and_too_late_ones_are_skipped_and_counted() {
    let slow = Duration::from_millis(300);
    let judge = start([(0.1, slow), (0.2, slow), (0.3, slow)]);
    for id in 1..=6 {
        judge.asker.ask(&paused(id, &format!("h{id}")));
    }
    let (verdicts, stats) = judge.rest().await;
    // Two did not fit; of the four that did, two began within half a second.
    assert_eq!(verdicts, [("h1".to_owned(), 0.1), ("h2".to_owned(), 0.2)]);
    assert_eq!((stats.answered, stats.skipped, stats.failed), (2, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_costs_one_answer() {
    let judge = start([]);
    judge.asker.ask(&paused(1, "al"));
    let (verdicts, stats) = judge.rest().await;
    assert_eq!((verdicts.len(), stats.failed), (0, 1));
}
