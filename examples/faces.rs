//! Paints sheets of faces to look at, and measures how long a picture takes.
//!
//! `cargo run --release --example faces --no-default-features -- FOLDER`

use std::path::Path;
use std::time::Instant;

use troupe::avatar::{Mouth, Painter, Portrait, Pose, ROOM_SIDE, portraits};
use troupe::persona::Face;
use troupe::room::AgentState;
use troupe::video::I420;

/// A sheet of squares, as rows of RGBA pixels.
struct Sheet {
    side: usize,
    columns: usize,
    pixels: Vec<u8>,
    count: usize,
}

impl Sheet {
    fn new(side: usize, columns: usize, rows: usize) -> Self {
        Self { side, columns, pixels: vec![255; side * side * columns * rows * 4], count: 0 }
    }

    fn add(&mut self, square: &[u8]) {
        let (x, y) = (self.count % self.columns, self.count / self.columns);
        let width = self.side * self.columns * 4;
        for (n, row) in square.chunks_exact(self.side * 4).enumerate() {
            let from = (y * self.side + n) * width + x * self.side * 4;
            self.pixels[from..from + row.len()].copy_from_slice(row);
        }
        self.count += 1;
    }

    fn save(&self, path: &Path) -> image::ImageResult<()> {
        let width = (self.side * self.columns) as u32;
        let height = (self.pixels.len() / 4) as u32 / width;
        let kind = image::ExtendedColorType::Rgba8;
        image::save_buffer(path, &self.pixels, width, height, kind)
    }
}

fn poses() -> [Pose; 4] {
    let mouth = Mouth { open: 0.7, wide: 0.1, teeth: 0.7, tongue: 0.0 };
    [
        Pose::default(),
        Pose {
            state: AgentState::Listening,
            brows: 0.5,
            smile: 0.65,
            tilt: -2.6,
            ..Pose::default()
        },
        Pose {
            state: AgentState::Thinking,
            gaze: (0.6, -1.0),
            brows: 0.4,
            smile: 0.1,
            tilt: 2.0,
            step: 1,
            ..Pose::default()
        },
        Pose { state: AgentState::Speaking, mouth, level: 0.6, smile: 0.35, ..Pose::default() },
    ]
}

fn cast(faces: &[(String, Face)]) -> Vec<Portrait> {
    let cast: Vec<(&str, &Face)> = faces.iter().map(|(id, face)| (id.as_str(), face)).collect();
    portraits(&cast).into_iter().map(|(portrait, _)| portrait).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = Path::new(&folder);
    let seeds = std::env::args().skip(2).map(|seed| seed.parse::<u64>());
    let mut seeds = seeds.collect::<Result<Vec<u64>, _>>()?;
    if seeds.is_empty() {
        seeds = (0..24).collect();
    }
    let face = |seed: &u64| (format!("p{seed}"), Face::Drawn { rgb: None, seed: Some(*seed) });
    let faces: Vec<(String, Face)> = seeds.iter().map(face).collect();

    let mut people = cast(&faces);
    let (columns, rows) = (6.min(people.len()), people.len().div_ceil(6));
    for (name, side) in [("cast", 200), ("small", 96)] {
        let mut sheet = Sheet::new(side, columns, rows);
        let mut painter = Painter::new(side as u32);
        for (n, portrait) in people.iter_mut().enumerate() {
            let pose = poses()[(n + n / columns) % 4];
            sheet.add(painter.draw(portrait, &pose));
        }
        sheet.save(&folder.join(format!("{name}.png")))?;
    }
    let mut large = Sheet::new(640, 2, 1);
    let mut painter = Painter::new(640);
    large.add(painter.draw(&mut people[0], &poses()[3]));
    let other = 1 % people.len();
    large.add(painter.draw(&mut people[other], &poses()[2]));
    large.save(&folder.join("large.png"))?;
    measure(&mut people);
    Ok(())
}

/// Best of several rounds, since others use the machine too.
fn measure(people: &mut [Portrait]) {
    const ROUNDS: usize = 20;
    let mut painter = Painter::new(ROOM_SIDE);
    let mut picture = I420::black(ROOM_SIDE, ROOM_SIDE).expect("an even side");
    let mut best = [f64::MAX; 2];
    for round in 0..ROUNDS {
        let begun = Instant::now();
        for portrait in people.iter_mut() {
            let pose = poses()[(round + 3) % 4];
            painter.draw(portrait, &pose);
        }
        let drawn = begun.elapsed();
        for portrait in people.iter_mut() {
            let pose = poses()[(round + 3) % 4];
            painter.picture(portrait, &pose, &mut picture);
        }
        let all = begun.elapsed() - drawn;
        let each = |time: std::time::Duration| time.as_secs_f64() * 1e3 / people.len() as f64;
        best = [best[0].min(each(drawn)), best[1].min(each(all))];
    }
    let [drawn, all] = best;
    println!("{ROOM_SIDE} x {ROOM_SIDE}: {drawn:.2} ms drawn, {all:.2} ms with I420");
}
