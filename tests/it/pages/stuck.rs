//! A room that talks beside a page that does not read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use troupe::admin::state::{Event, Line, Passes, open};
use troupe::admin::{Options, Server};
use troupe::host::Room;
use troupe::id::{HumanId, LineId, Speaker};
use troupe::latency::TurnRecord;
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::stt::scripted::ScriptedRecogniser;
use troupe::time::Clock;
use troupe::turn::Manner;

use super::client::Feed;
use crate::host::{Stand, config};

/// More than the sockets' buffers and the whole ring of the feed hold, at 1 KB each.
const FLOOD: u64 = 20_000;
/// Fewer than the ring between the host and its pages holds.
const BURST: u64 = 200;

/// Two questions and their answers; with a stuck page the feed is full before the first.
async fn evening(with_a_stuck_page: bool) -> Vec<TurnRecord> {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| {
        Script::say("Fish soup, in a storm. ").prefill(Duration::from_millis(200))
    });
    let passes: Passes = Arc::new(|_| Err("nobody comes in".to_owned()));
    let (publisher, _commands, house) = open(Room::first_status(&config()), passes);
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(Options { listen, token: None }, house).await.expect("a free port");
    let (at, cancel) = (server.address(), CancellationToken::new());
    let served = tokio::spawn(server.serve(cancel.clone()));
    let mut page = Feed::open(at).await;
    page.next_of("snapshot").await;
    if with_a_stuck_page {
        let tom = Speaker::Human(HumanId::new("tom"));
        let words = "on and on ".repeat(100);
        for number in 1..=FLOOD {
            let line = Line::new(LineId(number), &tom, "Tom", Manner::Heard, &words);
            publisher.event(Event::Line(line));
            if number % BURST == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    let ears = ScriptedRecogniser::default();
    let stand = Stand::open_beside(clock, Arc::new(engine), ears, None, publisher).await;
    for text in ["Felix, which soup do you cook in a storm?", "Felix, and on a quiet day?"] {
        stand.types(text, Duration::from_secs(20)).await;
    }
    let records = stand.end().await;
    if with_a_stuck_page {
        let missed = page.next_of("lagged").await["missed"].as_u64().expect("a count");
        assert!(missed > 0, "the page was not behind");
    }
    cancel.cancel();
    served.await.expect("no panic").expect("no error of the socket");
    records
}

/// On virtual time a turn takes what its parts take, to the microsecond: whoever waited for the
/// page would take longer, or for ever.
#[tokio::test(start_paused = true)]
async fn turns_take_as_long_beside_a_page_that_is_stuck_as_without() {
    let (alone, beside) = (evening(false).await, evening(true).await);
    assert_eq!(alone.len(), 6);
    let times = |records: &[TurnRecord]| {
        let times = records.iter().map(|it| (it.turn, it.outcome, it.e2e_us, it.stages_us.clone()));
        times.collect::<Vec<_>>()
    };
    assert_eq!(times(&alone), times(&beside));
}
