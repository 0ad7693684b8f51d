//! A borrowed I420 picture, and its reduction to another size.

use crate::video_frame::I420Buffer;

/// 8-bit 4:2:0 in three planes, wherever they lie.
#[derive(Clone, Copy)]
pub(crate) struct Picture<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Y, U and V. The last row may end with its last sample.
    pub(crate) planes: [&'a [u8]; 3],
    /// Bytes from one row to the next.
    pub(crate) strides: [usize; 3],
}

impl<'a> Picture<'a> {
    /// `None` when a plane is shorter than its size says.
    pub(crate) fn new(
        width: u32,
        height: u32,
        planes: [&'a [u8]; 3],
        strides: [usize; 3],
    ) -> Option<Self> {
        let picture = Self { width, height, planes, strides };
        let fits = |index: usize| {
            let (row_len, rows) = picture.plane_size(index);
            let Some(last) = rows.checked_sub(1) else { return false };
            let needed = strides[index].checked_mul(last).and_then(|len| len.checked_add(row_len));
            row_len > 0
                && strides[index] >= row_len
                && needed.is_some_and(|needed| planes[index].len() >= needed)
        };
        (0..3).all(fits).then_some(picture)
    }

    /// Samples in a row and rows of a plane.
    fn plane_size(&self, index: usize) -> (usize, usize) {
        let (width, height) = (self.width as usize, self.height as usize);
        if index == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) }
    }

    fn row(&self, index: usize, row: usize) -> &'a [u8] {
        let start = self.strides[index] * row;
        &self.planes[index][start..start + self.plane_size(index).0]
    }

    /// Writes the picture into a buffer, which keeps its memory if the size is the same.
    pub(crate) fn copy_to(&self, buffer: &mut I420Buffer) {
        buffer.fit(self.width, self.height);
        for (index, plane) in buffer.planes_mut().into_iter().enumerate() {
            let (row_len, _) = self.plane_size(index);
            for (row, out) in plane.chunks_exact_mut(row_len).enumerate() {
                out.copy_from_slice(self.row(index, row));
            }
        }
    }

    /// Writes the picture in another, smaller size: each sample is the mean of those it covers.
    pub(crate) fn scale_to(&self, width: u32, height: u32, buffer: &mut I420Buffer) {
        buffer.fit(width, height);
        let (widths, heights) = (buffer.row_lens(), buffer.row_counts());
        for (index, plane) in buffer.planes_mut().into_iter().enumerate() {
            let (row_len, rows) = self.plane_size(index);
            let columns: Vec<_> =
                (0..widths[index]).map(|at| span(at, widths[index], row_len)).collect();
            for (at, out) in plane.chunks_exact_mut(widths[index]).enumerate() {
                let (top, bottom) = span(at, heights[index], rows);
                for (sample, &(left, right)) in out.iter_mut().zip(&columns) {
                    let covered = (top..bottom).map(|row| &self.row(index, row)[left..right]);
                    let sum: u32 = covered.flatten().map(|&sample| u32::from(sample)).sum();
                    let count = ((bottom - top) * (right - left)) as u32;
                    *sample = ((sum + count / 2) / count) as u8;
                }
            }
        }
    }
}

/// The samples of `from` that sample `at` of `to` covers, at least one.
fn span(at: usize, to: usize, from: usize) -> (usize, usize) {
    let start = at * from / to;
    (start, ((at + 1) * from / to).max(start + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_that_are_too_short_make_no_picture() {
        let (long, short) = ([0; 64], [0; 15]);
        assert!(Picture::new(8, 8, [&long, &long, &long], [8, 4, 4]).is_some());
        assert!(Picture::new(8, 8, [&long, &short, &long], [8, 4, 4]).is_none());
        assert!(Picture::new(8, 8, [&long, &long, &long], [7, 4, 4]).is_none());
        assert!(Picture::new(0, 8, [&long, &long, &long], [8, 4, 4]).is_none());
        assert!(Picture::new(8, 8, [&long, &long, &long], [usize::MAX, 4, 4]).is_none());
    }

    #[test]
    fn a_smaller_picture_has_the_means_of_the_larger() {
        let mut large = I420Buffer::new(4, 4);
        for (at, sample) in large.data_mut().0.iter_mut().enumerate() {
            *sample = if at % 4 < 2 { 10 } else { 200 };
        }
        let mut small = I420Buffer::new(1, 1);
        large.picture().scale_to(2, 2, &mut small);
        assert_eq!(small.data().0, [10, 200, 10, 200]);
        large.picture().scale_to(1, 1, &mut small);
        assert_eq!(small.data().0, [105]);
        assert_eq!(small.data().1, [128]);
    }

    #[test]
    fn odd_sizes_and_strides_are_copied() {
        let mut source = I420Buffer::with_strides(3, 3, 10, 7, 9);
        source.data_mut().0[22] = 9;
        source.data_mut().2[10] = 3;
        let mut copy = I420Buffer::new(1, 1);
        source.picture().copy_to(&mut copy);
        assert_eq!(copy.strides(), (3, 2, 2));
        assert_eq!(copy.data().0[8], 9);
        assert_eq!(copy.data().2[3], 3);
    }
}
