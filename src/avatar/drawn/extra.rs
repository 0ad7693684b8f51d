//! Beards, glasses, and what is worn on the head.

use std::f32::consts::TAU;

use crate::avatar::canvas::{INK, INK_WIDTH, Pen, Sketch};
use crate::avatar::colour::mix;
use crate::avatar::look::{Beard, Extra, Glasses, Head, Look};
use crate::persona::Rgb;

const WHITE: Rgb = Rgb([255; 3]);
const PETAL: Rgb = Rgb([0xff, 0xf6, 0xee]);
const POLLEN: Rgb = Rgb([0xf2, 0xb3, 0x3d]);

pub(super) fn beard(sketch: &mut Sketch, look: &Look) {
    let Head { cheek: c, jaw: j, chin, .. } = look.head;
    match look.beard {
        Beard::Full => {
            let beard = Pen::at(50.0 - c, 49.0)
                .curve([
                    50.0 - c * 0.99,
                    58.0,
                    50.0 - j - 4.0,
                    chin - 4.0,
                    50.0 - j * 0.55,
                    chin + 0.6,
                ])
                .curve([
                    50.0 - j * 0.3,
                    chin + 3.2,
                    50.0 + j * 0.3,
                    chin + 3.2,
                    50.0 + j * 0.55,
                    chin + 0.6,
                ])
                .curve([50.0 + j + 4.0, chin - 4.0, 50.0 + c * 0.99, 58.0, 50.0 + c, 49.0])
                .curve([47.0 + c, 57.0, 44.0 + c, 59.2, 57.0, 58.8])
                .curve([53.0, 57.6, 47.0, 57.6, 43.0, 58.8])
                .curve([56.0 - c, 59.2, 53.0 - c, 57.0, 50.0 - c, 49.0])
                .close();
            sketch.outlined(beard, look.hair_rgb);
        }
        Beard::Goatee => {
            let beard = Pen::at(44.0, 68.5)
                .curve([45.0, 72.5, 46.0, chin + 3.0, 50.0, chin + 3.0])
                .curve([54.0, chin + 3.0, 55.0, 72.5, 56.0, 68.5])
                .quad(50.0, 71.5, 44.0, 68.5)
                .close();
            sketch.outlined(beard, look.hair_rgb);
        }
        Beard::None | Beard::Moustache => {}
    }
}

/// Above the mouth, and so drawn after it.
pub(super) fn moustache(sketch: &mut Sketch, look: &Look) {
    if !matches!(look.beard, Beard::Full | Beard::Moustache) {
        return;
    }
    let moustache = Pen::at(50.0, 58.0)
        .curve([46.0, 56.2, 41.0, 58.4, 39.0, 61.8])
        .curve([43.0, 62.0, 47.0, 61.8, 50.0, 60.0])
        .curve([53.0, 61.8, 57.0, 62.0, 61.0, 61.8])
        .curve([59.0, 58.4, 54.0, 56.2, 50.0, 58.0])
        .close();
    sketch.outlined_by(moustache, look.hair_rgb, INK_WIDTH * 0.8);
}

pub(super) fn glasses(sketch: &mut Sketch, look: &Look) {
    let (rgb, round) = match look.glasses {
        Glasses::None => return,
        Glasses::Round(rgb) => (rgb, true),
        Glasses::Square(rgb) => (rgb, false),
    };
    for side in [-1.0, 1.0] {
        let x = 50.0 + side * 9.7;
        let lens = || {
            if round {
                return Pen::oval(x, 48.4, 7.7, 7.7);
            }
            Pen::at(x - 7.6, 42.5)
                .line(x + 7.6, 42.5)
                .quad(x + 8.4, 54.5, x + 4.0, 54.9)
                .line(x - 4.0, 54.9)
                .quad(x - 8.4, 54.5, x - 7.6, 42.5)
                .close()
        };
        sketch.veil(lens(), WHITE, 0.1);
        sketch.line(lens(), rgb, 1.7);
        let ear = 50.0 + side * (look.head.cheek + 0.6);
        sketch.line(Pen::at(50.0 + side * 17.3, 46.8).line(ear, 46.0), rgb, 1.5);
    }
    sketch.line(Pen::at(47.9, 47.2).quad(50.0, 45.8, 52.1, 47.2), rgb, 1.6);
}

pub(super) fn extra(sketch: &mut Sketch, look: &Look) {
    let (left, right) = (50.0 - look.head.cheek, 50.0 + look.head.cheek);
    match look.extra {
        Extra::None => {}
        Extra::Headband => {
            let band =
                || {
                    Pen::at(left - 0.4, 36.0)
                        .curve([left + 2.0, 25.0, 40.0, 21.5, 50.0, 21.5])
                        .curve([60.0, 21.5, right - 2.0, 25.0, right + 0.4, 36.0])
                };
            sketch.line(band(), INK, 5.2);
            sketch.line(band(), look.palette.shade(0.62, 0.15, 150.0), 3.2);
        }
        Extra::Beanie => beanie(sketch, left, right, look.palette.shade(0.62, 0.15, 150.0)),
        Extra::Flower => flower(sketch, left + 3.0, 31.0),
    }
}

fn beanie(sketch: &mut Sketch, left: f32, right: f32, rgb: Rgb) {
    let light = mix(rgb, WHITE, 0.25);
    let crown = Pen::at(left - 2.0, 35.5)
        .curve([left - 3.0, 12.0, right + 3.0, 12.0, right + 2.0, 35.5])
        .close();
    sketch.outlined(crown, rgb);
    let brim = Pen::at(left - 2.6, 31.0)
        .quad(50.0, 26.5, right + 2.6, 31.0)
        .quad(right + 4.0, 35.0, right + 2.2, 38.0)
        .quad(50.0, 32.8, left - 2.2, 38.0)
        .quad(left - 4.0, 35.0, left - 2.6, 31.0)
        .close();
    sketch.outlined(brim, light);
    sketch.outlined(Pen::oval(50.0, 14.5, 4.2, 4.0), light);
}

fn flower(sketch: &mut Sketch, x: f32, y: f32) {
    for petal in 0..5_u8 {
        let (sin, cos) = (TAU * f32::from(petal) / 5.0 - TAU / 4.0).sin_cos();
        sketch.outlined_by(Pen::oval(x + 3.3 * cos, y + 3.3 * sin, 2.5, 2.5), PETAL, 0.9);
    }
    sketch.outlined_by(Pen::oval(x, y, 2.1, 2.1), POLLEN, 0.9);
}
