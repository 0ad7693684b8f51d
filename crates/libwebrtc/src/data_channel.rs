//! Data channels.

use std::{
    fmt,
    str::Utf8Error,
    sync::{Arc, OnceLock, Weak},
};

use parking_lot::Mutex;
use str0m::channel::ChannelId;
use thiserror::Error;

use crate::{peer_connection::shared::Shared, rtp_parameters::Priority};

/// How a data channel is made.
#[derive(Clone, Debug)]
pub struct DataChannelInit {
    pub ordered: bool,
    /// Milliseconds.
    pub max_retransmit_time: Option<i32>,
    pub max_retransmits: Option<i32>,
    pub protocol: String,
    /// Both sides make the channel with the same `id`, nothing is said in band.
    pub negotiated: bool,
    pub id: i32,
    pub priority: Option<Priority>,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_retransmit_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: false,
            id: -1,
            priority: None,
        }
    }
}

/// Why a message was not sent.
#[derive(Debug, Error)]
pub enum DataChannelError {
    #[error("failed to send data, dc not open? send buffer is full ?")]
    Send,
    #[error("only utf8 strings can be sent")]
    Utf8(#[from] Utf8Error),
}

/// Life of a data channel.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum DataChannelState {
    Connecting,
    Open,
    Closing,
    Closed,
}

/// A received message.
#[derive(Debug)]
pub struct DataBuffer<'a> {
    pub data: &'a [u8],
    pub binary: bool,
}

pub type OnStateChange = Box<dyn FnMut(DataChannelState) + Send + Sync>;
pub type OnMessage = Box<dyn FnMut(DataBuffer) + Send + Sync>;
/// Called with the number of bytes that left the send buffer.
pub type OnBufferedAmountChange = Box<dyn FnMut(u64) + Send + Sync>;

/// A bidirectional channel of messages.
#[derive(Clone)]
pub struct DataChannel {
    inner: Arc<Inner>,
}

struct Inner {
    peer: Weak<Shared>,
    /// Unset until there is an association that the channel can be opened on.
    channel: OnceLock<ChannelId>,
    label: String,
    /// SCTP stream, where it was negotiated by the application.
    id: Option<u16>,
    state: Mutex<Progress>,
    on_state_change: Mutex<Option<OnStateChange>>,
    on_message: Mutex<Option<OnMessage>>,
    on_buffered_amount_change: Mutex<Option<OnBufferedAmountChange>>,
}

/// State and counts of a channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) state: DataChannelState,
    /// Bytes taken from the application and not yet handed to the network.
    pub(crate) buffered: u64,
    pub(crate) messages_sent: u32,
    pub(crate) bytes_sent: u64,
    pub(crate) messages_received: u32,
    pub(crate) bytes_received: u64,
}

impl DataChannel {
    pub(crate) fn new(
        peer: Weak<Shared>,
        label: &str,
        id: Option<u16>,
        state: DataChannelState,
    ) -> Self {
        let progress = Progress {
            state,
            buffered: 0,
            messages_sent: 0,
            bytes_sent: 0,
            messages_received: 0,
            bytes_received: 0,
        };
        Self {
            inner: Arc::new(Inner {
                peer,
                channel: OnceLock::new(),
                label: label.to_owned(),
                id,
                state: Mutex::new(progress),
                on_state_change: Mutex::new(None),
                on_message: Mutex::new(None),
                on_buffered_amount_change: Mutex::new(None),
            }),
        }
    }

    /// Queues a message.
    ///
    /// # Errors
    /// When the channel is not open, its buffer is full, the message is larger than the other side
    /// accepts, or text is not UTF-8.
    pub fn send(&self, data: &[u8], binary: bool) -> Result<(), DataChannelError> {
        if !binary {
            str::from_utf8(data)?;
        }
        let peer = self.inner.peer.upgrade().ok_or(DataChannelError::Send)?;
        peer.send_data(self, data, binary)
    }

    /// The SCTP stream, -1 while it is not known.
    pub fn id(&self) -> i32 {
        let known = self.inner.id.or_else(|| {
            let channel = self.channel_id()?;
            self.inner.peer.upgrade().and_then(|peer| peer.stream_of(channel))
        });
        known.map_or(-1, i32::from)
    }

    pub fn label(&self) -> String {
        self.inner.label.clone()
    }

    pub fn state(&self) -> DataChannelState {
        self.inner.state.lock().state
    }

    pub fn close(&self) {
        if let Some(peer) = self.inner.peer.upgrade() {
            peer.close_data_channel(self);
        }
    }

    /// Bytes taken by [`Self::send`] and not yet handed to the network.
    pub fn buffered_amount(&self) -> u64 {
        self.inner.state.lock().buffered
    }

    pub fn on_state_change(&self, callback: Option<OnStateChange>) {
        *self.inner.on_state_change.lock() = callback;
    }

    pub fn on_message(&self, callback: Option<OnMessage>) {
        *self.inner.on_message.lock() = callback;
    }

    pub fn on_buffered_amount_change(&self, callback: Option<OnBufferedAmountChange>) {
        *self.inner.on_buffered_amount_change.lock() = callback;
    }

    pub(crate) fn channel_id(&self) -> Option<ChannelId> {
        self.inner.channel.get().copied()
    }

    pub(crate) fn set_channel_id(&self, channel: ChannelId) {
        // Set once by the core; a second channel for the same handle cannot come about.
        let _ = self.inner.channel.set(channel);
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn negotiated_id(&self) -> Option<u16> {
        self.inner.id
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.inner.state.lock()
    }

    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Progress) -> T) -> T {
        change(&mut self.inner.state.lock())
    }

    pub(crate) fn notify_state(&self, state: DataChannelState) {
        if let Some(callback) = self.inner.on_state_change.lock().as_mut() {
            callback(state);
        }
    }

    pub(crate) fn notify_message(&self, data: &[u8], binary: bool) {
        if let Some(callback) = self.inner.on_message.lock().as_mut() {
            callback(DataBuffer { data, binary });
        }
    }

    pub(crate) fn notify_sent(&self, bytes: u64) {
        if let Some(callback) = self.inner.on_buffered_amount_change.lock().as_mut() {
            callback(bytes);
        }
    }
}

impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel")
            .field("label", &self.inner.label)
            .field("state", &self.state())
            .finish()
    }
}
