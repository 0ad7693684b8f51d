//! What the handles of one peer connection share.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Instant,
};

use parking_lot::Mutex;
use str0m::{channel::ChannelId, media::Mid};
use tokio::sync::Notify;

use super::{
    BitrateSettings, core::Core, events::Callbacks, media::AudioPacket, net::Sockets, task,
};
use crate::{
    RtcError,
    data_channel::{DataChannel, DataChannelError},
    peer_connection_factory::{IceTransportsType, RtcConfiguration},
    runtime,
    stats::RtcStats,
    video::send::VideoPackets,
};

/// One peer connection: its core behind a lock, its callbacks, and the wake-up of its task.
pub(crate) struct Shared {
    core: Mutex<Core>,
    callbacks: Callbacks,
    wake: Notify,
}

impl Shared {
    /// Makes a connection and starts its task.
    pub(crate) fn start(config: RtcConfiguration) -> Result<Arc<Self>, RtcError> {
        check(&config)?;
        let shared = Arc::new_cyclic(|me: &Weak<Self>| Self {
            core: Mutex::new(Core::new(me.clone(), &config, Instant::now())),
            callbacks: Callbacks::default(),
            wake: Notify::new(),
        });
        runtime::spawn(task::run(Arc::clone(&shared)));
        Ok(shared)
    }

    pub(crate) fn gone() -> RtcError {
        RtcError::invalid_state("the peer connection does not exist any more")
    }

    pub(crate) fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    /// A change by the application: refused once closed, drained at once, its events left to
    /// the task.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Core) -> Result<T, RtcError>,
    ) -> Result<T, RtcError> {
        let mut core = self.core.lock();
        if core.is_closed() {
            return Err(RtcError::invalid_state("the peer connection is closed"));
        }
        let result = change(&mut core);
        core.advance(Instant::now());
        drop(core);
        self.wake.notify_one();
        result
    }

    /// A look at the state, or a change that nothing has to be sent for.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Core) -> T) -> T {
        read(&mut self.core.lock())
    }

    pub(crate) fn close(&self) {
        self.core.lock().close(Instant::now());
        self.wake.notify_one();
    }

    pub(crate) fn set_configuration(&self, config: RtcConfiguration) -> Result<(), RtcError> {
        check(&config)?;
        self.change(|_| Ok(()))
    }

    pub(crate) fn set_bitrate(&self, settings: BitrateSettings) -> Result<(), RtcError> {
        // The original takes 32-bit numbers.
        let limit = |bps: Option<u64>| bps.map(|bps| bps.min(i32::MAX as u64));
        let (min, start, max) = (
            limit(settings.min_bitrate_bps),
            limit(settings.start_bitrate_bps),
            limit(settings.max_bitrate_bps),
        );
        let less = |a: Option<u64>, b: Option<u64>| a.zip(b).is_some_and(|(a, b)| a < b);
        for (wrong, text) in [
            (less(start, min), "start_bitrate_bps < min_bitrate_bps"),
            (less(max, start), "max_bitrate_bps < start_bitrate_bps"),
            (less(max, min), "max_bitrate_bps < min_bitrate_bps"),
        ] {
            if wrong {
                return Err(RtcError::internal(text));
            }
        }
        self.change(|core| {
            core.set_bitrate(settings);
            Ok(())
        })
    }

    pub(crate) fn stats(&self) -> Vec<RtcStats> {
        self.read(|core| core.report(None))
    }

    /// Reports about the sender or receiver of one track.
    pub(crate) fn stats_of(&self, track_id: &str) -> Vec<RtcStats> {
        self.read(|core| core.report(Some(track_id)))
    }

    pub(crate) fn send_data(
        &self,
        channel: &DataChannel,
        data: &[u8],
        binary: bool,
    ) -> Result<(), DataChannelError> {
        let mut core = self.core.lock();
        let sent = core.send_data(channel, data, binary);
        core.advance(Instant::now());
        self.wake_if_needed(core);
        sent
    }

    pub(crate) fn close_data_channel(&self, channel: &DataChannel) {
        let _ = self.change(|core| {
            core.close_data_channel(channel);
            Ok(())
        });
    }

    pub(crate) fn stream_of(&self, channel: ChannelId) -> Option<u16> {
        self.read(|core| core.stream_of(channel))
    }

    /// Sends a packet of an audio sender. Returns whether it was taken.
    pub(crate) fn send_audio(&self, mid: Mid, packet: AudioPacket) -> bool {
        let mut core = self.core.lock();
        let sent = core.send_audio(mid, packet);
        self.wake_if_needed(core);
        sent
    }

    /// Whether the other side is there for video of a sender.
    pub(crate) fn takes_video(&self, mid: Mid) -> bool {
        self.core.lock().takes_video(mid)
    }

    /// Sends a frame of a video sender. Returns whether it was taken.
    pub(crate) fn send_video(&self, mid: Mid, video: VideoPackets) -> bool {
        let mut core = self.core.lock();
        let sent = core.send_video(mid, video);
        self.wake_if_needed(core);
        sent
    }

    /// Asks the other side for a key frame of a stream.
    pub(crate) fn request_key_frame(&self, ssrc: u32) {
        let mut core = self.core.lock();
        core.request_key_frame(ssrc.into());
        core.advance(Instant::now());
        self.wake_if_needed(core);
    }

    /// The task needs to know only of events and of a nearer deadline.
    fn wake_if_needed(&self, core: parking_lot::MutexGuard<'_, Core>) {
        let needed = core.needs_task();
        drop(core);
        if needed {
            self.wake.notify_one();
        }
    }

    // What the task calls.

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Lets time pass. Returns when to do so again, `None` once there is nothing left to do.
    pub(crate) fn turn(&self, now: Instant) -> Option<Instant> {
        self.core.lock().turn(now)
    }

    pub(crate) fn receive(
        &self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
    ) {
        self.core.lock().receive(now, source, destination, datagram);
    }

    pub(crate) fn sockets(&self) -> Arc<Sockets> {
        self.core.lock().sockets()
    }

    /// Tells the application what happened, outside of the lock.
    pub(crate) fn dispatch(&self) {
        loop {
            let Some(event) = self.core.lock().next_event() else {
                return;
            };
            self.callbacks.dispatch(event);
        }
    }
}

fn check(config: &RtcConfiguration) -> Result<(), RtcError> {
    match config.ice_transport_type {
        IceTransportsType::All => Ok(()),
        IceTransportsType::Relay | IceTransportsType::NoHost => Err(RtcError::internal(
            "this libwebrtc has host candidates only: relays and reflexive candidates cannot be \
             had; allow host candidates or use the original crate",
        )),
    }
}
