//! The faces of a room: one task moves and draws all of them.
//!
//! It follows the personas' states and the frames of their voices, and asks the schedule whom to
//! draw. Drawing takes a millisecond or two and goes to a thread for such work, one picture at a
//! time, so that no sound waits for it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::admin::state::{self as pages, Publisher};
use crate::avatar::actor::Sound;
use crate::avatar::schedule::Schedule;
use crate::avatar::{Painter, Portrait, Pose, ROOM_SIDE, STILL_SIDE, portraits};
use crate::config::Config;
use crate::id::PersonaId;
use crate::persona::Face;
use crate::probe;
use crate::room::Transport;
use crate::speech::{Lips, Moved};
use crate::time::{Clock, micros};
use crate::video::I420;

/// How often the pages are told the counts.
const SHOWN_EVERY: Duration = Duration::from_secs(2);
/// Pictures that are kept to be drawn into again: a transport holds one or two of each face.
const POOL_MAX: usize = 32;

/// The portraits of a cast, and their stills for the pages.
pub struct Faces {
    portraits: Vec<(PersonaId, Portrait)>,
    stills: HashMap<PersonaId, Arc<[u8]>>,
}

impl Faces {
    /// Paints everybody once. A picture that cannot be shown is logged and replaced by a drawn
    /// face.
    pub async fn paint(config: &Config) -> Self {
        let face = |id: &PersonaId| config.faces.get(id).cloned().unwrap_or_default();
        let cast: Vec<(PersonaId, Face)> =
            config.cast.iter().map(|persona| (persona.id.clone(), face(&persona.id))).collect();
        let painted = tokio::task::spawn_blocking(move || Self::paint_all(&cast)).await;
        painted.unwrap_or_else(|error| {
            tracing::error!(%error, "the faces could not be drawn; this is a fault of the program");
            Self { portraits: Vec::new(), stills: HashMap::new() }
        })
    }

    fn paint_all(cast: &[(PersonaId, Face)]) -> Self {
        let named: Vec<(&str, &Face)> = cast.iter().map(|(id, face)| (id.as_str(), face)).collect();
        let mut painter = Painter::new(STILL_SIDE);
        let (mut drawn, mut stills) = (Vec::new(), HashMap::new());
        for ((id, _), (mut portrait, error)) in cast.iter().zip(portraits(&named)) {
            if let Some(error) = error {
                tracing::warn!(persona = %id, %error, "a face is drawn in place of the picture");
            }
            stills.insert(id.clone(), painter.png(&mut portrait, &Pose::default()).into());
            drawn.push((id.clone(), portrait));
        }
        Self { portraits: drawn, stills }
    }

    /// For the pages.
    pub fn stills(&self) -> pages::Stills {
        let stills = self.stills.clone();
        Arc::new(move |persona| stills.get(persona).cloned())
    }
}

/// Where the faces are shown, and how they are told.
pub(super) struct Stand {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Clock,
    pub(super) publisher: Publisher,
}

/// Moves and draws the faces of one room.
pub(super) struct Driver {
    stand: Stand,
    ids: Vec<PersonaId>,
    schedule: Schedule,
    /// Away while a picture is drawn.
    studio: Option<Studio>,
    lips: Lips,
    moved: mpsc::Receiver<Moved>,
    status: watch::Receiver<pages::Status>,
    rate_fps: u32,
    draw_us_max: u64,
    failed: u64,
}

/// What is drawn with; it goes to the drawing thread and comes back.
struct Studio {
    painter: Painter,
    portraits: Vec<Portrait>,
    pool: Vec<Arc<I420>>,
}

impl Driver {
    /// And the way for the voices to tell what they play.
    pub(super) fn new(stand: Stand, faces: Faces) -> (Self, Lips) {
        let (lips, moved) = Lips::channel();
        let (ids, portraits): (Vec<_>, Vec<_>) = faces.portraits.into_iter().unzip();
        let seeds: Vec<u64> = (1..=ids.len() as u64).collect();
        let schedule = Schedule::new(stand.clock.now(), &seeds);
        let studio = Studio { painter: Painter::new(ROOM_SIDE), portraits, pool: Vec::new() };
        let driver = Self {
            status: stand.publisher.follow(),
            rate_fps: schedule.rate_fps(),
            stand,
            ids,
            schedule,
            studio: Some(studio),
            lips: lips.clone(),
            moved,
            draw_us_max: 0,
            failed: 0,
        };
        (driver, lips)
    }

    /// Runs until cancelled.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        self.status.mark_changed();
        let mut show_at = Instant::now();
        loop {
            let wake = self.schedule.wake().map(|wake| self.stand.clock.instant(wake));
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                Ok(()) = self.status.changed() => self.on_status(),
                Some(moved) = self.moved.recv() => self.on_moved(&moved),
                () = sleep_until(show_at) => {
                    self.show();
                    show_at = Instant::now() + SHOWN_EVERY;
                }
                () = sleep_until(wake.unwrap_or(show_at)) => {
                    if let Err(error) = self.draw().await {
                        tracing::error!(%error, "no face is drawn any more; this is a fault of \
                                                 the program");
                        return;
                    }
                }
            }
        }
    }

    fn on_status(&mut self) {
        let now = self.stand.clock.now();
        let status = self.status.borrow_and_update();
        for persona in &status.personas {
            if let Some(face) = self.ids.iter().position(|id| *id == persona.id) {
                self.schedule.set_state(now, face, persona.state);
            }
        }
    }

    fn on_moved(&mut self, moved: &Moved) {
        if let Some(face) = self.ids.iter().position(|id| *id == moved.persona) {
            let sound = Sound { level_dbfs: moved.level_dbfs, shape: moved.shape };
            self.schedule.hear(moved.at, face, sound);
        }
    }

    /// Draws one face that is due, if it is worth it.
    async fn draw(&mut self) -> Result<(), tokio::task::JoinError> {
        let now = self.stand.clock.now();
        let Some(face) = self.schedule.due(now) else { return Ok(()) };
        let persona = &self.ids[face];
        let is_seen = self.stand.transport.is_seen(persona);
        let pose = self.schedule.take(now, face, is_seen);
        self.tell_rate();
        let Some(pose) = pose else { return Ok(()) };
        let Some(mut studio) = self.studio.take() else { return Ok(()) };
        let drawing = tokio::task::spawn_blocking(move || {
            // The next picture is painted over whatever a panic left.
            let frame = catch_unwind(AssertUnwindSafe(|| studio.draw(face, &pose)));
            (studio, frame.ok())
        });
        let (studio, frame) = drawing.await?;
        self.studio = Some(studio);
        let Some(frame) = frame else {
            self.failed += 1;
            let persona = &self.ids[face];
            tracing::error!(%persona, "a face was not drawn; this is a fault of the program");
            return Ok(());
        };
        let took_us = micros(self.stand.clock.now().since(now));
        self.draw_us_max = self.draw_us_max.max(took_us);
        self.stand.transport.face(&self.ids[face], frame);
        Ok(())
    }

    fn tell_rate(&mut self) {
        let fps = self.schedule.rate_fps();
        if fps == self.rate_fps {
            return;
        }
        self.rate_fps = fps;
        let late = self.schedule.counts().late;
        tracing::debug!(fps, late, "faces that move are drawn at another rate");
        probe!(FacePace { fps: u64::from(fps), late });
    }

    fn show(&self) {
        let counts = self.schedule.counts();
        let shown = pages::Faces {
            drawn: counts.drawn,
            skipped: counts.skipped,
            late: counts.late,
            unheard: self.lips.lost(),
            failed: self.failed,
            fps: self.schedule.rate_fps(),
            draw_us_max: self.draw_us_max,
        };
        self.stand.publisher.update(|status| status.faces = Some(shown));
    }
}

impl Studio {
    fn draw(&mut self, face: usize, pose: &Pose) -> Arc<I420> {
        let side = self.painter.side();
        let free = self.pool.iter().position(|frame| Arc::strong_count(frame) == 1);
        let kept = free.map(|at| self.pool.swap_remove(at));
        let mut frame = kept.unwrap_or_else(|| {
            Arc::new(I420::black(side, side).expect("the room's pictures have even sides"))
        });
        // Nobody else holds it, so nothing is copied.
        self.painter.picture(&mut self.portraits[face], pose, Arc::make_mut(&mut frame));
        if self.pool.len() < POOL_MAX {
            self.pool.push(frame.clone());
        }
        frame
    }
}

#[cfg(test)]
mod tests;
