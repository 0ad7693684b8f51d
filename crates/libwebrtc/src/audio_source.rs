//! Audio sources: what feeds a local audio track.

/// Rate of a source without one of its own, in Hz.
pub const DEFAULT_SAMPLE_RATE: u32 = 48_000;

/// Channels of a source without a number of its own.
pub const DEFAULT_NUM_CHANNELS: u32 = 1;

/// Processing asked of the source. Kept, not applied: sources here are fed by the application.
#[derive(Default, Debug)]
pub struct AudioSourceOptions {
    pub echo_cancellation: bool,
    pub noise_suppression: bool,
    pub auto_gain_control: bool,
}

/// Where a local audio track takes its samples from.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum RtcAudioSource {
    /// Frames pushed by the application.
    Native(native::NativeAudioSource),
    /// A microphone. This build has no audio devices: such a track stays silent.
    Device,
}

impl RtcAudioSource {
    pub fn set_audio_options(&self, options: AudioSourceOptions) {
        if let Self::Native(source) = self {
            source.set_audio_options(options);
        }
    }

    pub fn audio_options(&self) -> AudioSourceOptions {
        match self {
            Self::Native(source) => source.audio_options(),
            Self::Device => AudioSourceOptions::default(),
        }
    }

    /// Hz.
    pub fn sample_rate(&self) -> u32 {
        match self {
            Self::Native(source) => source.sample_rate(),
            Self::Device => DEFAULT_SAMPLE_RATE,
        }
    }

    pub fn num_channels(&self) -> u32 {
        match self {
            Self::Native(source) => source.num_channels(),
            Self::Device => DEFAULT_NUM_CHANNELS,
        }
    }
}

/// Sources fed by the application.
pub mod native {
    use std::{
        collections::VecDeque,
        fmt,
        sync::{Arc, Weak},
        time::Instant,
    };

    use parking_lot::Mutex;
    use tokio::sync::Notify;

    use super::AudioSourceOptions;
    use crate::{
        RtcError,
        audio::{
            clock::{self, Ticker},
            sink::Sink,
        },
        audio_frame::AudioFrame,
        sinks::Sinks,
    };

    /// Ticks of 10 ms without samples after which a source counts as silent.
    const SILENT_AFTER_TICKS: u32 = 10;

    /// A source that the application pushes frames into.
    ///
    /// With a queue (`queue_size_ms` > 0), frames of any length go into it and leave it in real
    /// time; [`capture_frame`](Self::capture_frame) waits until no more than `queue_size_ms` are
    /// queued, so a caller can never run further ahead than twice that. Without a queue, frames
    /// of exactly 10 ms go straight on.
    #[derive(Clone)]
    pub struct NativeAudioSource {
        shared: Arc<Shared>,
    }

    struct Shared {
        sample_rate: u32,
        channels: u32,
        /// Interleaved samples that may be queued when `capture_frame` returns.
        queue_len: usize,
        options: Mutex<(bool, bool, bool)>,
        sinks: Sinks<dyn Sink>,
        queue: Mutex<Queue>,
        drained: Notify,
    }

    #[derive(Default)]
    struct Queue {
        samples: VecDeque<i16>,
        /// One tick's worth on its way to the sinks.
        outgoing: Vec<i16>,
        empty_ticks: u32,
    }

    impl fmt::Debug for NativeAudioSource {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("NativeAudioSource").finish()
        }
    }

    impl NativeAudioSource {
        /// `sample_rate` in Hz, `queue_size_ms` a multiple of 10 or 0 for no queue.
        ///
        /// # Panics
        /// When `queue_size_ms` is no multiple of 10, or rate or channels are 0.
        pub fn new(
            options: AudioSourceOptions,
            sample_rate: u32,
            num_channels: u32,
            queue_size_ms: u32,
        ) -> NativeAudioSource {
            assert!(queue_size_ms.is_multiple_of(10), "queue_size_ms must be a multiple of 10");
            assert!(sample_rate >= 100 && num_channels > 0, "a source needs a rate and channels");
            let tick_len = (sample_rate / 100) as usize * num_channels as usize;
            let shared = Arc::new(Shared {
                sample_rate,
                channels: num_channels,
                queue_len: tick_len * (queue_size_ms / 10) as usize,
                options: Mutex::default(),
                sinks: Sinks::default(),
                queue: Mutex::default(),
                drained: Notify::new(),
            });
            if queue_size_ms > 0 {
                let ticker: Weak<Shared> = Arc::downgrade(&shared);
                clock::register(ticker);
            }
            let source = Self { shared };
            source.set_audio_options(options);
            source
        }

        pub(crate) fn sinks(&self) -> &Sinks<dyn Sink> {
            &self.shared.sinks
        }

        /// Forgets what is queued and lets a waiting [`capture_frame`](Self::capture_frame) go on.
        pub fn clear_buffer(&self) {
            self.shared.queue.lock().samples.clear();
            self.shared.drained.notify_waiters();
        }

        /// Queues a frame, or hands it on when there is no queue.
        ///
        /// # Errors
        /// When rate or channels are not the source's, when the queue is full because of another
        /// caller, or when a frame is not 10 ms long and there is no queue.
        pub async fn capture_frame(&self, frame: &AudioFrame<'_>) -> Result<(), RtcError> {
            let shared = &*self.shared;
            if (frame.sample_rate, frame.num_channels) != (shared.sample_rate, shared.channels) {
                return Err(RtcError::invalid_state("sample_rate and num_channels don't match"));
            }
            if !frame.data.len().is_multiple_of(shared.channels as usize) {
                return Err(RtcError::invalid_state("the channels of the frame are not complete"));
            }
            if shared.queue_len == 0 {
                return shared.pass_on(&frame.data);
            }
            for chunk in frame.data.chunks(shared.queue_len) {
                shared.enqueue(chunk)?;
                shared.wait_for_room().await;
            }
            Ok(())
        }

        pub fn set_audio_options(&self, options: AudioSourceOptions) {
            *self.shared.options.lock() =
                (options.echo_cancellation, options.noise_suppression, options.auto_gain_control);
        }

        pub fn audio_options(&self) -> AudioSourceOptions {
            let (echo_cancellation, noise_suppression, auto_gain_control) =
                *self.shared.options.lock();
            AudioSourceOptions { echo_cancellation, noise_suppression, auto_gain_control }
        }

        pub fn sample_rate(&self) -> u32 {
            self.shared.sample_rate
        }

        pub fn num_channels(&self) -> u32 {
            self.shared.channels
        }
    }

    impl Shared {
        fn tick_len(&self) -> usize {
            (self.sample_rate / 100) as usize * self.channels as usize
        }

        fn pass_on(&self, samples: &[i16]) -> Result<(), RtcError> {
            if samples.len() != self.tick_len() {
                return Err(RtcError::invalid_state(format!(
                    "without a queue a frame is 10 ms long: got {} samples, expected {}",
                    samples.len(),
                    self.tick_len()
                )));
            }
            self.sinks.for_each(|sink| sink.on_audio(samples, self.sample_rate, self.channels));
            Ok(())
        }

        fn enqueue(&self, chunk: &[i16]) -> Result<(), RtcError> {
            let mut queue = self.queue.lock();
            if queue.samples.len() + chunk.len() > 2 * self.queue_len {
                return Err(RtcError::invalid_state(
                    "the queue is full: wait for one capture_frame before the next",
                ));
            }
            queue.samples.extend(chunk);
            Ok(())
        }

        async fn wait_for_room(&self) {
            loop {
                let drained = self.drained.notified();
                tokio::pin!(drained);
                drained.as_mut().enable();
                if self.queue.lock().samples.len() <= self.queue_len {
                    return;
                }
                drained.await;
            }
        }
    }

    impl Ticker for Shared {
        fn tick(&self, _now: Instant) {
            let mut queue = self.queue.lock();
            let tick_len = self.tick_len();
            if queue.samples.len() < tick_len {
                queue.empty_ticks = queue.empty_ticks.saturating_add(1);
            } else {
                queue.empty_ticks = 0;
            }
            // A piece that does not fill a tick waits for the rest, which may only be late; when
            // nothing more comes it is completed with silence.
            let silent = queue.empty_ticks >= SILENT_AFTER_TICKS;
            if queue.empty_ticks > 0 && (!silent || queue.samples.is_empty()) {
                drop(queue);
                return self.sinks.for_each(|sink| sink.on_gap(silent));
            }
            let mut outgoing = std::mem::take(&mut queue.outgoing);
            outgoing.clear();
            let available = tick_len.min(queue.samples.len());
            outgoing.extend(queue.samples.drain(..available));
            outgoing.resize(tick_len, 0);
            let has_room = queue.samples.len() <= self.queue_len;
            drop(queue);
            if has_room {
                self.drained.notify_waiters();
            }
            self.sinks.for_each(|sink| sink.on_audio(&outgoing, self.sample_rate, self.channels));
            self.queue.lock().outgoing = outgoing;
        }
    }
}
