//! What people show: from the camera, the screen and the chat to the turn in which it is seen.

use std::sync::Arc;
use std::time::Duration;

use troupe::id::HumanId;
use troupe::latency::{Outcome, TurnRecord};
use troupe::llm::scripted::ScriptedEngine;
use troupe::llm::{Engine as _, Senses};
use troupe::picture::{Picture, Source};
use troupe::room::Event;
use troupe::time::Clock;
use troupe::video::I420;

use super::host::Stand;

const PATIENCE: Duration = Duration::from_secs(20);

fn tom() -> HumanId {
    HumanId::new("tom")
}

fn frame(luma: u8) -> Arc<I420> {
    let mut frame = I420::black(64, 48).expect("even sides");
    frame.planes_mut().0.fill(luma);
    Arc::new(frame)
}

/// A PNG whose header claims a size, with nothing behind it.
fn bomb(side: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    file.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    file.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    file
}

impl Stand {
    async fn view(&self, source: Source, on: bool) {
        self.send(Event::View { human: tom(), source, on }).await;
    }

    /// A camera that shows this, looked at once.
    async fn holds_up(&self, clock: Clock, frame: Arc<I420>) {
        let looks = self.transport.looks().len();
        while self.transport.looks().len() == looks {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (human, source, at) = (tom(), Source::Camera, clock.now());
        self.send(Event::Frame { human, source, at, frame }).await;
    }

    async fn pastes(&self, file: Vec<u8>) {
        self.send(Event::Pasted { human: tom(), file }).await;
    }

    /// What was said of each turn that spoke, and what it was shown.
    async fn spoken(self) -> Vec<(String, Vec<String>)> {
        let spoke = |record: &TurnRecord| record.outcome == Outcome::Spoke;
        let records = self.end().await.into_iter().filter(spoke);
        let names = |record: &TurnRecord| record.pictures.iter().map(ToString::to_string).collect();
        records.map(|record| (record.heard_text.clone(), names(&record))).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_up_is_in_the_turn_and_encoded_once_for_all() {
    let clock = Clock::start();
    let engine = Arc::new(ScriptedEngine::describing(clock));
    let stand = Stand::open(clock, engine.clone()).await;
    stand.view(Source::Camera, true).await;
    stand.holds_up(clock, frame(200)).await;
    stand.holds_up(clock, frame(60)).await;
    stand.types("Nora, what do you see?", PATIENCE).await;
    stand.types("Felix, and you?", PATIENCE).await;
    let looks = stand.transport.looks().len();
    stand.view(Source::Camera, false).await;
    tokio::time::sleep(PATIENCE).await;
    assert_eq!(stand.transport.looks().len(), looks, "nobody looks at what is off");

    let newest = Picture::of_frame(&frame(60)).id().to_string();
    let told = format!("I see the picture {newest}.");
    let seen = (told, vec![newest]);
    assert_eq!(stand.spoken().await, [seen.clone(), seen]);
    let stats = engine.stats();
    assert_eq!((stats.pictures_encoded, stats.pictures_shared), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_typed_line_waits_for_the_picture_that_came_with_it() {
    let clock = Clock::start();
    let stand = Stand::open(clock, Arc::new(ScriptedEngine::describing(clock))).await;
    let picture = Picture::of_frame(&frame(120));
    stand.pastes(picture.jpeg().to_vec()).await;
    stand.types("Ada, what is this?", PATIENCE).await;
    let again = Picture::of_file(picture.jpeg()).expect("a good file");
    let name = again.id().to_string();
    assert_eq!(stand.spoken().await, [(format!("I see the picture {name}."), vec![name])]);
}

#[tokio::test(start_paused = true)]
async fn hostile_files_cost_a_counter_and_the_line_is_answered() {
    let clock = Clock::start();
    let stand = Stand::open(clock, Arc::new(ScriptedEngine::describing(clock))).await;
    for file in [bomb(20_000), b"no picture".to_vec(), Vec::new()] {
        stand.pastes(file).await;
    }
    stand.types("Ada, what is this?", PATIENCE).await;
    let shown = stand.publisher.status().pictures.expect("something was shown").seen;
    assert_eq!((shown.refused, shown.given), (3, 2));
    let none = ("I was shown no picture.".to_owned(), Vec::new());
    assert_eq!(stand.spoken().await, [none]);
}

#[tokio::test(start_paused = true)]
async fn a_cast_without_eyes_says_so_and_nothing_is_looked_at() {
    let clock = Clock::start();
    let engine = Arc::new(ScriptedEngine::describing(clock).sensing(Senses::default()));
    let stand = Stand::open(clock, engine.clone()).await;
    stand.view(Source::Camera, true).await;
    stand.pastes(Picture::of_frame(&frame(90)).jpeg().to_vec()).await;
    stand.types("Nora, what is in this picture?", PATIENCE).await;
    stand.types("Ada, can you see my hat?", PATIENCE).await;
    assert!(stand.transport.looks().is_empty());
    let shown = stand.publisher.status().pictures.expect("something was shown").seen;
    assert_eq!((shown.refused, shown.looks), (1, 0));
    for (said, pictures) in stand.spoken().await {
        assert!(said.contains("cannot see") && pictures.is_empty(), "{said}");
    }
    assert_eq!(engine.counts().generations, 0, "the model is not asked what it sees");
}
