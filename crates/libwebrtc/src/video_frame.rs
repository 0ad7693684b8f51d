//! Raw video frames: I420 only for now.

use std::fmt::{self, Debug};

use crate::{video::picture::Picture, video_source::VideoResolution};

/// How a frame must be turned, clockwise, to stand upright.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum VideoRotation {
    VideoRotation0 = 0,
    VideoRotation90 = 90,
    VideoRotation180 = 180,
    VideoRotation270 = 270,
}

/// Packed pixel formats.
#[allow(clippy::upper_case_acronyms)]
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum VideoFormatType {
    ARGB,
    BGRA,
    ABGR,
    RGBA,
}

/// Planar pixel formats.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoBufferType {
    Native,
    I420,
    I420A,
    I422,
    I444,
    I010,
    NV12,
}

/// What may travel beside a frame in a packet trailer.
#[derive(Debug, Clone)]
pub struct FrameMetadata {
    /// Capture time, µs since the Unix epoch.
    pub user_timestamp: Option<u64>,
    pub frame_id: Option<u32>,
    pub user_data: Option<Vec<u8>>,
}

/// Codec of a frame that the application encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodedVideoCodec {
    H264,
    H265,
    VP8,
    VP9,
    AV1,
}

/// Whether an encoded frame stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodedFrameType {
    Key,
    Delta,
}

/// A frame that the application encoded.
#[derive(Debug, Clone)]
pub struct EncodedVideoFrame<'a> {
    pub codec: EncodedVideoCodec,
    pub payload: &'a [u8],
    pub timestamp_us: i64,
    pub frame_type: EncodedFrameType,
    pub resolution: VideoResolution,
    pub frame_metadata: Option<FrameMetadata>,
}

/// A raw frame with its time and rotation.
#[derive(Debug)]
pub struct VideoFrame<T>
where
    T: AsRef<dyn VideoBuffer>,
{
    pub rotation: VideoRotation,
    /// Capture time in µs, 0 = now.
    pub timestamp_us: i64,
    pub frame_metadata: Option<FrameMetadata>,
    pub buffer: T,
}

impl<T: AsRef<dyn VideoBuffer>> VideoFrame<T> {
    pub fn new(rotation: VideoRotation, buffer: T) -> Self {
        Self { rotation, timestamp_us: 0, frame_metadata: None, buffer }
    }
}

pub type BoxVideoBuffer = Box<dyn VideoBuffer>;
pub type BoxVideoFrame = VideoFrame<BoxVideoBuffer>;

mod sealed {
    pub trait Sealed: Send + Sync {}
}

/// Pixels of a frame.
pub trait VideoBuffer: sealed::Sealed + Debug {
    fn width(&self) -> u32;
    fn height(&self) -> u32;
    fn buffer_type(&self) -> VideoBufferType;

    fn as_i420(&self) -> Option<&I420Buffer> {
        None
    }
}

/// 8-bit 4:2:0 in three planes.
pub struct I420Buffer {
    width: u32,
    height: u32,
    strides: [u32; 3],
    /// Y, U and V, one after the other.
    data: Vec<u8>,
}

impl I420Buffer {
    /// A black buffer whose planes have the given bytes per row.
    ///
    /// # Panics
    /// When a stride is shorter than its row.
    pub fn with_strides(
        width: u32,
        height: u32,
        stride_y: u32,
        stride_u: u32,
        stride_v: u32,
    ) -> I420Buffer {
        let chroma = width.div_ceil(2);
        assert!(
            stride_y >= width && stride_u >= chroma && stride_v >= chroma,
            "a stride is shorter than its row"
        );
        let mut buffer =
            Self { width, height, strides: [stride_y, stride_u, stride_v], data: Vec::new() };
        let [y, u, v] = buffer.plane_sizes();
        buffer.data.resize(y, 0);
        buffer.data.resize(y + u + v, 128);
        buffer
    }

    pub fn new(width: u32, height: u32) -> I420Buffer {
        let chroma = width.div_ceil(2);
        Self::with_strides(width, height, width, chroma, chroma)
    }

    /// As [`Self::new`], which is black already.
    pub fn new_black(width: u32, height: u32) -> I420Buffer {
        Self::new(width, height)
    }

    fn plane_sizes(&self) -> [usize; 3] {
        let rows = [self.height, self.chroma_height(), self.chroma_height()];
        std::array::from_fn(|plane| self.strides[plane] as usize * rows[plane] as usize)
    }

    pub fn chroma_width(&self) -> u32 {
        self.width.div_ceil(2)
    }

    pub fn chroma_height(&self) -> u32 {
        self.height.div_ceil(2)
    }

    /// Bytes per row of Y, U and V.
    pub fn strides(&self) -> (u32, u32, u32) {
        let [y, u, v] = self.strides;
        (y, u, v)
    }

    /// The planes Y, U and V.
    pub fn data(&self) -> (&[u8], &[u8], &[u8]) {
        let [y_len, u_len, _] = self.plane_sizes();
        let (y, chroma) = self.data.split_at(y_len);
        let (u, v) = chroma.split_at(u_len);
        (y, u, v)
    }

    /// Takes another size, without gaps between the rows. Contents are lost when it changes.
    pub(crate) fn fit(&mut self, width: u32, height: u32) {
        let chroma = width.div_ceil(2);
        let strides = [width, chroma, chroma];
        if (self.width, self.height, self.strides) != (width, height, strides) {
            *self = Self::new(width, height);
        }
    }

    pub(crate) fn picture(&self) -> Picture<'_> {
        let (y, u, v) = self.data();
        Picture {
            width: self.width,
            height: self.height,
            planes: [y, u, v],
            strides: self.strides.map(|stride| stride as usize),
        }
    }

    pub(crate) fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let (y, u, v) = self.data_mut();
        [y, u, v]
    }

    /// Samples in a row of Y, U and V.
    pub(crate) fn row_lens(&self) -> [usize; 3] {
        [self.width, self.chroma_width(), self.chroma_width()].map(|len| len as usize)
    }

    /// Rows of Y, U and V.
    pub(crate) fn row_counts(&self) -> [usize; 3] {
        [self.height, self.chroma_height(), self.chroma_height()].map(|rows| rows as usize)
    }

    /// The planes Y, U and V, to be written.
    pub fn data_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let [y_len, u_len, _] = self.plane_sizes();
        let (y, chroma) = self.data.split_at_mut(y_len);
        let (u, v) = chroma.split_at_mut(u_len);
        (y, u, v)
    }
}

impl sealed::Sealed for I420Buffer {}

impl VideoBuffer for I420Buffer {
    fn width(&self) -> u32 {
        self.width
    }

    fn height(&self) -> u32 {
        self.height
    }

    fn buffer_type(&self) -> VideoBufferType {
        VideoBufferType::I420
    }

    fn as_i420(&self) -> Option<&I420Buffer> {
        Some(self)
    }
}

impl Debug for I420Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("I420Buffer")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish()
    }
}

impl AsRef<dyn VideoBuffer> for I420Buffer {
    fn as_ref(&self) -> &(dyn VideoBuffer + 'static) {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_buffer_is_black_in_every_plane() {
        let buffer = I420Buffer::new(5, 3);
        let (y, u, v) = buffer.data();
        assert_eq!((y.len(), u.len(), v.len()), (15, 6, 6));
        assert!(y.iter().all(|&sample| sample == 0));
        assert!(u.iter().chain(v).all(|&sample| sample == 128));
    }

    #[test]
    fn strides_are_kept() {
        let mut buffer = I420Buffer::with_strides(4, 2, 8, 4, 6);
        buffer.data_mut().2[5] = 7;
        assert_eq!(buffer.strides(), (8, 4, 6));
        assert_eq!(buffer.data().2.len(), 6);
        assert_eq!(buffer.data().2[5], 7);
    }
}
