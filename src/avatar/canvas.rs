//! Vector drawing on a square of 100 x 100 units, whatever its size in pixels.

use tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Mask, Paint, Path,
    PathBuilder, Pixmap, Point, Rect, Shader, SpreadMode, Stroke, StrokeDash, Transform,
};

use crate::persona::Rgb;

/// The side of the drawn square.
pub(super) const SIDE: f32 = 100.0;
/// Of every outline: at 96 pixels it is one wide.
pub(super) const INK_WIDTH: f32 = 1.25;
/// Of every outline: a warm black.
pub(super) const INK: Rgb = Rgb([0x3a, 0x2a, 0x2c]);

/// An outline being put down.
#[derive(Default)]
pub(super) struct Pen(PathBuilder);

impl Pen {
    pub(super) fn at(x: f32, y: f32) -> Self {
        Self::default().to(x, y)
    }

    pub(super) fn oval(x: f32, y: f32, rx: f32, ry: f32) -> Self {
        Self::default().and_oval(x, y, rx, ry)
    }

    /// Begins a further outline.
    pub(super) fn to(mut self, x: f32, y: f32) -> Self {
        self.0.move_to(x, y);
        self
    }

    pub(super) fn line(mut self, x: f32, y: f32) -> Self {
        self.0.line_to(x, y);
        self
    }

    pub(super) fn quad(mut self, cx: f32, cy: f32, x: f32, y: f32) -> Self {
        self.0.quad_to(cx, cy, x, y);
        self
    }

    /// A cubic curve by its two control points and its end.
    pub(super) fn curve(mut self, [ax, ay, bx, by, x, y]: [f32; 6]) -> Self {
        self.0.cubic_to(ax, ay, bx, by, x, y);
        self
    }

    /// A further oval.
    pub(super) fn and_oval(mut self, x: f32, y: f32, rx: f32, ry: f32) -> Self {
        // None for one without an area: it is not seen anyway.
        if let Some(rect) = Rect::from_ltrb(x - rx, y - ry, x + rx, y + ry) {
            self.0.push_oval(rect);
        }
        self
    }

    pub(super) fn close(mut self) -> Self {
        self.0.close();
        self
    }
}

enum Item {
    Fill(Path, Color),
    Line(Path, Color, f32),
    Clip(Path),
    Unclip,
}

/// Things to draw, in their order.
#[derive(Default)]
pub(super) struct Sketch(Vec<Item>);

impl Sketch {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn fill(&mut self, pen: Pen, rgb: Rgb) {
        self.veil(pen, rgb, 1.0);
    }

    /// A fill that lets through what is below it; `opacity` from 0 to 1.
    pub(super) fn veil(&mut self, pen: Pen, rgb: Rgb, opacity: f32) {
        self.0.extend(pen.0.finish().map(|path| Item::Fill(path, color(rgb, opacity))));
    }

    pub(super) fn line(&mut self, pen: Pen, rgb: Rgb, width: f32) {
        self.faint(pen, rgb, width, 1.0);
    }

    pub(super) fn faint(&mut self, pen: Pen, rgb: Rgb, width: f32, opacity: f32) {
        self.0.extend(pen.0.finish().map(|path| Item::Line(path, color(rgb, opacity), width)));
    }

    /// A fill with the outline that everything has.
    pub(super) fn outlined(&mut self, pen: Pen, rgb: Rgb) {
        self.outlined_by(pen, rgb, INK_WIDTH);
    }

    pub(super) fn outlined_by(&mut self, pen: Pen, rgb: Rgb, width: f32) {
        let Some(path) = pen.0.finish() else { return };
        self.0.push(Item::Fill(path.clone(), color(rgb, 1.0)));
        self.0.push(Item::Line(path, color(INK, 1.0), width));
    }

    /// What follows is drawn inside of this only, until [`Self::unclip`].
    pub(super) fn clip(&mut self, pen: Pen) {
        self.0.extend(pen.0.finish().map(Item::Clip));
    }

    pub(super) fn unclip(&mut self) {
        self.0.push(Item::Unclip);
    }
}

/// Where a part of the face is: moved, and turned about a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(Transform);

impl Place {
    pub(super) const HOME: Self =
        Self(Transform { sx: 1.0, kx: 0.0, ky: 0.0, sy: 1.0, tx: 0.0, ty: 0.0 });

    pub(super) fn scaled_about(self, by: f32, x: f32, y: f32) -> Self {
        Self(self.0.pre_translate(x, y).pre_scale(by, by).pre_translate(-x, -y))
    }

    pub(super) fn moved(self, dx: f32, dy: f32) -> Self {
        Self(self.0.pre_translate(dx, dy))
    }

    pub(super) fn turned_about(self, degrees: f32, x: f32, y: f32) -> Self {
        Self(self.0.pre_rotate_at(degrees, x, y))
    }
}

/// A square of pixels to draw on, used again for every picture.
pub(super) struct Canvas {
    pixels: Pixmap,
    mask: Mask,
    scale: f32,
}

impl Canvas {
    /// `side` in pixels, at least 1.
    pub(super) fn new(side: u32) -> Self {
        let side = side.max(1);
        let (pixels, mask) = (Pixmap::new(side, side), Mask::new(side, side));
        let (pixels, mask) = pixels.zip(mask).expect("a square of some pixels fits");
        Self { pixels, mask, scale: side as f32 / SIDE }
    }

    pub(super) fn side(&self) -> u32 {
        self.pixels.width()
    }

    /// RGBA, opaque, top row first.
    pub(super) fn rgba(&self) -> &[u8] {
        self.pixels.data()
    }

    pub(super) fn rgba_mut(&mut self) -> &mut [u8] {
        self.pixels.data_mut()
    }

    /// Everything in two colours that run into each other from the top to the bottom.
    pub(super) fn backdrop(&mut self, top: Rgb, bottom: Rgb) {
        let stops = vec![
            GradientStop::new(0.0, color(top, 1.0)),
            GradientStop::new(1.0, color(bottom, 1.0)),
        ];
        let (from, to) = (Point::from_xy(30.0, 0.0), Point::from_xy(70.0, SIDE));
        let scale = Transform::from_scale(self.scale, self.scale);
        let shader = LinearGradient::new(from, to, stops, SpreadMode::Pad, Transform::identity());
        let paint = Paint {
            shader: shader.unwrap_or(Shader::SolidColor(color(bottom, 1.0))),
            ..Paint::default()
        };
        if let Some(all) = Rect::from_xywh(0.0, 0.0, SIDE, SIDE) {
            self.pixels.fill_rect(all, &paint, scale, None);
        }
    }

    pub(super) fn draw(&mut self, sketch: &Sketch, place: Place) {
        let to_pixels = place.0.post_scale(self.scale, self.scale);
        let mut clipped = false;
        for item in &sketch.0 {
            let mask = clipped.then_some(&self.mask);
            match item {
                Item::Fill(path, color) => {
                    let rule = FillRule::Winding;
                    self.pixels.fill_path(path, &paint(*color), rule, to_pixels, mask);
                }
                Item::Line(path, color, width) => {
                    let stroke = stroke(*width, None);
                    self.pixels.stroke_path(path, &paint(*color), &stroke, to_pixels, mask);
                }
                Item::Clip(path) => {
                    self.mask.clear();
                    self.mask.fill_path(path, FillRule::Winding, true, to_pixels);
                    clipped = true;
                }
                Item::Unclip => clipped = false,
            }
        }
    }

    /// A dashed circle about the middle, its dashes moved on by `phase` units.
    pub(super) fn dashed(&mut self, radius: f32, rgb: Rgb, width: f32, phase: f32) {
        /// About thirty dashes on the whole circle.
        const DASHES: [f32; 2] = [6.0, 4.0];
        let middle = SIDE / 2.0;
        let Some(path) = PathBuilder::from_circle(middle, middle, radius) else { return };
        let dash = StrokeDash::new(DASHES.to_vec(), phase);
        let scale = Transform::from_scale(self.scale, self.scale);
        let paint = paint(color(rgb, 1.0));
        self.pixels.stroke_path(&path, &paint, &stroke(width, dash), scale, None);
    }
}

fn color(Rgb([r, g, b]): Rgb, opacity: f32) -> Color {
    Color::from_rgba8(r, g, b, (opacity.clamp(0.0, 1.0) * 255.0).round() as u8)
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color(color);
    paint
}

fn stroke(width: f32, dash: Option<StrokeDash>) -> Stroke {
    let (line_cap, line_join) = (LineCap::Round, LineJoin::Round);
    Stroke { width, line_cap, line_join, dash, ..Stroke::default() }
}
