//! What a recorded turn sounded like, over HTTP.

use troupe::admin::state::PartState;

use super::client::{ask, get};
use super::house::{Stage, recording};

async fn recorded() -> Stage {
    let stage = Stage::open().await;
    stage.publisher.update(|status| status.recording = Some(recording()));
    stage
}

#[tokio::test]
async fn a_recorded_turn_is_a_sound_file() {
    let stage = recorded().await;
    let answer = get(stage.at, "/api/turns/t1/audio").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "RIFF of t1"));
    assert_eq!(answer.header("content-type"), "audio/wav");
    assert_eq!(answer.header("cache-control"), "no-store");
    // The last tape is there after it ended, too.
    stage.publisher.update(|status| {
        status.recording.as_mut().expect("it was on").state = PartState::Down;
    });
    assert_eq!(get(stage.at, "/api/turns/t1/audio").await.status, 200);
    stage.close().await;
}

#[tokio::test]
async fn a_turn_that_cannot_be_heard_is_refused_in_a_sentence() {
    let stage = recorded().await;
    for (turn, status) in [("t2", 404), ("t500", 500), ("t501", 501)] {
        let answer = get(stage.at, &format!("/api/turns/{turn}/audio")).await;
        assert_eq!(answer.status, status, "{turn}");
        let sentence = answer.json()["error"].as_str().expect("a sentence").to_owned();
        assert!(sentence.contains(' '), "{sentence}");
    }
    stage.publisher.update(|status| status.recording = None);
    let answer = get(stage.at, "/api/turns/t1/audio").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["error"], "nothing was recorded yet: switch recording on");
    stage.close().await;
}

#[tokio::test]
async fn an_id_that_is_no_turns_never_reaches_the_disk() {
    let stage = recorded().await;
    let long = "t".to_owned() + &"9".repeat(40);
    for id in ["7", "t", "t-1", "t+1", "l1", "..%2f..%2fetc", "t1%00", "t1%2f..", "%2e%2e", &long] {
        let answer = get(stage.at, &format!("/api/turns/{id}/audio")).await;
        assert!(matches!(answer.status, 400 | 404), "{id}: {}", answer.status);
        assert!(answer.json()["error"].as_str().is_some_and(|it| it.contains(' ')), "{id}");
    }
    let order = ask(stage.at, "POST", "/api/turns/t1/audio", &[], "").await;
    assert_eq!(order.status, 405);
    stage.close().await;
}
