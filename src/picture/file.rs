//! Pictures from files and from frames of a camera. Takes up to a second for a large file: call it
//! where blocking is allowed.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageReader, Limits, Rgb, RgbImage};

use super::Picture;
use crate::video::I420;

/// Larger files are not even looked into; cards of 10 MB are in use.
pub const BYTES_MAX: usize = 32 << 20;
/// The longest side of a photograph that a telephone takes, and more than any card has.
pub const SIDE_MAX: u32 = 6_000;
/// What decoding may take: the largest picture as RGBA and nearly once more.
const ALLOC_MAX: u64 = 256 << 20;
/// The longest side of a picture as it is kept: what small vision models look at (SmolVLM takes
/// tiles of 512), and enough to read a page that is held into a camera.
pub const TILE_SIDE: u32 = 512;
/// Of 100: text stays readable, and a camera's picture has some 40 kB.
const JPEG_QUALITY: u8 = 85;

/// Why a file is no picture that can be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("a picture of {bytes} bytes is too large; send one below {BYTES_MAX}")]
    TooLarge { bytes: usize },
    #[error("{0}; send a PNG, JPEG or WebP of at most {SIDE_MAX} pixels a side")]
    Malformed(String),
}

impl Picture {
    /// From a PNG, JPEG or WebP file of anybody.
    ///
    /// # Errors
    /// When it is too large in bytes or pixels, or cannot be decoded.
    pub fn of_file(bytes: &[u8]) -> Result<Self, FileError> {
        Ok(Self::of_pixels(&decode(bytes)?.into_rgb8()))
    }

    /// From a frame of a camera or a screen.
    pub fn of_frame(frame: &I420) -> Self {
        // Of a huge frame every second pixel or so is enough to be scaled from.
        let step = frame.width().max(frame.height()).div_ceil(TILE_SIDE * 4);
        let (width, height) = (frame.width() / step, frame.height() / step);
        Self::of_pixels(&RgbImage::from_fn(width.max(1), height.max(1), |x, y| {
            Rgb(rgb_at(frame, x * step, y * step))
        }))
    }

    /// A file that was written by [`Self::jpeg`], as it is.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn of_jpeg(bytes: Vec<u8>) -> Result<Self, FileError> {
        let picture = decode(&bytes)?;
        let (width, height) = (picture.width(), picture.height());
        if !bytes.starts_with(b"\xff\xd8") || width.max(height) > TILE_SIDE {
            return Err(FileError::Malformed("it is no picture of a tape".to_owned()));
        }
        Ok(Self::new((width, height), bytes))
    }

    /// Its pixels, top row first: red, green and blue, a byte each.
    ///
    /// # Errors
    /// Never for a picture that was made here; a broken one of a tape was refused before.
    pub fn rgb(&self) -> Result<Vec<u8>, FileError> {
        Ok(decode(self.jpeg())?.into_rgb8().into_raw())
    }

    fn of_pixels(pixels: &RgbImage) -> Self {
        let (width, height) = fitted(pixels.width(), pixels.height());
        let scaled;
        let pixels = if (width, height) == pixels.dimensions() {
            pixels
        } else {
            scaled = imageops::resize(pixels, width, height, FilterType::Triangle);
            &scaled
        };
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
            .encode_image(pixels)
            .expect("memory takes a picture of this size");
        Self::new((width, height), jpeg)
    }
}

/// Decodes a file of anybody, within limits.
///
/// # Errors
/// See [`Picture::of_file`].
pub fn decode(bytes: &[u8]) -> Result<image::DynamicImage, FileError> {
    if bytes.len() > BYTES_MAX {
        return Err(FileError::TooLarge { bytes: bytes.len() });
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(ALLOC_MAX);
    let malformed = |error: &dyn ToString| FileError::Malformed(error.to_string());
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| malformed(&error))?;
    reader.limits(limits);
    reader.decode().map_err(|error| malformed(&error))
}

/// The sides of a picture as it is kept.
fn fitted(width: u32, height: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= TILE_SIDE {
        return (width, height);
    }
    let scaled = |side: u32| (side * TILE_SIDE / longest).max(1);
    (scaled(width), scaled(height))
}

/// A pixel of a frame: BT.601, limited range, in 8 bit fixed point.
fn rgb_at(frame: &I420, x: u32, y: u32) -> [u8; 3] {
    let (x, y, width) = (x as usize, y as usize, frame.width() as usize);
    let chroma = y / 2 * (width / 2) + x / 2;
    let luma = 298 * (i32::from(frame.y()[y * width + x]) - 16);
    let (u, v) = (i32::from(frame.u()[chroma]) - 128, i32::from(frame.v()[chroma]) - 128);
    let parts = [luma + 409 * v, luma - 100 * u - 208 * v, luma + 516 * u];
    parts.map(|part| ((part + 128) >> 8).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _};

    use super::*;

    fn png(width: u32, height: u32, rgb: [u8; 3]) -> Vec<u8> {
        let mut file = Vec::new();
        let pixels = rgb.repeat((width * height) as usize);
        image::codecs::png::PngEncoder::new(&mut file)
            .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        file
    }

    #[track_caller]
    fn assert_near(pixel: &[u8], wanted: [u8; 3]) {
        let near = |(is, wanted): (&u8, u8)| is.abs_diff(wanted) <= 6;
        assert!(pixel.iter().zip(wanted).all(near), "{pixel:?} for {wanted:?}");
    }

    #[test]
    fn a_picture_is_named_by_what_is_in_it() {
        let red = Picture::of_file(&png(40, 20, [250, 10, 10])).unwrap();
        assert_eq!((red.width(), red.height()), (40, 20));
        assert_near(&red.rgb().unwrap()[..3], [250, 10, 10]);
        assert_eq!(red, Picture::of_file(&png(40, 20, [250, 10, 10])).unwrap());
        assert_ne!(red, Picture::of_file(&png(40, 20, [10, 10, 250])).unwrap());
        assert_eq!(red, Picture::of_jpeg(red.jpeg().to_vec()).unwrap());
        assert_eq!(crate::medium::MediumId::parse(red.id().as_str()).as_ref(), Some(red.id()));
    }

    #[test]
    fn a_large_one_is_scaled_down_and_keeps_its_form() {
        let wide = Picture::of_file(&png(2_000, 500, [9, 200, 9])).unwrap();
        assert_eq!((wide.width(), wide.height()), (512, 128));
        assert!(Picture::of_jpeg(png(8, 8, [0; 3])).is_err(), "a tape holds JPEG only");
    }

    #[test]
    fn a_frame_keeps_its_colours_and_sides() {
        for (luma, u, v, rgb) in
            [(82, 90, 240, [255, 0, 0]), (144, 54, 34, [0, 255, 0]), (235, 128, 128, [255; 3])]
        {
            let mut frame = I420::black(1_280, 720).unwrap();
            let (ys, us, vs) = frame.planes_mut();
            for (plane, value) in [(ys, luma), (us, u), (vs, v)] {
                plane.fill(value);
            }
            let picture = Picture::of_frame(&frame);
            assert_eq!((picture.width(), picture.height()), (512, 288));
            assert_near(&picture.rgb().unwrap()[..3], rgb);
        }
    }

    #[test]
    fn the_largest_frame_and_the_smallest_are_no_trouble() {
        let high = Picture::of_frame(&I420::black(2, 8_192).unwrap());
        assert_eq!((high.width(), high.height()), (1, 512));
        let huge = Picture::of_frame(&I420::black(8_192, 8_192).unwrap());
        assert_eq!((huge.width(), huge.height()), (512, 512));
    }

    #[test]
    fn a_name_is_hexadecimal_and_nothing_else() {
        use crate::medium::MediumId;
        let digits = "0123456789abcdef0123456789abcdef";
        assert!(MediumId::parse(digits).is_some());
        for bad in ["", "../../etc/passwd", &digits[1..], &digits.to_uppercase()] {
            assert!(MediumId::parse(bad).is_none(), "{bad}");
        }
    }
}
