//! The mouth, from its shape.

use crate::avatar::canvas::{INK, Pen, Sketch};
use crate::avatar::colour::mix;
use crate::avatar::look::{Beard, Look};
use crate::avatar::pixels::luma;
use crate::avatar::pose::{Mouth, Pose};
use crate::persona::Rgb;

const Y: f32 = 62.8;
/// Half of its width at rest.
const HALF: f32 = 7.2;
/// Less open than this is a line.
const CLOSED: f32 = 0.06;
const INSIDE: Rgb = Rgb([0x5b, 0x1f, 0x2a]);
const TONGUE: Rgb = Rgb([0xd8, 0x62, 0x6b]);
const TEETH: Rgb = Rgb([0xff, 0xfc, 0xf6]);
const ROSE: Rgb = Rgb([0xd0, 0x5f, 0x63]);
/// Ink on a beard whose luma is less is not seen.
const DARK: u8 = 90;

pub(super) fn mouth(sketch: &mut Sketch, look: &Look, pose: &Pose) {
    let Mouth { open, wide, .. } = pose.mouth;
    let half = HALF * (1.0 + 0.32 * wide);
    let rgb = lips_rgb(look);
    if open < CLOSED {
        closed(sketch, rgb, half, pose.smile);
    } else {
        opened(sketch, rgb, half, pose);
    }
}

/// What the mouth's line is drawn with.
fn lips_rgb(look: &Look) -> Rgb {
    let is_hidden = look.beard == Beard::Full && luma(look.hair_rgb) < DARK;
    if is_hidden { mix(look.skin, ROSE, 0.5) } else { INK }
}

fn closed(sketch: &mut Sketch, rgb: Rgb, half: f32, smile: f32) {
    let (corner, low) = (Y - smile * 1.5, Y + smile * 2.2);
    let line = Pen::at(50.0 - half, corner).curve([
        50.0 - half * 0.5,
        low,
        50.0 + half * 0.5,
        low,
        50.0 + half,
        corner,
    ]);
    sketch.line(line, rgb, 1.5);
}

fn opened(sketch: &mut Sketch, rgb: Rgb, half: f32, pose: &Pose) {
    let Mouth { open, teeth, tongue, .. } = pose.mouth;
    let (upper, lower) = (-0.8 - 1.6 * open, 1.2 + 9.4 * open);
    let corner = -pose.smile * 1.2 * (1.0 - 0.6 * open);
    let lips = || {
        Pen::at(50.0 - half, Y + corner)
            .curve([
                50.0 - half * 0.55,
                Y + upper,
                50.0 + half * 0.55,
                Y + upper,
                50.0 + half,
                Y + corner,
            ])
            .curve([
                50.0 + half * 0.92,
                Y + lower,
                50.0 - half * 0.92,
                Y + lower,
                50.0 - half,
                Y + corner,
            ])
            .close()
    };
    sketch.fill(lips(), INSIDE);
    sketch.clip(lips());
    if tongue > 0.0 || open > 0.35 {
        let top = Y + lower * 0.86 + 1.0 - tongue * 2.5;
        sketch.fill(Pen::oval(50.0, top, half * 0.62, 2.6 + open * 1.2), TONGUE);
    }
    if teeth > 0.05 {
        let low = Y + corner * 0.3 + lower.min(0.4 + 2.2 * teeth) - 0.9;
        let row = Pen::at(50.0 - half, Y - 4.0)
            .line(50.0 + half, Y - 4.0)
            .line(50.0 + half, low)
            .quad(50.0, low + 0.9, 50.0 - half, low);
        sketch.fill(row.close(), TEETH);
    }
    sketch.unclip();
    sketch.line(lips(), rgb, 1.4);
}
