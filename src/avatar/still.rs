//! A picture from a file as a face.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{ExtendedColorType, ImageEncoder as _, RgbaImage};

use crate::picture::FileError;
use crate::picture::file::{BYTES_MAX, decode};

/// What is kept of a picture: enough for every size in which it is shown.
const KEPT_SIDE: u32 = 512;
/// A face in a picture that is higher than wide is in its upper part.
const ABOVE: f32 = 0.2;

/// Why a picture cannot be a face.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("the picture {path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the picture {path} cannot be shown: {cause}")]
    Malformed { path: PathBuf, cause: FileError },
}

/// The square middle of a picture, scaled down.
#[derive(Clone)]
pub(super) struct Still(RgbaImage);

impl Still {
    /// Reads and decodes a file; takes up to a second for a large one.
    pub(super) fn load(path: &Path) -> Result<Self, PictureError> {
        let unreadable = |source| PictureError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let picture = decode(&bytes)
            .map_err(|cause| PictureError::Malformed { path: path.to_owned(), cause })?;
        Ok(Self(square(&picture.into_rgba8())))
    }

    /// In `side` x `side` pixels.
    pub(super) fn scaled(&self, side: u32) -> Vec<u8> {
        if self.0.width() == side {
            return self.0.as_raw().clone();
        }
        imageops::resize(&self.0, side, side, FilterType::CatmullRom).into_raw()
    }
}

fn square(picture: &RgbaImage) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let side = width.min(height);
    let (x, y) = ((width - side) / 2, ((height - side) as f32 * ABOVE) as u32);
    let middle = imageops::crop_imm(picture, x, y, side, side);
    imageops::resize(&*middle, KEPT_SIDE, KEPT_SIDE, FilterType::CatmullRom)
}

/// `rgba`, opaque, of `side` x `side` pixels as a PNG file.
pub(super) fn png(rgba: &[u8], side: u32) -> Vec<u8> {
    use image::codecs::png::{CompressionType, FilterType, PngEncoder};
    let mut file = Vec::new();
    let encoder =
        PngEncoder::new_with_quality(&mut file, CompressionType::Best, FilterType::Adaptive);
    let rgb: Vec<u8> =
        rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    encoder
        .write_image(&rgb, side, side, ExtendedColorType::Rgb8)
        .expect("memory takes what the size asks for");
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, bytes: &[u8]) -> Result<Still, PictureError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Still::load(&path)
    }

    /// A PNG whose header claims a size, with nothing behind it.
    fn claims(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([8, 6, 0, 0, 0]);
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        let sum = crc(&chunk);
        file.extend(chunk);
        file.extend(sum.to_be_bytes());
        file
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
            })
        })
    }

    #[test]
    fn a_picture_comes_as_its_upper_middle_square() {
        // Three stripes across a high picture: the face is in the second.
        let side = 40;
        let mut rgba = Vec::new();
        for y in 0..side * 3 {
            let shade = if (side / 2..side).contains(&y) { 200 } else { 10 };
            rgba.extend([shade, shade, shade].repeat(side));
        }
        let mut file = Vec::new();
        image::codecs::png::PngEncoder::new(&mut file)
            .write_image(&rgba, side as u32, side as u32 * 3, ExtendedColorType::Rgb8)
            .unwrap();
        let scaled = load("a.png", &file).unwrap().scaled(64);
        assert_eq!(scaled.len(), 64 * 64 * 4);
        let at = |y: usize| scaled[(y * 64 + 32) * 4];
        // The square begins at a fifth of the spare height: 16 rows down.
        assert_eq!([at(2), at(20), at(60)], [10, 200, 10]);
    }

    #[test]
    fn bombs_and_what_is_no_picture_cost_an_error() {
        for (name, bytes) in [
            ("wide.png", claims(20_000, 20_000)),
            ("high.png", claims(2, 100_000)),
            ("cut.png", claims(64, 64)),
            ("empty.png", Vec::new()),
            ("text.png", b"hello".to_vec()),
            ("cut.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
            ("cut.webp", b"RIFF\xff\xff\xff\x7fWEBPVP8L".to_vec()),
        ] {
            let told = load(name, &bytes).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(told.contains(name) && told.contains("cannot be shown"), "{name}: {told}");
        }
        let gone = Still::load(Path::new("/nowhere/face.png")).err().unwrap();
        assert!(matches!(gone, PictureError::Unreadable { .. }));
    }
}
