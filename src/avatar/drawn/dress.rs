//! Shoulders, neck and what is worn.

use super::head::SHADE;
use crate::avatar::canvas::{INK, INK_WIDTH, Pen, Sketch};
use crate::avatar::colour::mix;
use crate::avatar::look::{Dress, Look};
use crate::persona::Rgb;

const WHITE: Rgb = Rgb([255; 3]);

pub(super) fn body(sketch: &mut Sketch, look: &Look) {
    let shoulders = Pen::at(10.0, 106.0)
        .curve([11.0, 90.0, 21.0, 84.5, 37.0, 81.5])
        .quad(50.0, 86.0, 63.0, 81.5)
        .curve([79.0, 84.5, 89.0, 90.0, 90.0, 106.0])
        .close();
    sketch.outlined(shoulders, look.dress_rgb);
    let bowl = [42.5, 87.0, 57.5, 87.0, 57.5, 79.0];
    let neck = Pen::at(42.5, 62.0).line(42.5, 79.0).curve(bowl).line(57.5, 62.0).close();
    sketch.fill(neck, mix(look.skin, SHADE, 0.22));
    let edge = Pen::at(42.5, 70.0).line(42.5, 79.0).curve(bowl).line(57.5, 70.0);
    sketch.line(edge, INK, INK_WIDTH);
    match look.dress {
        Dress::Crew => crew(sketch, look.dress_rgb),
        Dress::Collar => collar(sketch, look.dress_rgb),
        Dress::Turtleneck => turtleneck(sketch, look.dress_rgb),
        Dress::Hood => hood(sketch, look.dress_rgb),
        Dress::Straps => straps(sketch, look.dress_rgb),
    }
}

fn crew(sketch: &mut Sketch, rgb: Rgb) {
    sketch.line(Pen::at(40.2, 81.6).curve([42.0, 90.2, 58.0, 90.2, 59.8, 81.6]), rgb, 2.6);
    neckline(sketch);
}

fn neckline(sketch: &mut Sketch) {
    let line = Pen::at(38.5, 81.4).curve([40.5, 92.0, 59.5, 92.0, 61.5, 81.4]);
    sketch.line(line, INK, INK_WIDTH);
}

fn collar(sketch: &mut Sketch, rgb: Rgb) {
    for side in [-1.0, 1.0] {
        let x = |out: f32| 50.0 + side * out;
        let half =
            Pen::at(x(7.5), 78.5).line(x(13.0), 83.0).line(x(8.5), 91.0).line(50.0, 85.5).close();
        sketch.outlined(half, mix(rgb, WHITE, 0.82));
    }
}

fn turtleneck(sketch: &mut Sketch, rgb: Rgb) {
    let roll = Pen::at(41.0, 75.0)
        .quad(50.0, 79.5, 59.0, 75.0)
        .line(60.5, 85.0)
        .quad(50.0, 89.5, 39.5, 85.0)
        .close();
    sketch.outlined(roll, mix(rgb, WHITE, 0.12));
}

fn hood(sketch: &mut Sketch, rgb: Rgb) {
    let hood = Pen::at(36.0, 82.0)
        .curve([33.0, 74.0, 40.0, 72.0, 42.5, 74.0])
        .curve([42.5, 90.0, 57.5, 90.0, 57.5, 74.0])
        .curve([60.0, 72.0, 67.0, 74.0, 64.0, 82.0])
        .curve([62.0, 94.0, 38.0, 94.0, 36.0, 82.0])
        .close();
    sketch.outlined(hood, mix(rgb, INK, 0.12));
    for side in [-1.0, 1.0] {
        let cord = Pen::at(50.0 + side * 5.0, 90.0).line(50.0 + side * 5.6, 97.0);
        sketch.line(cord, mix(rgb, WHITE, 0.8), 1.3);
    }
}

fn straps(sketch: &mut Sketch, rgb: Rgb) {
    for side in [-1.0, 1.0] {
        let x = |out: f32| 50.0 + side * out;
        let strap = Pen::at(x(17.0), 82.6)
            .line(x(22.5), 84.4)
            .line(x(20.0), 106.0)
            .line(x(13.0), 106.0)
            .close();
        sketch.outlined(strap, mix(rgb, INK, 0.35));
    }
    neckline(sketch);
}
