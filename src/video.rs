//! Pictures as the modules hand them to each other.

use std::fmt;

/// The longest side of a picture in pixels: more than any camera or screen of a call has.
pub const SIDE_MAX: u32 = 8_192;

/// A picture as VP8 takes it: 8 bit planes, BT.601, limited range (luma 16 to 235, chroma 16 to
/// 240), top row first, rows without padding. Chroma has half the width and half the height.
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    width: u32,
    height: u32,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

/// Why planes make no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    #[error("a picture has even sides of 2 to {SIDE_MAX} pixels, not {width} x {height}")]
    Sides { width: u32, height: u32 },
    #[error("the {plane} plane of a picture has {given} bytes where {wanted} are needed")]
    Plane { plane: char, given: usize, wanted: usize },
}

impl I420 {
    /// # Errors
    /// When a side is odd, nothing or too long, or a plane has another length than its sides ask
    /// for.
    pub fn new(
        width: u32,
        height: u32,
        y: Vec<u8>,
        u: Vec<u8>,
        v: Vec<u8>,
    ) -> Result<Self, PictureError> {
        let luma = area(width, height)?;
        for (plane, bytes, wanted) in [('Y', &y, luma), ('U', &u, luma / 4), ('V', &v, luma / 4)] {
            if bytes.len() != wanted {
                return Err(PictureError::Plane { plane, given: bytes.len(), wanted });
            }
        }
        Ok(Self { width, height, y, u, v })
    }

    /// A black picture, to be drawn into.
    ///
    /// # Errors
    /// When a side is odd, nothing or too long.
    pub fn black(width: u32, height: u32) -> Result<Self, PictureError> {
        let luma = area(width, height)?;
        let chroma = vec![128; luma / 4];
        Ok(Self { width, height, y: vec![16; luma], u: chroma.clone(), v: chroma })
    }

    /// In pixels, even.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// In pixels, even.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Luma: `width` bytes a row.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// Blue against luma: `width / 2` bytes a row.
    pub fn u(&self) -> &[u8] {
        &self.u
    }

    /// Red against luma: `width / 2` bytes a row.
    pub fn v(&self) -> &[u8] {
        &self.v
    }

    /// The planes Y, U and V, to be drawn into.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        (&mut self.y, &mut self.u, &mut self.v)
    }
}

/// Not the pixels, which nobody reads in a log.
impl fmt::Debug for I420 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "I420({} x {})", self.width, self.height)
    }
}

/// Pixels of a picture with sides that are allowed.
fn area(width: u32, height: u32) -> Result<usize, PictureError> {
    let allowed = |side: u32| (2..=SIDE_MAX).contains(&side) && side.is_multiple_of(2);
    if !allowed(width) || !allowed(height) {
        return Err(PictureError::Sides { width, height });
    }
    Ok(width as usize * height as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_even_and_neither_nothing_nor_huge() {
        assert!(I420::black(2, SIDE_MAX).is_ok());
        for (width, height) in [(0, 2), (2, 0), (3, 2), (2, 3), (SIDE_MAX + 2, 2), (u32::MAX, 2)] {
            let refused = PictureError::Sides { width, height };
            assert_eq!(I420::black(width, height).unwrap_err(), refused);
            assert_eq!(I420::new(width, height, vec![], vec![], vec![]).unwrap_err(), refused);
        }
    }

    #[test]
    fn a_plane_of_another_length_is_refused_and_named() {
        assert!(I420::new(4, 2, vec![0; 8], vec![0; 2], vec![0; 2]).is_ok());
        for (plane, lengths) in [('Y', [7, 2, 2]), ('U', [8, 3, 2]), ('V', [8, 2, 1])] {
            let [y, u, v] = lengths.map(|length| vec![0; length]);
            let error = I420::new(4, 2, y, u, v).unwrap_err();
            assert!(matches!(error, PictureError::Plane { plane: named, .. } if named == plane));
        }
    }

    #[test]
    fn its_debug_line_is_short() {
        assert_eq!(format!("{:?}", I420::black(320, 240).unwrap()), "I420(320 x 240)");
    }
}
