//! Whether two frames show the same.

use crate::video::I420;

/// Cells a side.
const SIDE: usize = 16;
/// Samples of a cell a side: the mean of so few is steady enough, and reading all pixels is not
/// free.
const SAMPLES: usize = 4;
/// Steps of luma by which a cell counts as changed: more than a camera's noise and its adjusting
/// to light.
const CELL_STEPS: u8 = 20;
/// Changed cells of a changed picture: a head that nods changes fewer, and a sheet of paper that
/// is held up more.
const CELLS_CHANGED: usize = SIDE * SIDE / 16;

/// A frame in coarse: the mean luma of each cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cells {
    sides: (u32, u32),
    means: Vec<u8>,
}

impl Cells {
    pub(super) fn of(frame: &I420) -> Self {
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let at = |place: usize, length: usize| place * length / (SIDE * SAMPLES);
        let mean = |cell: usize| {
            let (left, top) = (cell % SIDE * SAMPLES, cell / SIDE * SAMPLES);
            let rows = (top..top + SAMPLES).map(|y| at(y, height) * width);
            let luma = rows.flat_map(|row| (left..left + SAMPLES).map(move |x| row + at(x, width)));
            let sum: usize = luma.map(|pixel| usize::from(frame.y()[pixel])).sum();
            (sum / (SAMPLES * SAMPLES)) as u8
        };
        let means = (0..SIDE * SIDE).map(mean).collect();
        Self { sides: (frame.width(), frame.height()), means }
    }

    /// Whether somebody would say that something else is shown.
    pub(super) fn differ(&self, other: &Self) -> bool {
        let changed = |(a, b): &(&u8, &u8)| a.abs_diff(**b) > CELL_STEPS;
        let pairs = self.means.iter().zip(&other.means);
        self.sides != other.sides || pairs.filter(changed).count() >= CELLS_CHANGED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Grey, with a square of a side in its middle.
    fn frame(side: usize, luma: u8) -> I420 {
        let mut frame = I420::black(320, 240).unwrap();
        let (ys, _, _) = frame.planes_mut();
        ys.fill(120);
        for y in 120 - side / 2..120 + side / 2 {
            ys[y * 320 + 160 - side / 2..y * 320 + 160 + side / 2].fill(luma);
        }
        frame
    }

    #[track_caller]
    fn differ(a: &I420, b: &I420) -> bool {
        Cells::of(a).differ(&Cells::of(b))
    }

    #[test]
    fn what_is_held_up_differs_and_a_small_move_does_not() {
        assert!(differ(&frame(0, 0), &frame(120, 220)));
        assert!(!differ(&frame(0, 0), &frame(40, 220)), "as small as a moving mouth");
        assert!(!differ(&frame(120, 220), &frame(120, 230)), "the light");
    }

    #[test]
    fn another_size_differs_and_the_smallest_frame_is_no_trouble() {
        let (small, high) = (I420::black(2, 2).unwrap(), I420::black(2, 8_192).unwrap());
        assert!(differ(&small, &high));
        assert!(!differ(&small, &small));
    }
}
