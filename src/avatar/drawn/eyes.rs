//! Eyes and brows.

use crate::avatar::canvas::{INK, Pen, Sketch};
use crate::avatar::colour::mix;
use crate::avatar::look::{Eyes, Look};
use crate::avatar::pose::Pose;
use crate::persona::Rgb;

use super::head::SHADE;

const Y: f32 = 48.0;
/// From the middle of the face.
const APART: f32 = 9.6;
const WHITE: Rgb = Rgb([0xff, 0xfd, 0xf8]);
const PUPIL: Rgb = Rgb([0x1d, 0x15, 0x17]);
/// Less open than this is shut.
const SHUT: f32 = 0.12;
/// More open than this is wide open: the upper lid is a line above the eye.
const WIDE: f32 = 0.98;
/// What fair hair tends to in the brows.
const FAIR: Rgb = Rgb([0x7a, 0x4f, 0x2c]);

pub(super) fn eyes(sketch: &mut Sketch, look: &Look, pose: &Pose) {
    for side in [-1.0, 1.0] {
        if pose.lids < SHUT {
            shut(sketch, look.eyes, side);
        } else {
            open(sketch, look, pose, side);
        }
    }
}

fn shut(sketch: &mut Sketch, Eyes { rx, lashes, .. }: Eyes, side: f32) {
    let x = 50.0 + side * APART;
    sketch.line(Pen::at(x - rx, Y + 0.8).quad(x, Y + 3.6, x + rx, Y + 0.8), INK, 1.7);
    if lashes {
        let corner = x + side * rx;
        sketch.line(Pen::at(corner, Y + 0.8).line(corner + side * 1.7, Y + 0.1), INK, 1.3);
    }
}

fn open(sketch: &mut Sketch, look: &Look, pose: &Pose, side: f32) {
    let Eyes { rx, ry, lashes } = look.eyes;
    let x = 50.0 + side * APART;
    let ball = || Pen::oval(x, Y, rx, ry);
    sketch.fill(ball(), WHITE);
    sketch.clip(ball());
    let (gx, gy) = (x + pose.gaze.0 * 1.9, Y + pose.gaze.1 * 1.8 - 0.1);
    sketch.fill(Pen::oval(gx, gy, 3.75, 3.9), look.iris);
    sketch.fill(Pen::oval(gx, gy, 2.35, 2.45), PUPIL);
    sketch.fill(Pen::oval(gx + 1.1, gy - 1.3, 1.05, 1.1), Rgb([255; 3]));
    let edge = Y - ry + (1.0 - pose.lids) * 2.0 * ry;
    if pose.lids < WIDE {
        let (left, right, top) = (x - rx - 1.0, x + rx + 1.0, Y - ry - 1.0);
        let lid =
            Pen::at(left, top).line(right, top).line(right, edge).quad(x, edge + 1.4, left, edge);
        sketch.fill(lid.close(), mix(look.skin, SHADE, 0.1));
    }
    sketch.unclip();
    sketch.faint(ball(), INK, 0.7, 0.55);
    sketch.line(lid_line(look.eyes, x, edge, pose.lids), INK, 1.5);
    if lashes {
        let (from, to) = (x + side * (rx - 0.3), x + side * (rx + 2.0));
        sketch.line(Pen::at(from, Y - 2.0).line(to, Y - 3.6), INK, 1.3);
    }
}

fn lid_line(Eyes { rx, ry, .. }: Eyes, x: f32, edge: f32, lids: f32) -> Pen {
    if lids >= WIDE {
        let high = Y - ry * 1.28;
        return Pen::at(x - rx, Y - 1.0).curve([
            x - rx * 0.8,
            high,
            x + rx * 0.8,
            high,
            x + rx,
            Y - 1.0,
        ]);
    }
    // Where the lid's edge meets the eye's.
    let half = (1.0 - ((edge - Y) / ry).powi(2)).max(0.0).sqrt() * rx;
    Pen::at(x - half, edge).quad(x, edge + 1.6, x + half, edge)
}

pub(super) fn brows(sketch: &mut Sketch, look: &Look, pose: &Pose) {
    let Rgb([r, g, _]) = look.hair_rgb;
    let fair = r > 0xc0 && g > 0xa0;
    let rgb = if fair { mix(look.hair_rgb, FAIR, 0.6) } else { mix(look.hair_rgb, INK, 0.45) };
    let y = 38.6 - pose.brows * 2.4;
    for side in [-1.0, 1.0] {
        let x = 50.0 + side * 9.8;
        let high = y - look.brows.arch * 1.5;
        let line = Pen::at(x - side * 4.9, y + 0.7).quad(x, high, x + side * 5.3, y + 0.9);
        sketch.line(line, rgb, look.brows.width);
    }
}
