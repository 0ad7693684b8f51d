//! Hair, behind the head and before it.

use crate::avatar::canvas::{INK, INK_WIDTH, Pen, Sketch};
use crate::avatar::colour::mix;
use crate::avatar::look::{Hair, Look};
use crate::persona::Rgb;

const WHITE: Rgb = Rgb([255; 3]);
/// Curls are balls: middle and radius.
const CROWN: [[f32; 3]; 9] = [
    [50.0, 20.0, 13.0],
    [38.0, 22.0, 12.0],
    [62.0, 22.0, 12.0],
    [28.0, 31.0, 12.0],
    [72.0, 31.0, 12.0],
    [24.0, 43.0, 11.0],
    [76.0, 43.0, 11.0],
    [25.5, 55.0, 9.5],
    [74.5, 55.0, 9.5],
];
const FRINGE: [[f32; 3]; 5] =
    [[34.0, 30.0, 6.5], [42.0, 26.0, 7.0], [51.0, 25.0, 7.0], [60.0, 27.0, 6.8], [67.0, 32.0, 6.2]];

pub(super) fn behind(sketch: &mut Sketch, look: &Look) {
    let shape = match look.hair {
        Hair::Long => Pen::at(50.0, 16.0)
            .curve([70.0, 16.0, 77.0, 30.0, 76.0, 48.0])
            .curve([75.5, 62.0, 78.0, 76.0, 80.0, 86.0])
            .curve([70.0, 91.5, 60.0, 92.0, 57.0, 92.0])
            .line(43.0, 92.0)
            .curve([40.0, 92.0, 30.0, 91.5, 20.0, 86.0])
            .curve([22.0, 76.0, 24.5, 62.0, 24.0, 48.0])
            .curve([23.0, 30.0, 30.0, 16.0, 50.0, 16.0]),
        Hair::Bob => Pen::at(50.0, 15.0)
            .curve([71.0, 15.0, 78.0, 29.0, 77.0, 46.0])
            .curve([77.0, 56.0, 79.0, 66.0, 75.0, 71.0])
            .curve([69.0, 74.5, 63.0, 72.0, 60.0, 68.0])
            .line(40.0, 68.0)
            .curve([37.0, 72.0, 31.0, 74.5, 25.0, 71.0])
            .curve([21.0, 66.0, 23.0, 56.0, 23.0, 46.0])
            .curve([22.0, 29.0, 29.0, 15.0, 50.0, 15.0]),
        Hair::Bun => Pen::oval(50.0, 14.5, 9.0, 8.0),
        Hair::Wavy => Pen::at(50.0, 15.0)
            .curve([72.0, 15.0, 79.0, 30.0, 77.0, 44.0])
            .curve([76.0, 52.0, 82.0, 56.0, 80.0, 64.0])
            .curve([78.5, 70.0, 83.0, 74.0, 80.0, 81.0])
            .curve([74.0, 88.0, 64.0, 90.0, 60.0, 90.0])
            .line(40.0, 90.0)
            .curve([36.0, 90.0, 26.0, 88.0, 20.0, 81.0])
            .curve([17.0, 74.0, 21.5, 70.0, 20.0, 64.0])
            .curve([18.0, 56.0, 24.0, 52.0, 23.0, 44.0])
            .curve([21.0, 30.0, 28.0, 15.0, 50.0, 15.0]),
        Hair::Tail => Pen::at(68.0, 22.0)
            .curve([84.0, 20.0, 88.0, 36.0, 83.0, 50.0])
            .curve([80.0, 58.0, 82.0, 64.0, 86.0, 67.0])
            .curve([77.0, 68.0, 72.0, 62.0, 73.0, 52.0])
            .curve([74.0, 42.0, 72.0, 34.0, 66.0, 30.0]),
        Hair::Curls => {
            balls(sketch, &CROWN, look.hair_rgb);
            sketch.fill(Pen::oval(50.0, 40.0, 26.0, 22.0), look.hair_rgb);
            return;
        }
        Hair::Parted | Hair::Quiff | Hair::Cropped | Hair::Sides => return,
    };
    sketch.outlined(shape.close(), look.hair_rgb);
    if look.hair == Hair::Bun {
        shine(sketch, Pen::at(45.0, 12.5).curve([47.5, 9.5, 52.5, 9.5, 55.0, 12.5]), look);
    }
}

/// Balls that run into each other, with one outline around all of them.
fn balls(sketch: &mut Sketch, balls: &[[f32; 3]], rgb: Rgb) {
    for [x, y, radius] in balls {
        sketch.line(Pen::oval(*x, *y, *radius, *radius), INK, 2.0 * INK_WIDTH);
    }
    for [x, y, radius] in balls {
        sketch.fill(Pen::oval(*x, *y, *radius, *radius), rgb);
    }
}

fn shine(sketch: &mut Sketch, line: Pen, look: &Look) {
    sketch.line(line, mix(look.hair_rgb, WHITE, 0.22), 1.2);
}

pub(super) fn before(sketch: &mut Sketch, look: &Look) {
    // Where the hair meets the ears.
    let (a, b) = (50.0 - look.head.cheek - 0.6, 50.0 + look.head.cheek + 0.6);
    match look.hair {
        Hair::Curls => {
            balls(sketch, &FRINGE, look.hair_rgb);
            let hairline = Pen::at(28.0, 36.0)
                .curve([30.0, 20.0, 70.0, 20.0, 72.0, 36.0])
                .curve([64.0, 27.0, 36.0, 27.0, 28.0, 36.0]);
            sketch.fill(hairline.close(), look.hair_rgb);
        }
        Hair::Sides => sides(sketch, look),
        Hair::Long | Hair::Bob | Hair::Bun | Hair::Wavy | Hair::Tail => {
            sketch.outlined(long(look.hair, a, b).close(), look.hair_rgb);
        }
        Hair::Parted | Hair::Quiff | Hair::Cropped => {
            sketch.outlined(short(look.hair, a, b).close(), look.hair_rgb);
        }
    }
    if let Some(line) = light(look.hair) {
        shine(sketch, line, look);
    }
}

/// Where hair gleams.
fn light(hair: Hair) -> Option<Pen> {
    Some(match hair {
        Hair::Parted => Pen::at(47.0, 21.5).curve([53.0, 19.5, 61.0, 21.0, 66.0, 26.5]),
        Hair::Bob => Pen::at(36.0, 24.0).curve([42.0, 20.5, 54.0, 20.0, 60.0, 22.0]),
        Hair::Bun => Pen::at(41.0, 23.5).curve([46.0, 21.0, 54.0, 21.0, 59.0, 23.5]),
        Hair::Quiff => Pen::at(44.0, 20.0).curve([51.0, 17.0, 60.0, 17.5, 66.0, 20.0]),
        Hair::Wavy => Pen::at(52.0, 20.5).curve([59.0, 20.5, 65.0, 24.0, 68.0, 29.0]),
        Hair::Tail => Pen::at(56.0, 20.5).curve([61.0, 21.5, 66.0, 25.0, 68.5, 29.5]),
        Hair::Long | Hair::Curls | Hair::Cropped | Hair::Sides => return None,
    })
}

/// The hairlines of hair that falls, from ear to ear.
fn long(hair: Hair, a: f32, b: f32) -> Pen {
    match hair {
        Hair::Bob => Pen::at(a - 0.4, 54.0)
            .curve([a - 3.5, 30.0, 30.0, 15.5, 50.0, 15.5])
            .curve([70.0, 15.5, b + 3.5, 30.0, b + 0.4, 54.0])
            .curve([b - 0.6, 48.0, b - 1.6, 44.0, b - 2.5, 40.5])
            .curve([60.0, 43.0, 40.0, 43.0, a + 2.5, 40.5])
            .curve([a + 1.6, 44.0, a + 0.6, 48.0, a - 0.4, 54.0]),
        Hair::Bun => Pen::at(a, 46.0)
            .curve([a - 2.0, 28.0, 34.0, 17.5, 50.0, 17.5])
            .curve([66.0, 17.5, b + 2.0, 28.0, b, 46.0])
            .curve([b - 2.0, 38.0, 62.0, 29.5, 50.0, 29.5])
            .curve([38.0, 29.5, a + 2.0, 38.0, a, 46.0]),
        Hair::Wavy => Pen::at(a - 0.2, 53.0)
            .curve([a - 4.0, 30.0, 31.0, 15.8, 52.0, 16.0])
            .curve([70.0, 16.0, b + 4.0, 31.0, b + 0.2, 53.0])
            .curve([b - 0.5, 46.0, b - 3.0, 40.0, b - 6.0, 36.0])
            .curve([58.0, 35.0, 47.0, 31.0, 42.0, 25.5])
            .curve([40.0, 33.0, a + 3.0, 40.0, a - 0.2, 53.0]),
        Hair::Tail => Pen::at(a, 48.0)
            .curve([a - 3.0, 29.0, 33.0, 16.5, 50.0, 16.5])
            .curve([68.0, 16.5, b + 3.0, 29.0, b, 47.0])
            .curve([b - 2.0, 40.0, 60.0, 35.0, 54.0, 26.0])
            .curve([50.0, 34.0, 40.0, 39.0, a + 4.0, 39.5])
            .curve([a + 2.0, 42.0, a + 1.0, 45.0, a, 48.0]),
        // Parted in the middle.
        _ => Pen::at(a, 52.0)
            .curve([a - 3.5, 30.0, 32.0, 16.5, 50.0, 16.5])
            .curve([68.0, 16.5, b + 3.5, 30.0, b, 52.0])
            .curve([b - 1.2, 42.0, 62.0, 37.0, 50.0, 24.5])
            .curve([38.0, 37.0, a + 1.2, 42.0, a, 52.0]),
    }
}

/// The hairlines of short hair, from ear to ear.
fn short(hair: Hair, a: f32, b: f32) -> Pen {
    match hair {
        Hair::Quiff => Pen::at(a, 45.0)
            .curve([a - 1.0, 38.0, a - 1.0, 34.0, a + 1.0, 30.0])
            .curve([a - 1.0, 22.0, 38.0, 12.0, 52.0, 13.5])
            .curve([62.0, 9.5, 74.0, 16.0, 71.0, 23.0])
            .curve([b + 1.5, 30.0, b + 1.0, 38.0, b, 45.0])
            .curve([b - 1.4, 40.0, b - 2.4, 37.0, b - 4.0, 33.5])
            .curve([60.0, 30.0, 48.0, 32.0, 40.0, 29.5])
            .curve([35.0, 32.0, a + 3.0, 36.0, a, 45.0]),
        Hair::Cropped => Pen::at(a, 44.0)
            .curve([a - 1.6, 28.0, 34.0, 18.6, 50.0, 18.6])
            .curve([66.0, 18.6, b + 1.6, 28.0, b, 44.0])
            .curve([b - 1.2, 40.0, b - 2.0, 37.0, b - 3.4, 34.0])
            .curve([60.0, 27.5, 40.0, 27.5, a + 3.4, 34.0])
            .curve([a + 2.0, 37.0, a + 1.2, 40.0, a, 44.0]),
        // Parted at the side.
        _ => Pen::at(a, 47.0)
            .curve([a - 2.5, 30.0, 32.0, 16.5, 51.0, 17.0])
            .curve([68.0, 16.5, b + 3.0, 28.0, b, 47.0])
            .curve([b - 1.5, 43.0, b - 2.5, 40.0, b - 3.6, 36.5])
            .curve([62.0, 36.5, 50.0, 34.5, 43.5, 28.5])
            .curve([40.0, 34.0, 34.0, 37.0, a + 3.6, 38.0])
            .curve([a + 2.0, 41.0, a + 1.0, 44.0, a, 47.0]),
    }
}

/// A bald crown with hair at its sides.
fn sides(sketch: &mut Sketch, look: &Look) {
    for side in [-1.0, 1.0] {
        let edge = 50.0 + side * (look.head.cheek + 0.5);
        let x = |out: f32| edge + side * out;
        let tuft = Pen::at(edge, 50.0)
            .curve([x(2.6), 44.0, x(2.0), 37.0, x(-2.6), 33.5])
            .curve([x(-3.6), 39.0, x(-3.4), 44.0, edge, 50.0])
            .close();
        sketch.outlined(tuft, look.hair_rgb);
    }
    let gleam = Pen::at(41.0, 25.5).curve([44.0, 23.6, 48.0, 23.0, 51.0, 23.4]);
    sketch.faint(gleam, WHITE, 1.6, 0.35);
}
