//! A face drawn by its features, layer by layer from the back to the front.

use super::canvas::{Canvas, Place, Sketch};
use super::look::Look;
use super::pose::Pose;

mod dress;
mod extra;
mod eyes;
mod hair;
mod head;
mod mouth;

/// The whole figure is a little larger than it was designed, from the bottom up.
const SIZE: f32 = 1.04;
/// The head turns about the neck.
const NECK: (f32, f32) = (50.0, 78.0);
/// The head moves so much more than the shoulders do.
const HEAD_SHARE: f32 = 0.8;

/// A drawn face. What does not change is sketched once.
pub(super) struct Drawn {
    look: Look,
    back: Sketch,
    body: Sketch,
    head: Sketch,
    front: Sketch,
    /// What moves in the face, made anew for each picture.
    moving: Sketch,
}

impl Drawn {
    pub(super) fn new(look: Look) -> Self {
        let mut drawn = Self {
            look,
            back: Sketch::default(),
            body: Sketch::default(),
            head: Sketch::default(),
            front: Sketch::default(),
            moving: Sketch::default(),
        };
        hair::behind(&mut drawn.back, &look);
        dress::body(&mut drawn.body, &look);
        head::ears(&mut drawn.head, &look);
        head::head(&mut drawn.head, &look);
        extra::beard(&mut drawn.head, &look);
        head::nose(&mut drawn.front, &look);
        hair::before(&mut drawn.front, &look);
        drawn
    }

    pub(super) fn draw(&mut self, canvas: &mut Canvas, pose: &Pose) {
        let (dx, dy) = pose.shift;
        let body = Place::HOME.scaled_about(SIZE, 50.0, 104.0).moved(dx, dy);
        let head =
            body.moved(dx * HEAD_SHARE, dy * HEAD_SHARE).turned_about(pose.tilt, NECK.0, NECK.1);
        canvas.draw(&self.back, head);
        canvas.draw(&self.body, body);
        canvas.draw(&self.head, head);
        self.moving.clear();
        mouth::mouth(&mut self.moving, &self.look, pose);
        extra::moustache(&mut self.moving, &self.look);
        eyes::eyes(&mut self.moving, &self.look, pose);
        canvas.draw(&self.moving, head);
        canvas.draw(&self.front, head);
        self.moving.clear();
        eyes::brows(&mut self.moving, &self.look, pose);
        extra::glasses(&mut self.moving, &self.look);
        extra::extra(&mut self.moving, &self.look);
        canvas.draw(&self.moving, head);
    }
}
