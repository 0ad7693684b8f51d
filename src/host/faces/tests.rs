use super::*;
use crate::admin::state::{PersonaStatus, Status};
use crate::mouth::Shape;
use crate::persona::{Mode, Rgb};
use crate::room::AgentState;
use crate::room::scripted::ScriptedRoom;
use crate::time::Time;

/// A driver at work, with one persona whose skin is darker than its teeth.
struct Scene {
    clock: Clock,
    room: Arc<ScriptedRoom>,
    publisher: Publisher,
    moved: mpsc::Sender<Moved>,
    cancel: CancellationToken,
}

fn nora() -> PersonaId {
    PersonaId::new("nora")
}

impl Scene {
    fn open() -> Self {
        Self::open_with(|_| {})
    }

    /// With something done to the driver before it begins.
    fn open_with(change: impl FnOnce(&mut Driver)) -> Self {
        let clock = Clock::start();
        let room = Arc::new(ScriptedRoom::new(clock));
        let passes: pages::Passes = Arc::new(|_| Err("nobody asks".to_owned()));
        let personas = vec![PersonaStatus::new(nora(), "Nora", Mode::Open)];
        let (publisher, _, _) = pages::open(Status { personas, ..Status::default() }, passes);
        let face = Face::Drawn { rgb: Some(Rgb([0x60, 0x40, 0x30])), seed: Some(3) };
        let faces = Faces::paint_all(&[(nora(), face)]);
        let stand = Stand { transport: room.clone(), clock, publisher: publisher.clone() };
        let (mut driver, _) = Driver::new(stand, faces);
        let (moved, from) = mpsc::channel(64);
        driver.moved = from;
        change(&mut driver);
        let cancel = CancellationToken::new();
        tokio::spawn(driver.run(cancel.clone()));
        Self { clock, room, publisher, moved, cancel }
    }

    async fn state(&self, state: AgentState, lasts_ms: u64) {
        self.publisher.state(&nora(), state);
        tokio::time::sleep(Duration::from_millis(lasts_ms)).await;
    }

    /// Plays so many frames of 20 ms, in real pace.
    async fn play(&self, frames: usize, level_dbfs: f32, shape: Option<Shape>) {
        for _ in 0..frames {
            let at = self.clock.now();
            let moved = Moved { persona: nora(), at, level_dbfs, shape };
            self.moved.send(moved).await.expect("the driver runs");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn since(&self, from: Time) -> Vec<(Time, Arc<I420>)> {
        self.room.faces_of(&nora()).into_iter().filter(|(at, _)| *at >= from).collect()
    }
}

/// Whether teeth are to be seen where the mouth is.
fn shows_teeth(picture: &I420) -> bool {
    let side = picture.width() as usize;
    let rows = picture.y().chunks_exact(side).take(side * 73 / 100).skip(side * 58 / 100);
    let mouth = rows.flat_map(|row| &row[side * 40 / 100..side * 60 / 100]);
    mouth.filter(|luma| **luma > 215).count() > side / 8
}

#[tokio::test(start_paused = true)]
async fn the_mouth_is_with_the_sound_within_80_ms() {
    let scene = Scene::open();
    scene.state(AgentState::Speaking, 500).await;
    for shape in [Some(Shape::Open), None] {
        for _ in 0..4 {
            let voiced = scene.clock.now();
            scene.play(25, -18.0, shape).await;
            let silent = scene.clock.now();
            scene.play(25, -70.0, shape).await;
            let pictures = scene.since(voiced);
            assert!(pictures.len() >= 12, "{} pictures in a second", pictures.len());
            for (at, picture) in pictures {
                let margin = Duration::from_millis(80);
                let in_voice = at >= voiced + margin && at < silent;
                let in_silence = at >= silent + margin;
                let shown = shows_teeth(&picture);
                assert!(!in_voice || shown, "closed at {at:?}, voiced from {voiced:?}");
                assert!(!in_silence || !shown, "open at {at:?}, silent from {silent:?}");
            }
        }
    }
    scene.cancel.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_new_state_is_shown_at_once_and_rest_is_cheap() {
    let scene = Scene::open();
    scene.state(AgentState::Idle, 3_000).await;
    let changed = scene.clock.now();
    scene.state(AgentState::Thinking, 10_000).await;
    let pictures = scene.since(changed);
    assert!(pictures[0].0.since(changed) <= Duration::from_millis(2), "{:?}", pictures[0].0);
    let later = scene.since(changed + Duration::from_secs(1)).len();
    assert!((9..=18).contains(&later), "{later} pictures in nine seconds");
    scene.cancel.cancel();
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_and_no_picture_comes() {
    let scene = Scene::open();
    scene.room.set_seen(&nora(), false);
    scene.state(AgentState::Speaking, 100).await;
    scene.play(50, -18.0, None).await;
    assert!(scene.room.faces_of(&nora()).is_empty());
    scene.room.set_seen(&nora(), true);
    let seen = scene.clock.now();
    scene.play(25, -18.0, None).await;
    let first = scene.since(seen).first().map(|(at, _)| at.since(seen));
    assert!(first.is_some_and(|wait| wait <= Duration::from_millis(300)), "{first:?}");
    // The pages are told.
    tokio::time::sleep(SHOWN_EVERY).await;
    let shown = scene.publisher.status().faces.expect("counts");
    assert!(shown.drawn > 5 && shown.skipped > 0 && shown.fps == 15, "{shown:?}");
    scene.cancel.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_cannot_be_drawn_is_counted_and_the_next_ones_are_drawn() {
    // A persona without a portrait: a fault.
    let scene = Scene::open_with(|driver| {
        driver.ids.push(PersonaId::new("felix"));
        driver.schedule = Schedule::new(driver.stand.clock.now(), &[1, 2]);
    });
    scene.state(AgentState::Speaking, 100).await;
    scene.play(50, -18.0, None).await;
    tokio::time::sleep(SHOWN_EVERY).await;
    let shown = scene.publisher.status().faces.expect("counts");
    assert!(shown.failed > 0, "{shown:?}");
    assert!(scene.room.faces_of(&nora()).len() >= 12, "the other face goes on: {shown:?}");
    scene.cancel.cancel();
}

#[test]
fn pictures_are_drawn_into_again_once_nobody_holds_them() {
    let cast = [(nora(), Face::default())];
    let portraits = Faces::paint_all(&cast).portraits.into_iter().map(|(_, face)| face).collect();
    let mut studio = Studio { painter: Painter::new(64), portraits, pool: Vec::new() };
    let first = studio.draw(0, &Pose::default());
    let place = Arc::as_ptr(&first);
    let second = studio.draw(0, &Pose { lids: 0.0, ..Pose::default() });
    assert!(Arc::as_ptr(&second) != place && *first != *second);
    drop(first);
    assert_eq!(Arc::as_ptr(&studio.draw(0, &Pose::default())), place);
    for _ in 0..100 {
        studio.draw(0, &Pose::default());
    }
    assert_eq!(studio.pool.len(), 2);
}

#[tokio::test]
async fn the_stills_are_of_the_cast() {
    let cast = [(nora(), Face::default()), (PersonaId::new("felix"), Face::default())];
    let stills = Faces::paint_all(&cast).stills();
    let nora = stills(&nora()).expect("a still");
    assert!(nora.starts_with(b"\x89PNG") && nora.len() < 40_000, "{} bytes", nora.len());
    assert_ne!(Some(nora), stills(&PersonaId::new("felix")));
    assert_eq!(stills(&PersonaId::new("nobody")), None);
}
