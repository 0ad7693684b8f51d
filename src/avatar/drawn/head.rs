//! Head, ears and nose.

use crate::avatar::canvas::{INK, INK_WIDTH, Pen, Sketch};
use crate::avatar::colour::mix;
use crate::avatar::look::{Head, Look, Nose};
use crate::persona::Rgb;

/// What shade on skin tends to.
pub(super) const SHADE: Rgb = Rgb([0x7a, 0x3b, 0x2e]);
const BLUSH: Rgb = Rgb([0xe2, 0x60, 0x4f]);
const GOLD: Rgb = Rgb([0xf2, 0xc1, 0x4e]);
/// Lines within the face are of dark skin, not of ink.
const CREASE: Rgb = Rgb([0x5a, 0x2a, 0x22]);

fn outline(head: Head) -> Pen {
    let Head { temple: t, cheek: c, jaw: j, chin } = head;
    let top = 22.0;
    Pen::at(50.0, top)
        .curve([50.0 + t * 0.72, top, 50.0 + t, 31.0, 50.0 + c, 48.0])
        .curve([50.0 + c * 0.99, 58.0, 50.0 + j + 3.5, chin - 5.5, 50.0 + j * 0.55, chin - 1.2])
        .curve([
            50.0 + j * 0.3,
            chin + 0.4,
            50.0 - j * 0.3,
            chin + 0.4,
            50.0 - j * 0.55,
            chin - 1.2,
        ])
        .curve([50.0 - j - 3.5, chin - 5.5, 50.0 - c * 0.99, 58.0, 50.0 - c, 48.0])
        .curve([50.0 - t, 31.0, 50.0 - t * 0.72, top, 50.0, top])
        .close()
}

pub(super) fn head(sketch: &mut Sketch, look: &Look) {
    sketch.fill(outline(look.head), look.skin);
    sketch.clip(outline(look.head));
    sketch.veil(Pen::oval(80.0, 56.0, 16.0, 36.0), mix(look.skin, SHADE, 0.5), 0.18);
    sketch.unclip();
    sketch.line(outline(look.head), INK, INK_WIDTH);
    for side in [-1.0, 1.0] {
        let opacity = if look.dark { 0.3 } else { 0.26 };
        sketch.veil(Pen::oval(50.0 + side * 13.2, 58.2, 4.4, 2.9), BLUSH, opacity);
        if look.freckles {
            for (x, y) in [(10.0, 55.2), (13.2, 56.6), (15.8, 55.0)] {
                let freckle = Pen::oval(50.0 + side * x, y, 0.62, 0.62);
                sketch.fill(freckle, mix(look.skin, SHADE, 0.6));
            }
        }
    }
}

pub(super) fn ears(sketch: &mut Sketch, look: &Look) {
    let edge = look.head.cheek;
    for side in [-1.0, 1.0] {
        let x = |out: f32| 50.0 + side * (edge + out);
        sketch.outlined(Pen::oval(x(0.3), 50.5, 4.1, 5.4), look.skin);
        let fold = Pen::at(x(2.2), 48.6).quad(x(0.3), 49.6, x(1.4), 52.4);
        sketch.line(fold, mix(look.skin, INK, 0.45), 0.9);
        if look.earrings {
            sketch.outlined_by(Pen::oval(x(1.2), 57.6, 1.7, 1.7), GOLD, 0.7);
        }
    }
}

pub(super) fn nose(sketch: &mut Sketch, look: &Look) {
    let line = match look.nose {
        Nose::Side => Pen::at(49.2, 51.0).curve([47.0, 55.0, 46.8, 56.4, 50.4, 56.4]),
        Nose::Round => Pen::at(47.2, 55.2).quad(50.0, 58.0, 52.8, 55.2),
        Nose::Straight => Pen::at(50.6, 50.0).line(52.4, 55.0).quad(52.4, 56.4, 49.4, 56.4),
        Nose::Button => Pen::at(48.0, 56.0).quad(50.0, 54.6, 52.0, 56.0),
    };
    sketch.line(line, mix(look.skin, CREASE, 0.55), 1.35);
}
