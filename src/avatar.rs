//! Faces: what a persona looks like, how it moves, and the pictures of it for the room.
//!
//! A [`Portrait`] is a drawn face ([`look`], [`drawn`]) or a still from a file ([`still`]); a
//! [`Painter`] puts it into a picture as a [`Pose`] says. Poses come from the [`actor`], which
//! knows the persona's state and its mouth, and the [`schedule`] says when a new picture is due.
//! Both are cores: a time and an event in, no clock and no task in them.

use crate::persona::{Face, Rgb};
use crate::room::AgentState;
use crate::video::I420;

pub mod actor;
mod canvas;
mod colour;
mod drawn;
mod look;
mod pixels;
mod pose;
pub mod schedule;
mod still;

pub use pose::{Mouth, Pose};
pub use still::PictureError;

use canvas::{Canvas, INK_WIDTH, Pen, Place, Sketch};
use colour::{Palette, mix};
use drawn::Drawn;
use look::Look;
use still::Still;

/// The side of the pictures for the room, in pixels: sharp on the tile of a laptop's screen, and a
/// millisecond or two to draw and to encode.
pub const ROOM_SIDE: u32 = 320;
/// The side of the pages' stills, in pixels.
pub const STILL_SIDE: u32 = 256;
/// Faces that would look alike are drawn anew so often; a cast of 64 has some that do.
const REROLLS_MAX: u64 = 24;
/// The ring's middle line is so far from the middle.
const RING: f32 = 47.4;

/// One persona's face, ready to be drawn.
pub struct Portrait {
    palette: Palette,
    figure: Figure,
    /// What lies behind everything, as pixels of some side.
    base: (u32, Vec<u8>),
    /// The ring and the dots, made anew for each picture.
    sketch: Sketch,
}

enum Figure {
    Drawn(Box<Drawn>),
    Still(Still),
}

/// Draws portraits, one after another, on the same pixels.
pub struct Painter {
    canvas: Canvas,
}

/// The portraits of a cast, in its order. Drawn faces differ, as long as there are enough; a
/// picture that cannot be loaded is replaced by a drawn face, and told beside it.
pub fn portraits(cast: &[(&str, &Face)]) -> Vec<(Portrait, Option<PictureError>)> {
    let ids: Vec<&str> = cast.iter().map(|(id, _)| *id).collect();
    let hues = colour::deal(&ids);
    let mut seen: Vec<Look> = Vec::new();
    let mut portraits = Vec::with_capacity(cast.len());
    for ((id, face), hue) in cast.iter().zip(hues) {
        let (rgb, seed) = match face {
            Face::Drawn { rgb, seed } => (*rgb, *seed),
            Face::Picture(_) => (None, None),
        };
        let palette = rgb.map_or(Palette::of_hue(hue), Palette::of);
        let look = match seed {
            Some(seed) => Look::new(seed, palette, rgb),
            None => unlike(&seen, u64::from(colour::hash(id)), palette, rgb),
        };
        let (figure, error) = match face {
            Face::Picture(path) => match Still::load(path) {
                Ok(still) => (Figure::Still(still), None),
                Err(error) => (Figure::Drawn(Box::new(Drawn::new(look))), Some(error)),
            },
            Face::Drawn { .. } => (Figure::Drawn(Box::new(Drawn::new(look))), None),
        };
        if matches!(figure, Figure::Drawn(_)) {
            seen.push(look);
        }
        portraits.push((Portrait::new(palette, figure), error));
    }
    portraits
}

/// A look that none of the others has.
fn unlike(others: &[Look], seed: u64, palette: Palette, rgb: Option<Rgb>) -> Look {
    let looks = (0..REROLLS_MAX).map(|roll| Look::new(seed.wrapping_add(roll), palette, rgb));
    let new = looks.into_iter().find(|look| !others.iter().any(|other| other.is_like(look)));
    new.unwrap_or_else(|| Look::new(seed, palette, rgb))
}

impl Portrait {
    fn new(palette: Palette, figure: Figure) -> Self {
        Self { palette, figure, base: (0, Vec::new()), sketch: Sketch::default() }
    }

    fn lay_base(&mut self, canvas: &mut Canvas) {
        let side = canvas.side();
        if self.base.0 != side {
            canvas.backdrop(self.palette.shade(0.9, 0.06, 0.0), self.palette.shade(0.8, 0.09, 0.0));
            if let Figure::Still(still) = &self.figure {
                over(canvas.rgba_mut(), &still.scaled(side));
            }
            self.base = (side, canvas.rgba().to_vec());
        } else {
            canvas.rgba_mut().copy_from_slice(&self.base.1);
        }
    }

    /// The persona's state, as the pages show it around a face.
    fn draw_ring(&mut self, canvas: &mut Canvas, pose: &Pose) {
        let rgb = self.palette.ring();
        self.sketch.clear();
        match pose.state {
            AgentState::Listening => {
                self.sketch.faint(Pen::oval(50.0, 50.0, RING, RING), rgb, 2.0, 0.5);
            }
            AgentState::Speaking => {
                let width = 2.4 + 2.8 * pose.level;
                let radius = RING + 1.0 - width / 2.0;
                self.sketch.line(Pen::oval(50.0, 50.0, radius, radius), rgb, width);
            }
            // One dash and gap in ten steps of which the eye sees the four go round.
            AgentState::Thinking => canvas.dashed(RING, rgb, 2.0, -2.5 * f32::from(pose.step)),
            AgentState::Initializing | AgentState::Idle => {}
        }
        canvas.draw(&self.sketch, Place::HOME);
    }

    /// A bubble with three dots that light up one after another.
    fn draw_dots(&mut self, canvas: &mut Canvas, pose: &Pose) {
        if pose.state != AgentState::Thinking {
            return;
        }
        let white = Rgb([255; 3]);
        let (dim, lit) = (self.palette.shade(0.8, 0.05, 0.0), self.palette.shade(0.44, 0.13, 0.0));
        let bubble = Pen::at(71.0, 11.0)
            .line(87.0, 11.0)
            .curve([94.0, 11.0, 94.0, 23.0, 87.0, 23.0])
            .line(71.0, 23.0)
            .curve([64.0, 23.0, 64.0, 11.0, 71.0, 11.0])
            .close();
        self.sketch.clear();
        self.sketch.outlined(bubble, white);
        self.sketch.outlined_by(Pen::oval(68.5, 27.4, 1.9, 1.9), white, INK_WIDTH * 0.8);
        for dot in 0..3_u8 {
            let on = if dot == pose.step % 4 { 1.0 } else { 0.0 };
            let x = 73.4 + f32::from(dot) * 5.6;
            self.sketch.fill(Pen::oval(x, 17.0 - on * 1.2, 1.75, 1.75), mix(dim, lit, on));
        }
        canvas.draw(&self.sketch, Place::HOME);
    }
}

/// Lays pixels with opacity over opaque ones.
fn over(below: &mut [u8], above: &[u8]) {
    for (to, from) in below.chunks_exact_mut(4).zip(above.chunks_exact(4)) {
        let opacity = u16::from(from[3]);
        for (to, from) in to.iter_mut().zip(&from[..3]) {
            let mixed = u16::from(*from) * opacity + u16::from(*to) * (255 - opacity);
            *to = (mixed / 255) as u8;
        }
    }
}

impl Painter {
    /// For pictures of `side` x `side` pixels; even, at least 2.
    pub fn new(side: u32) -> Self {
        Self { canvas: Canvas::new(side) }
    }

    /// The side of what it draws, in pixels.
    pub fn side(&self) -> u32 {
        self.canvas.side()
    }

    /// Draws into a picture of the painter's side.
    pub fn picture(&mut self, portrait: &mut Portrait, pose: &Pose, into: &mut I420) {
        pixels::to_i420(self.draw(portrait, pose), into);
    }

    /// As a PNG file.
    pub fn png(&mut self, portrait: &mut Portrait, pose: &Pose) -> Vec<u8> {
        let side = self.canvas.side();
        still::png(self.draw(portrait, pose), side)
    }

    /// As opaque RGBA, top row first.
    pub fn draw(&mut self, portrait: &mut Portrait, pose: &Pose) -> &[u8] {
        let canvas = &mut self.canvas;
        portrait.lay_base(canvas);
        portrait.draw_ring(canvas, pose);
        if let Figure::Drawn(drawn) = &mut portrait.figure {
            drawn.draw(canvas, pose);
        }
        portrait.draw_dots(canvas, pose);
        canvas.rgba()
    }
}

#[cfg(test)]
mod tests;
