//! VP8 by libvpx: the one place of this crate that calls C.
//!
//! Both codecs are used by one thread at a time and lend out what libvpx owns only until their next
//! call, which the borrows of [`Encoder::encode`] and [`Decoder::decode`] say.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, c_int, c_uint},
    mem::MaybeUninit,
    ptr, slice,
};

use thiserror::Error;

use super::{RTP_CLOCK_HZ, picture::Picture};

#[allow(non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code)]
#[allow(unreachable_pub, unused_qualifications, clippy::all)]
mod sys {
    include!(concat!(env!("OUT_DIR"), "/vpx.rs"));
}

/// The fastest of libvpx's 17 realtime speeds but a few: below it a picture of 320 x 320 costs
/// twice the time for a tenth of a decibel.
const SPEED: c_int = -8;

/// Quantisers between which the rate control chooses, 0 (finest) to 63. Coarser than 56 is no
/// picture any more; the original's. The finest is where a drawn face at rest still looks as it did
/// with 4. The rate control goes there while nothing moves and comes back too slowly: with 4 the
/// first pictures to move again had 11 to 16 KB and kept the line busy for up to 350 ms, all that
/// followed came late, and a viewer's client held the pictures back for seconds.
const QUANTISER_MIN: c_uint = 24;
const QUANTISER_MAX: c_uint = 56;

/// Fill of the virtual buffer below which frames are dropped, in percent; the original's. So a low
/// rate costs frames before it costs the picture.
const DROP_BELOW_PERCENT: c_uint = 30;

/// The virtual buffer of the rate control, in ms of the target rate; the original's.
const BUFFER_MS: c_uint = 1000;
const BUFFER_INITIAL_MS: c_uint = 500;
const BUFFER_OPTIMAL_MS: c_uint = 600;

/// A key frame may take as much as the line carries in 300 ms, the original's: more stalls a thin
/// line. libvpx takes it in percent of an average frame, so it grows with the frame rate.
const KEY_FRAME_MAX: i64 = RTP_CLOCK_HZ as i64 * 3 / 10;

/// Changes of a block below this, in libvpx's measure, are noise and not coded.
const STATIC_THRESHOLD: c_uint = 100;

/// The longest a frame may stand for the rate control: 133 ms, two pictures of a face. A source
/// that rested has not saved bits meanwhile: one frame would keep the line busy for as long.
const DURATION_MAX: i64 = RTP_CLOCK_HZ as i64 * 2 / 15;

/// Frames with more pixels are refused: a header of ten bytes could else claim gigabytes.
pub(crate) const PIXELS_MAX: u32 = 4096 * 2304;

/// Why a frame was not encoded or decoded.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum Error {
    #[error("libvpx: {0}")]
    Codec(String),
    #[error("a frame of {width} x {height} pixels is not decoded or encoded")]
    Size { width: u32, height: u32 },
    #[error("the frame is damaged")]
    Damaged,
}

fn check(code: sys::vpx_codec_err_t) -> Result<(), Error> {
    if code == sys::VPX_CODEC_OK {
        return Ok(());
    }
    // SAFETY: returns a constant of the library for every number.
    let text = unsafe { CStr::from_ptr(sys::vpx_codec_err_to_string(code)) };
    Err(Error::Codec(text.to_string_lossy().into_owned()))
}

fn check_size(width: u32, height: u32) -> Result<(), Error> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > u64::from(PIXELS_MAX) || width.max(height) > 16_383 {
        return Err(Error::Size { width, height });
    }
    Ok(())
}

/// A codec's state; it stays where it is, as libvpx keeps pointers into it.
struct Context(Box<sys::vpx_codec_ctx_t>);

// SAFETY: libvpx binds a context to no thread; `&mut` on every call keeps callers apart.
unsafe impl Send for Context {}

impl Context {
    /// Sets one of the encoder's controls that take a number.
    fn set(&mut self, control: sys::vp8e_enc_control_id, value: c_int) -> Result<(), Error> {
        // SAFETY: the context is initialised; such a control takes one number as large as an int.
        check(unsafe { sys::vpx_codec_control_(&raw mut *self.0, control as c_int, value) })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context was initialised, see where `Context` is made, and is not used again.
        unsafe { sys::vpx_codec_destroy(&raw mut *self.0) };
    }
}

/// Encodes frames of one size.
pub(crate) struct Encoder {
    context: Context,
    config: sys::vpx_codec_enc_cfg_t,
    last_time: Option<i64>,
    /// The last frame's time as libvpx is told it: no frame lasts longer than [`DURATION_MAX`].
    told: i64,
}

// SAFETY: the configuration holds pointers only for two-pass encoding, which are null here.
unsafe impl Send for Encoder {}

/// An encoded frame.
pub(crate) struct Encoded<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) key: bool,
}

impl Encoder {
    pub(crate) fn new(width: u32, height: u32, bitrate_bps: u32) -> Result<Self, Error> {
        check_size(width, height)?;
        let mut config = MaybeUninit::<sys::vpx_codec_enc_cfg_t>::zeroed();
        // SAFETY: the interface is a constant of the library; the call fills the configuration, of
        // which zeroes are a valid value: it holds numbers and null pointers.
        let mut config = unsafe {
            check(sys::vpx_codec_enc_config_default(
                sys::vpx_codec_vp8_cx(),
                config.as_mut_ptr(),
                0,
            ))?;
            config.assume_init()
        };
        configure(&mut config, width, height, bitrate_bps);
        let mut context = Box::<sys::vpx_codec_ctx_t>::new_zeroed();
        // SAFETY: zeroes are what libvpx asks for in a context before its initialisation.
        let mut context = unsafe {
            let context_at = context.as_mut_ptr();
            check(sys::vpx_codec_enc_init_ver(
                context_at,
                sys::vpx_codec_vp8_cx(),
                &raw const config,
                0,
                sys::VPX_ENCODER_ABI_VERSION as c_int,
            ))?;
            Context(context.assume_init())
        };
        for (control, value) in [
            (sys::VP8E_SET_CPUUSED, SPEED),
            (sys::VP8E_SET_STATIC_THRESHOLD, STATIC_THRESHOLD as c_int),
            (sys::VP8E_SET_NOISE_SENSITIVITY, 0),
        ] {
            context.set(control, value)?;
        }
        Ok(Self { context, config, last_time: None, told: 0 })
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.config.g_w, self.config.g_h)
    }

    /// Aims at another bitrate from the next frame on.
    pub(crate) fn set_bitrate(&mut self, bps: u32) -> Result<(), Error> {
        let kbps = kbps(bps);
        if self.config.rc_target_bitrate == kbps {
            return Ok(());
        }
        self.config.rc_target_bitrate = kbps;
        // SAFETY: the context is initialised; libvpx copies the configuration.
        check(unsafe {
            sys::vpx_codec_enc_config_set(&raw mut *self.context.0, &raw const self.config)
        })
    }

    /// Encodes a frame of [`Self::size`] taken at `time` (90 kHz, rising). `None`: the rate control
    /// dropped it.
    pub(crate) fn encode(
        &mut self,
        picture: &Picture<'_>,
        time: i64,
        key: bool,
    ) -> Result<Option<Encoded<'_>>, Error> {
        if (picture.width, picture.height) != self.size() {
            return Err(Error::Size { width: picture.width, height: picture.height });
        }
        // What the frame before stood for is the best guess at what this one will.
        let since = self.last_time.map_or(i64::from(RTP_CLOCK_HZ / 15), |last| time - last);
        self.last_time = Some(time);
        let duration = since.clamp(1, DURATION_MAX);
        self.told += duration;
        if key {
            let percent = KEY_FRAME_MAX * 100 / duration;
            self.context.set(sys::VP8E_SET_MAX_INTRA_BITRATE_PCT, percent as c_int)?;
        }
        let image = image(picture);
        let flags = if key { sys::VPX_EFLAG_FORCE_KF } else { 0 };
        // SAFETY: the image points into `picture`, whose planes are as long as its sizes say (see
        // `Picture::new`); libvpx reads them during this call only.
        check(unsafe {
            sys::vpx_codec_encode(
                &raw mut *self.context.0,
                &raw const image,
                self.told,
                duration as std::ffi::c_ulong,
                flags as sys::vpx_enc_frame_flags_t,
                sys::VPX_DL_REALTIME as std::ffi::c_ulong,
            )
        })?;
        let mut iterator: sys::vpx_codec_iter_t = ptr::null();
        loop {
            // SAFETY: the iterator began as null and belongs to this call of encode.
            let packet = unsafe {
                sys::vpx_codec_get_cx_data(&raw mut *self.context.0, &raw mut iterator).as_ref()
            };
            let Some(packet) = packet else { return Ok(None) };
            if packet.kind != sys::VPX_CODEC_CX_FRAME_PKT {
                continue;
            }
            // SAFETY: a packet of this kind has this member of the union; its bytes live until the
            // next call with the context, which the borrow of `self` keeps away.
            return Ok(Some(unsafe {
                let frame = packet.data.frame;
                Encoded {
                    data: slice::from_raw_parts(frame.buf.cast(), frame.sz),
                    key: frame.flags & sys::VPX_FRAME_IS_KEY as sys::vpx_codec_frame_flags_t != 0,
                }
            }));
        }
    }
}

fn configure(config: &mut sys::vpx_codec_enc_cfg_t, width: u32, height: u32, bitrate_bps: u32) {
    config.g_w = width;
    config.g_h = height;
    config.g_timebase.num = 1;
    config.g_timebase.den = RTP_CLOCK_HZ as c_int;
    config.g_threads = 1;
    config.g_lag_in_frames = 0;
    config.g_error_resilient = sys::VPX_ERROR_RESILIENT_DEFAULT;
    config.rc_end_usage = sys::VPX_CBR;
    config.rc_target_bitrate = kbps(bitrate_bps);
    config.rc_dropframe_thresh = DROP_BELOW_PERCENT;
    config.rc_resize_allowed = 0;
    config.rc_min_quantizer = QUANTISER_MIN;
    config.rc_max_quantizer = QUANTISER_MAX;
    config.rc_undershoot_pct = 100;
    config.rc_overshoot_pct = 15;
    config.rc_buf_sz = BUFFER_MS;
    config.rc_buf_initial_sz = BUFFER_INITIAL_MS;
    config.rc_buf_optimal_sz = BUFFER_OPTIMAL_MS;
    // Key frames come when somebody asks for one.
    config.kf_mode = sys::VPX_KF_DISABLED;
}

fn kbps(bps: u32) -> c_uint {
    (bps / 1000).max(1)
}

fn image(picture: &Picture<'_>) -> sys::vpx_image_t {
    // SAFETY: an image is numbers and pointers, for which zeroes are valid values.
    let mut image: sys::vpx_image_t = unsafe { MaybeUninit::zeroed().assume_init() };
    image.fmt = sys::VPX_IMG_FMT_I420;
    (image.w, image.h) = (picture.width, picture.height);
    (image.d_w, image.d_h) = (picture.width, picture.height);
    (image.x_chroma_shift, image.y_chroma_shift) = (1, 1);
    image.bps = 12;
    image.bit_depth = 8;
    for (index, (plane, stride)) in picture.planes.iter().zip(picture.strides).enumerate() {
        image.planes[index] = plane.as_ptr().cast_mut();
        image.stride[index] = stride as c_int;
    }
    image
}

/// Decodes one stream.
pub(crate) struct Decoder {
    context: Context,
}

impl Decoder {
    pub(crate) fn new() -> Result<Self, Error> {
        let config = sys::vpx_codec_dec_cfg_t { threads: 1, w: 0, h: 0 };
        let mut context = Box::<sys::vpx_codec_ctx_t>::new_zeroed();
        // SAFETY: zeroes are what libvpx asks for in a context before its initialisation, and the
        // decoder copies its configuration.
        unsafe {
            let context_at = context.as_mut_ptr();
            check(sys::vpx_codec_dec_init_ver(
                context_at,
                sys::vpx_codec_vp8_dx(),
                &raw const config,
                0,
                sys::VPX_DECODER_ABI_VERSION as c_int,
            ))?;
            Ok(Self { context: Context(context.assume_init()) })
        }
    }

    /// Decodes a frame; any bytes are taken. `None`: it is not to be shown.
    pub(crate) fn decode(&mut self, data: &[u8]) -> Result<Option<Picture<'_>>, Error> {
        if let Some((width, height)) = key_frame_size(data) {
            check_size(width, height)?;
        }
        // libvpx takes no data for "the frame is lost".
        let len = c_uint::try_from(data.len()).map_err(|_| Error::Damaged)?;
        if len == 0 {
            return Err(Error::Damaged);
        }
        let context = &raw mut *self.context.0;
        // SAFETY: the bytes are read during this call only.
        check(unsafe { sys::vpx_codec_decode(context, data.as_ptr(), len, ptr::null_mut(), 0) })?;
        let mut damaged: c_int = 0;
        // SAFETY: this control writes one int.
        check(unsafe {
            let control = sys::VP8D_GET_FRAME_CORRUPTED as c_int;
            sys::vpx_codec_control_(context, control, &raw mut damaged)
        })?;
        if damaged != 0 {
            return Err(Error::Damaged);
        }
        let mut iterator: sys::vpx_codec_iter_t = ptr::null();
        // SAFETY: the iterator began as null and belongs to this call of decode.
        let image = unsafe { sys::vpx_codec_get_frame(context, &raw mut iterator).as_ref() };
        image.map(view).transpose()
    }
}

/// What libvpx decoded, until its next call.
fn view(image: &sys::vpx_image_t) -> Result<Picture<'_>, Error> {
    let (width, height) = (image.d_w, image.d_h);
    if image.fmt != sys::VPX_IMG_FMT_I420 {
        return Err(Error::Codec("the decoded picture is not I420".to_owned()));
    }
    check_size(width, height)?;
    let rows = [height, height.div_ceil(2), height.div_ceil(2)];
    let row_lens = [width, width.div_ceil(2), width.div_ceil(2)];
    let mut planes: [&[u8]; 3] = [&[]; 3];
    let mut strides = [0; 3];
    for index in 0..3 {
        let stride = usize::try_from(image.stride[index]).map_err(|_| Error::Damaged)?;
        let len = stride * (rows[index] as usize - 1) + row_lens[index] as usize;
        strides[index] = stride;
        // SAFETY: a plane of libvpx has a stride for each of its rows but the last, and in the last
        // at least the row; it lives until the next call with the context, which the borrow of the
        // decoder keeps away.
        planes[index] = unsafe { slice::from_raw_parts(image.planes[index], len) };
    }
    Picture::new(width, height, planes, strides).ok_or(Error::Damaged)
}

/// Whether these are the first bytes of a key frame (RFC 6386 section 9.1).
pub(crate) fn is_key_frame(data: &[u8]) -> bool {
    data.first().is_some_and(|byte| byte & 1 == 0)
}

/// Width and height that a key frame claims.
fn key_frame_size(data: &[u8]) -> Option<(u32, u32)> {
    let header = data.get(..10).filter(|header| is_key_frame(header))?;
    let number = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]) & 0x3fff);
    Some((number(6), number(8)))
}
