//! A decoded frame as the modules hand pictures to each other: upright, with even sides.

use livekit::webrtc::video_frame::{BoxVideoFrame, VideoRotation};

use crate::video::I420;

/// Turns a frame as its sender asks and leaves out an odd last row or column, which nobody misses.
/// None when that leaves nothing, or more than a picture may have.
pub(super) fn upright(frame: &BoxVideoFrame) -> Option<I420> {
    let buffer = frame.buffer.as_i420()?;
    let (width, height) = (frame.buffer.width() & !1, frame.buffer.height() & !1);
    let (y, u, v) = buffer.data();
    let (stride_y, stride_u, stride_v) = buffer.strides();
    let turned = |plane, stride: u32, part: u32| {
        let size = ((width / part) as usize, (height / part) as usize);
        turned(plane, stride as usize, size, frame.rotation)
    };
    let sides = match frame.rotation {
        VideoRotation::VideoRotation0 | VideoRotation::VideoRotation180 => (width, height),
        VideoRotation::VideoRotation90 | VideoRotation::VideoRotation270 => (height, width),
    };
    let (y, u, v) = (turned(y, stride_y, 1), turned(u, stride_u, 2), turned(v, stride_v, 2));
    I420::new(sides.0, sides.1, y, u, v).ok()
}

/// The first `size` samples of a plane, turned clockwise, without gaps between the rows.
fn turned(
    plane: &[u8],
    stride: usize,
    (width, height): (usize, usize),
    rotation: VideoRotation,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(width * height);
    let row = |y: usize| &plane[y * stride..][..width];
    match rotation {
        VideoRotation::VideoRotation0 => {
            (0..height).for_each(|y| out.extend_from_slice(row(y)));
        }
        VideoRotation::VideoRotation180 => {
            (0..height).rev().for_each(|y| out.extend(row(y).iter().rev()));
        }
        VideoRotation::VideoRotation90 => {
            (0..width).for_each(|x| out.extend((0..height).rev().map(|y| row(y)[x])));
        }
        VideoRotation::VideoRotation270 => {
            (0..width).rev().for_each(|x| out.extend((0..height).map(|y| row(y)[x])));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use livekit::webrtc::video_frame::{I420Buffer, VideoFrame};

    use super::*;

    /// A frame whose luma and chroma count up along each row, with gaps between the rows.
    fn frame(width: u32, height: u32, rotation: VideoRotation) -> BoxVideoFrame {
        let chroma = width.div_ceil(2);
        let mut buffer = I420Buffer::with_strides(width, height, width + 5, chroma + 3, chroma + 4);
        let strides = buffer.strides();
        let (y, u, v) = buffer.data_mut();
        for (plane, stride) in [(y, strides.0), (u, strides.1), (v, strides.2)] {
            for (at, sample) in plane.iter_mut().enumerate() {
                *sample = (at / stride as usize * 10 + at % stride as usize) as u8;
            }
        }
        VideoFrame::new(rotation, Box::new(buffer))
    }

    #[test]
    fn gaps_between_rows_and_odd_last_samples_are_left_out() {
        let picture = upright(&frame(5, 3, VideoRotation::VideoRotation0)).unwrap();
        assert_eq!((picture.width(), picture.height()), (4, 2));
        assert_eq!(picture.y(), [0, 1, 2, 3, 10, 11, 12, 13]);
        assert_eq!((picture.u(), picture.v()), (&[0, 1][..], &[0, 1][..]));
    }

    #[test]
    fn a_frame_is_turned_clockwise_as_its_sender_asks() {
        for (rotation, sides, luma, chroma) in [
            (VideoRotation::VideoRotation90, (2, 4), [10, 0, 11, 1, 12, 2, 13, 3], [0, 1]),
            (VideoRotation::VideoRotation180, (4, 2), [13, 12, 11, 10, 3, 2, 1, 0], [1, 0]),
            (VideoRotation::VideoRotation270, (2, 4), [3, 13, 2, 12, 1, 11, 0, 10], [1, 0]),
        ] {
            let picture = upright(&frame(4, 2, rotation)).unwrap();
            assert_eq!((picture.width(), picture.height()), sides, "{rotation:?}");
            assert_eq!(picture.y(), luma, "{rotation:?}");
            assert_eq!((picture.u(), picture.v()), (&chroma[..], &chroma[..]), "{rotation:?}");
        }
    }

    #[test]
    fn what_is_no_picture_any_more_is_refused() {
        for (width, height) in [(1, 8), (8, 1), (crate::video::SIDE_MAX + 2, 2)] {
            assert!(upright(&frame(width, height, VideoRotation::VideoRotation90)).is_none());
        }
    }
}
