//! From a drawing's pixels to a picture for the room.

use crate::persona::Rgb;
use crate::video::I420;

/// BT.601, limited range, in 8 bit fixed point: how much of red, green and blue is in luma and in
/// the two chroma planes.
const Y: [i32; 3] = [66, 129, 25];
const U: [i32; 3] = [-38, -74, 112];
const V: [i32; 3] = [112, -94, -18];

/// Fills `picture` from opaque RGBA of the same size; chroma is the mean of its four pixels.
///
/// # Panics
/// When the sizes differ.
pub(super) fn to_i420(rgba: &[u8], picture: &mut I420) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    assert_eq!(rgba.len(), width * height * 4, "pixels and picture have one size");
    let (y, u, v) = picture.planes_mut();
    let pairs = rgba.chunks_exact(width * 8).zip(y.chunks_exact_mut(width * 2));
    let chroma = u.chunks_exact_mut(width / 2).zip(v.chunks_exact_mut(width / 2));
    for ((rows, y), (u, v)) in pairs.zip(chroma) {
        for (luma, pixel) in y.iter_mut().zip(rows.chunks_exact(4)) {
            *luma = weighed(Y, pixel, 16);
        }
        let (upper, lower) = rows.split_at(width * 4);
        let quads = upper.chunks_exact(8).zip(lower.chunks_exact(8));
        for ((u, v), (upper, lower)) in u.iter_mut().zip(v.iter_mut()).zip(quads) {
            let mean: [u8; 3] = std::array::from_fn(|n| {
                let sum = [upper[n], upper[n + 4], lower[n], lower[n + 4]].map(u16::from);
                (sum.into_iter().sum::<u16>().div_ceil(4)) as u8
            });
            *u = weighed(U, &mean, 128);
            *v = weighed(V, &mean, 128);
        }
    }
}

/// 16 to 235.
pub(super) fn luma(Rgb(rgb): Rgb) -> u8 {
    weighed(Y, &rgb, 16)
}

/// The weights and offsets keep it within 16 to 240.
fn weighed(weights: [i32; 3], rgb: &[u8], offset: i32) -> u8 {
    let sum: i32 = weights.iter().zip(rgb).map(|(weight, part)| weight * i32::from(*part)).sum();
    (((sum + 128) >> 8) + offset) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(pixels: [[u8; 3]; 4]) -> I420 {
        let mut picture = I420::black(2, 2).unwrap();
        let rgba: Vec<u8> = pixels.into_iter().flat_map(|[r, g, b]| [r, g, b, 255]).collect();
        to_i420(&rgba, &mut picture);
        picture
    }

    #[track_caller]
    fn check(rgb: [u8; 3], yuv: [u8; 3]) {
        let picture = converted([rgb; 4]);
        assert_eq!(picture.y(), [yuv[0]; 4]);
        assert_eq!([picture.u(), picture.v()], [[yuv[1]], [yuv[2]]]);
    }

    /// The values of ITU-R BT.601 for full colours, 8 bit.
    #[test]
    fn full_colours_have_the_standards_values() {
        check([0, 0, 0], [16, 128, 128]);
        check([255, 255, 255], [235, 128, 128]);
        check([255, 0, 0], [82, 90, 240]);
        check([0, 255, 0], [144, 54, 34]);
        check([0, 0, 255], [41, 240, 110]);
    }

    #[test]
    fn luma_is_each_pixels_own_and_chroma_their_mean() {
        let picture = converted([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]);
        assert_eq!(picture.y(), [235, 16, 82, 41]);
        let mean = converted([[128, 64, 128]; 4]);
        assert_eq!((picture.u(), picture.v()), (mean.u(), mean.v()));
    }
}
