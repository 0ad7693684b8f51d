//! One peer connection without its sockets' waiting and its task: str0m, and what str0m leaves to
//! its user. Every change is followed by draining str0m's output.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use str0m::{
    Input, Output, Rtc, RtcConfig,
    channel::ChannelConfig,
    media::Mid,
    net::{Protocol, Receive},
    rtp::Ssrc,
};

use super::{
    IceConnectionState, IceGatheringState, PeerConnectionState, bandwidth::Bandwidth,
    events::Event, media::START_BITRATE, negotiation::Negotiation, net::Sockets, report::Reports,
    shared::Shared,
};
use crate::{
    data_channel::DataChannel, peer_connection_factory::RtcConfiguration,
    rtp_transceiver::RtpTransceiver,
};

/// Bytes that data channels may hold back; the original's limit. LiveKit's SDK keeps 2 MiB queued.
const DATA_BUFFER_LEN_MAX: usize = 16 << 20;

/// Unanswered connectivity checks after which a path counts as lost: about 8 s at str0m's pace,
/// near the 9 s after which the original reports a server that went away.
const STUN_RETRANSMITS_MAX: usize = 5;

/// How long a connection may take to come up, or come back, before it counts as failed. LiveKit's
/// SDK waits 15 s for the first.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The other side ended the DTLS session: no use in waiting longer for its return.
const REMOTE_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for the last words (RTCP BYE, DTLS close) to be handed to the network.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// How long to sleep when nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// State of one peer connection.
pub(crate) struct Core {
    pub(super) me: Weak<Shared>,
    pub(super) rtc: Rtc,
    pub(super) sockets: Arc<Sockets>,
    pub(super) negotiation: Negotiation,
    pub(super) transceivers: Vec<RtpTransceiver>,
    pub(super) channels: Vec<DataChannel>,
    /// Channels that str0m does not know yet.
    pub(super) unopened: Vec<(DataChannel, ChannelConfig)>,
    pub(super) reports: Reports,
    gathering: IceGatheringState,
    link: Link,
    events: VecDeque<Event>,
    /// Last sequence number by sender.
    pub(super) next_seq: HashMap<Ssrc, u64>,
    pub(super) bandwidth: Bandwidth,
    deadline: Instant,
    /// The deadline that the task sleeps to.
    armed: Instant,
}

/// What is known of the transport.
struct Link {
    ice: str0m::IceConnectionState,
    dtls_connected: bool,
    state: PeerConnectionState,
    ice_reported: IceConnectionState,
    /// When to give up, unless the connection comes up before.
    give_up_at: Option<Instant>,
    was_connected: bool,
    /// When to stop even if the last words are not out.
    closing_until: Option<Instant>,
    /// The other side was not told yet that this one closes.
    goodbye_owed: bool,
}

impl Core {
    pub(crate) fn new(me: Weak<Shared>, config: &RtcConfiguration, now: Instant) -> Self {
        let mut settings = RtcConfig::new()
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .enable_bwe(Some(START_BITRATE))
            .set_stats_interval(Some(Duration::from_secs(1)))
            .set_sctp_max_buffered_amount(DATA_BUFFER_LEN_MAX)
            .set_snap_enabled(config.enable_sctp_snap);
        settings.set_max_stun_retransmits(STUN_RETRANSMITS_MAX);
        Self {
            me,
            rtc: settings.build(now),
            sockets: Arc::default(),
            negotiation: Negotiation::default(),
            transceivers: Vec::new(),
            channels: Vec::new(),
            unopened: Vec::new(),
            reports: Reports::default(),
            gathering: IceGatheringState::New,
            link: Link {
                ice: str0m::IceConnectionState::New,
                dtls_connected: false,
                state: PeerConnectionState::New,
                ice_reported: IceConnectionState::New,
                give_up_at: None,
                was_connected: false,
                closing_until: None,
                goodbye_owed: false,
            },
            events: VecDeque::new(),
            next_seq: HashMap::new(),
            bandwidth: Bandwidth::default(),
            deadline: now,
            armed: now,
        }
    }

    pub(super) fn push_event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn sockets(&self) -> Arc<Sockets> {
        Arc::clone(&self.sockets)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.link.state == PeerConnectionState::Closed
    }

    pub(crate) fn connection_state(&self) -> PeerConnectionState {
        self.link.state
    }

    pub(crate) fn ice_connection_state(&self) -> IceConnectionState {
        self.link.ice_reported
    }

    pub(crate) fn ice_gathering_state(&self) -> IceGatheringState {
        self.gathering
    }

    pub(crate) fn transceivers(&self) -> Vec<RtpTransceiver> {
        if self.is_closed() { Vec::new() } else { self.transceivers.clone() }
    }

    /// Whether the task has something to do before its timer.
    pub(crate) fn needs_task(&self) -> bool {
        !self.events.is_empty() || self.deadline < self.armed
    }

    // Time and datagrams.

    /// Lets time pass. Returns when to do so again, `None` once everything is done.
    pub(crate) fn turn(&mut self, now: Instant) -> Option<Instant> {
        if now >= self.deadline {
            self.advance(now);
        }
        if let Some(until) = self.link.closing_until
            && (!self.rtc.is_alive() || now >= until)
        {
            return None;
        }
        self.armed = self.deadline;
        Some(self.deadline)
    }

    /// Lets time pass and sends what is to be sent.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.guarded(|rtc| rtc.handle_input(Input::Timeout(now)));
        self.drain(now);
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
    ) {
        let Ok(receive) = Receive::new(Protocol::Udp, source, destination, datagram) else {
            self.reports.datagrams_invalid += 1;
            return;
        };
        let input = Input::Receive(now, receive);
        // Anybody can send datagrams: one that does not fit must not end the connection.
        match catch_unwind(AssertUnwindSafe(|| self.rtc.handle_input(input))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.reports.datagrams_invalid += 1;
                log::debug!("a datagram from {source} was not understood: {error}");
            }
            Err(_) => self.fail("str0m panicked on a datagram"),
        }
        self.drain(now);
    }

    /// Runs a step of str0m; its failure or panic is the failure of this connection only.
    fn guarded<T>(
        &mut self,
        step: impl FnOnce(&mut Rtc) -> Result<T, str0m::RtcError>,
    ) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(|| step(&mut self.rtc))) {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                self.fail(&error.to_string());
                None
            }
            Err(_) => {
                self.fail("str0m panicked");
                None
            }
        }
    }

    fn fail(&mut self, reason: &str) {
        if self.link.closing_until.is_none() {
            log::warn!("the peer connection failed: {reason}");
            self.set_state(PeerConnectionState::Failed);
        }
        self.rtc.disconnect();
    }

    /// str0m refuses to close while SCTP is still being set up: then it is asked again with each
    /// datagram, as long as there is time.
    fn say_goodbye(&mut self) {
        match catch_unwind(AssertUnwindSafe(|| self.rtc.close())) {
            Ok(Ok(())) => self.link.goodbye_owed = false,
            Ok(Err(error)) => log::debug!("the peer connection cannot close yet: {error}"),
            Err(_) => self.fail("str0m panicked"),
        }
    }

    fn drain(&mut self, now: Instant) {
        if self.link.goodbye_owed {
            self.say_goodbye();
        }
        loop {
            match self.guarded(Rtc::poll_output) {
                Some(Output::Timeout(at)) => {
                    self.deadline = at.min(now + IDLE);
                    break;
                }
                Some(Output::Transmit(transmit)) => {
                    self.reports.count_sent(&self.sockets, &transmit);
                }
                Some(Output::Event(event)) => self.on_event(event, now),
                None => {
                    self.deadline = now + IDLE;
                    break;
                }
            }
        }
        self.report_sent_data();
        self.check_link(now);
    }

    fn on_event(&mut self, event: str0m::Event, now: Instant) {
        use str0m::Event as E;
        match event {
            E::Connected => self.link.dtls_connected = true,
            E::IceConnectionStateChange(state) => self.link.ice = state,
            E::Closed => self.link.give_up_at = Some(now + REMOTE_CLOSE_TIMEOUT),
            E::RtpPacket(packet) => self.on_rtp(packet),
            E::ChannelOpen(id, label) => self.on_channel_open(id, &label),
            E::ChannelData(data) => self.on_channel_data(data),
            E::ChannelClose(id) => self.on_channel_close(id),
            E::PeerStats(stats) => self.on_peer_stats(stats),
            E::MediaIngressStats(stats) => self.on_ingress_stats(stats, now),
            E::MediaEgressStats(stats) => self.on_egress_stats(stats),
            E::KeyframeRequest(request) => self.on_key_frame_request(request),
            E::EgressBitrateEstimate(estimate) => self.on_bandwidth(estimate),
            _ => {}
        }
    }

    // The transport's state.

    pub(super) fn set_gathering(&mut self, state: IceGatheringState) {
        if self.gathering != state {
            self.gathering = state;
            self.push_event(Event::Gathering(state));
        }
    }

    /// Descriptions of both sides are known: from now on the connection comes up or fails.
    pub(super) fn begin_connecting(&mut self, now: Instant, restart: bool) {
        if restart && self.link.state == PeerConnectionState::Failed && self.rtc.is_alive() {
            self.link.give_up_at = None;
            self.set_state(PeerConnectionState::Connecting);
        }
        if self.link.state == PeerConnectionState::New {
            self.set_state(PeerConnectionState::Connecting);
        }
        if self.link.state == PeerConnectionState::Connecting && self.link.give_up_at.is_none() {
            self.link.give_up_at = Some(now + CONNECT_TIMEOUT);
        }
    }

    fn check_link(&mut self, now: Instant) {
        use PeerConnectionState as S;
        if matches!(self.link.state, S::New | S::Failed | S::Closed) {
            return;
        }
        let remote_closed = !self.rtc.is_alive();
        let up = self.link.ice.is_connected() && self.link.dtls_connected && !remote_closed;
        if up {
            self.link.give_up_at = None;
            self.link.was_connected = true;
            self.set_state(S::Connected);
        } else if self.link.was_connected {
            self.set_state(S::Disconnected);
            self.link.give_up_at.get_or_insert(now + RECONNECT_TIMEOUT);
        }
        match self.link.give_up_at {
            Some(at) if now >= at => self.set_state(S::Failed),
            Some(at) => self.deadline = self.deadline.min(at),
            None => {}
        }
        self.report_ice();
    }

    fn set_state(&mut self, state: PeerConnectionState) {
        if self.link.state == state || self.is_closed() {
            return;
        }
        self.link.state = state;
        if state == PeerConnectionState::Failed {
            self.link.give_up_at = None;
        }
        self.push_event(Event::Connection(state));
        self.report_ice();
    }

    fn report_ice(&mut self) {
        use PeerConnectionState as S;
        let state = match (self.link.state, self.link.ice) {
            (S::Closed, _) => IceConnectionState::Closed,
            (S::Failed, _) => IceConnectionState::Failed,
            (S::New, _) => IceConnectionState::New,
            (_, str0m::IceConnectionState::Completed) => IceConnectionState::Completed,
            (_, str0m::IceConnectionState::Connected) => IceConnectionState::Connected,
            (S::Disconnected, _) => IceConnectionState::Disconnected,
            _ => IceConnectionState::Checking,
        };
        if self.link.ice_reported != state {
            self.link.ice_reported = state;
            self.push_event(Event::Ice(state));
        }
    }

    pub(crate) fn close(&mut self, now: Instant) {
        if self.is_closed() {
            return;
        }
        self.negotiation.close();
        self.push_event(Event::Signaling(self.negotiation.signaling()));
        self.set_state(PeerConnectionState::Closed);
        self.link.closing_until = Some(now + CLOSE_TIMEOUT);
        for transceiver in std::mem::take(&mut self.transceivers) {
            // The sender keeps its track: whoever holds the sender may ask for it.
            transceiver.sender().stop();
            transceiver.receiver().end_track();
        }
        self.close_all_channels();
        self.link.goodbye_owed = true;
        self.advance(now);
        // The task has to come by to see that the connection is closed.
        self.deadline = now;
    }

    // Media.

    pub(super) fn transceiver_of(&self, mid: Mid) -> Option<&RtpTransceiver> {
        self.transceivers.iter().find(|transceiver| transceiver.media_id() == Some(mid))
    }
}
