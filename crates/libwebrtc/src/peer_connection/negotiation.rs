//! Offer and answer.
//!
//! str0m changes its session when an offer of the other side or an answer is accepted, and keeps
//! what it needs for that in a [`SdpPendingOffer`]. So `set_local_description` looks at which
//! description it is given, not into it: callers edit SDP text for the other side's eyes.

use std::time::Instant;

use str0m::{
    Candidate,
    change::{SdpAnswer, SdpOffer, SdpPendingOffer},
    channel::ChannelConfig,
    media::{Direction, MediaKind, Mid, Simulcast, SimulcastLayer},
    net::Protocol,
};

use super::{
    IceGatheringState, OfferOptions, SignalingState, TrackEvent,
    core::Core,
    events::Event,
    net::Sockets,
    sdp::{self, Section},
};
use crate::{
    MediaType, RtcError,
    ice_candidate::IceCandidate,
    rtp_transceiver::{RtpTransceiver, RtpTransceiverDirection},
    session_description::{SdpType, SessionDescription},
};

/// Label of the channel that is never used: str0m adds the m-line for data with a channel that is
/// part of an offer, and only such a channel can be dropped again with its offer.
pub(super) const ANCHOR_LABEL: &str = "libwebrtc-anchor";

/// Such channels use ids from here on, each its own: str0m panics on one that was used before.
pub(super) const ANCHOR_ID_MIN: u16 = 65_000;
const ANCHOR_ID_MAX: u16 = 65_500;

/// Where the exchange of descriptions stands.
pub(super) struct Negotiation {
    signaling: SignalingState,
    /// The last offer made and not applied yet.
    created: Option<Created>,
    /// The offer that the other side has to answer.
    pending: Option<Created>,
    /// The answer to the other side's offer.
    answer: Option<String>,
    current_local: Option<SessionDescription>,
    pending_local: Option<SessionDescription>,
    current_remote: Option<SessionDescription>,
    pending_remote: Option<SessionDescription>,
    restart_ice: bool,
    has_data: bool,
    anchors: u16,
    announced: bool,
    needed_count: u32,
}

/// An offer of this side.
struct Created {
    pending: Pending,
    /// The m-lines that are new in it.
    new: Vec<(RtpTransceiver, Mid)>,
    with_data: bool,
}

enum Pending {
    Changes(SdpPendingOffer),
    /// Nothing can change: there are no m-lines but that for data, and it is there already.
    Nothing,
}

impl Default for Negotiation {
    fn default() -> Self {
        Self {
            signaling: SignalingState::Stable,
            created: None,
            pending: None,
            answer: None,
            current_local: None,
            pending_local: None,
            current_remote: None,
            pending_remote: None,
            restart_ice: false,
            has_data: false,
            anchors: 0,
            announced: false,
            needed_count: 0,
        }
    }
}

impl Negotiation {
    pub(super) fn signaling(&self) -> SignalingState {
        self.signaling
    }

    /// Whether the m-line for data was agreed on.
    pub(super) fn has_data(&self) -> bool {
        self.has_data
    }

    pub(super) fn close(&mut self) {
        self.signaling = SignalingState::Closed;
    }
}

impl Core {
    pub(crate) fn signaling_state(&self) -> SignalingState {
        self.negotiation.signaling
    }

    pub(crate) fn current_local_description(&self) -> Option<SessionDescription> {
        self.negotiation.current_local.clone()
    }

    pub(crate) fn current_remote_description(&self) -> Option<SessionDescription> {
        self.negotiation.current_remote.clone()
    }

    pub(crate) fn restart_ice(&mut self) {
        self.negotiation.restart_ice = true;
        self.negotiation_needed();
    }

    fn set_signaling(&mut self, state: SignalingState) {
        if self.negotiation.signaling != state {
            self.negotiation.signaling = state;
            self.push_event(Event::Signaling(state));
        }
    }

    pub(super) fn negotiation_needed(&mut self) {
        self.negotiation.needed_count += 1;
        self.push_event(Event::NegotiationNeeded(self.negotiation.needed_count));
    }

    /// Binds sockets, once, and makes their addresses part of all descriptions to come.
    fn gather(&mut self) {
        if self.gathered() {
            return;
        }
        self.set_gathering(IceGatheringState::Gathering);
        self.sockets = Sockets::bind();
        for address in self.sockets().addresses() {
            match Candidate::host(address, Protocol::Udp) {
                Ok(candidate) => {
                    self.rtc.add_local_candidate(candidate);
                }
                Err(error) => log::debug!("{address} is no candidate: {error}"),
            }
        }
    }

    fn gathered(&self) -> bool {
        self.sockets.addresses().next().is_some()
    }

    /// Tells the application of the local candidates, once.
    fn announce_candidates(&mut self) {
        if std::mem::replace(&mut self.negotiation.announced, true) {
            return;
        }
        let sections = self.negotiation.local_sections();
        let mid = sections.first().map_or("0", |section| section.mid.as_str()).to_owned();
        for address in self.sockets().addresses() {
            let Ok(candidate) = Candidate::host(address, Protocol::Udp) else {
                continue;
            };
            if let Ok(candidate) = IceCandidate::parse(&mid, 0, &candidate.to_sdp_string()) {
                self.push_event(Event::Candidate(candidate));
            }
        }
        self.set_gathering(IceGatheringState::Complete);
    }

    // This side's offer.

    pub(crate) fn create_offer(
        &mut self,
        options: &OfferOptions,
    ) -> Result<SessionDescription, RtcError> {
        for (wanted, kind) in [
            (options.offer_to_receive_audio, MediaType::Audio),
            (options.offer_to_receive_video, MediaType::Video),
        ] {
            if wanted && !self.transceivers.iter().any(|other| other.kind() == kind) {
                let direction = RtpTransceiverDirection::RecvOnly;
                self.new_transceiver(kind, direction, None, true, Vec::new());
            }
        }
        self.gather();
        self.advance(Instant::now());
        let restart = options.ice_restart || self.negotiation.restart_ice;
        // Nothing can be restarted before there is something.
        let restart = restart && self.negotiation.current_remote.is_some();
        let (sdp, created) = self.make_offer(restart)?;
        self.negotiation.created = Some(created);
        Ok(SessionDescription::new(sdp, SdpType::Offer))
    }

    fn make_offer(&mut self, restart: bool) -> Result<(String, Created), RtcError> {
        let anchor = self.anchor();
        let with_data = anchor.is_some();
        let mut flip = None;
        let mut changes: Vec<(Mid, Direction)> = Vec::new();
        for transceiver in &self.transceivers {
            let Some(media) = transceiver.media_id().and_then(|mid| self.rtc.media(mid)) else {
                continue;
            };
            let wanted = transceiver.direction().to_media();
            if media.direction() != wanted && !media.disabled() {
                changes.push((media.mid(), wanted));
            }
            flip.get_or_insert((media.mid(), wanted));
        }
        let mut new = Vec::new();
        let mut api = self.rtc.sdp_api();
        if let Some(config) = anchor {
            api.add_channel_with_config(config);
        }
        for (mid, direction) in changes {
            api.set_direction(mid, direction);
        }
        for transceiver in &self.transceivers {
            use RtpTransceiverDirection::Stopped;
            if transceiver.media_id().is_some() || transceiver.direction() == Stopped {
                continue;
            }
            let mid = api.add_media(
                media_kind(transceiver.kind()),
                transceiver.direction().to_media(),
                transceiver.stream_id(),
                transceiver.sender().track().map(|track| track.id()),
                simulcast(&transceiver.sender().layer_names()),
            );
            new.push((transceiver.clone(), mid));
        }
        if restart {
            api.ice_restart(true);
        }
        if !api.has_changes()
            && let Some((mid, direction)) = flip
        {
            // str0m makes no offer without a change: change something, and change it back.
            let other = match direction {
                Direction::SendRecv => Direction::SendOnly,
                _ => Direction::SendRecv,
            };
            api.set_direction(mid, other);
            api.set_direction(mid, direction);
        }
        match api.apply() {
            Some((offer, pending)) => {
                let created = Created { pending: Pending::Changes(pending), new, with_data };
                Ok((offer.to_sdp_string(), created))
            }
            None => {
                let last = self.negotiation.current_local.as_ref().ok_or_else(|| {
                    RtcError::internal("there is nothing to offer: no media and no data channel")
                })?;
                let created = Created { pending: Pending::Nothing, new, with_data };
                Ok((last.sdp().replace("a=setup:active", "a=setup:actpass"), created))
            }
        }
    }

    /// The channel that brings the m-line for data into an offer, if the offer needs one.
    fn anchor(&mut self) -> Option<ChannelConfig> {
        if self.channels.is_empty() || self.negotiation.has_data {
            return None;
        }
        let id = ANCHOR_ID_MIN + self.negotiation.anchors;
        if id > ANCHOR_ID_MAX {
            log::error!("too many offers without an answer: no data channels in this one");
            return None;
        }
        self.negotiation.anchors += 1;
        Some(ChannelConfig {
            label: ANCHOR_LABEL.to_owned(),
            negotiated: Some(id),
            ..Default::default()
        })
    }

    // The other side's offer.

    pub(crate) fn create_answer(&self) -> Result<SessionDescription, RtcError> {
        match &self.negotiation.answer {
            Some(sdp) => Ok(SessionDescription::new(sdp.clone(), SdpType::Answer)),
            None => Err(RtcError::invalid_state("there is no offer to answer")),
        }
    }

    // Setting descriptions.

    pub(crate) fn set_local_description(
        &mut self,
        desc: SessionDescription,
    ) -> Result<(), RtcError> {
        match desc.sdp_type() {
            SdpType::Offer => self.apply_own_offer(desc),
            SdpType::Answer => self.apply_own_answer(desc),
            SdpType::Rollback => {
                self.roll_back();
                Ok(())
            }
            SdpType::PrAnswer => Err(RtcError::internal("provisional answers are not supported")),
        }
    }

    fn apply_own_offer(&mut self, desc: SessionDescription) -> Result<(), RtcError> {
        if self.negotiation.signaling == SignalingState::HaveRemoteOffer {
            return Err(RtcError::invalid_state("the other side's offer is not answered yet"));
        }
        let created = self.negotiation.created.take().ok_or_else(|| {
            RtcError::invalid_state("only the last offer made by create_offer can be set")
        })?;
        for (transceiver, mid) in &created.new {
            transceiver.set_media_id(*mid);
        }
        self.negotiation.pending = Some(created);
        self.negotiation.pending_local = Some(desc);
        self.set_signaling(SignalingState::HaveLocalOffer);
        self.announce_candidates();
        Ok(())
    }

    fn apply_own_answer(&mut self, desc: SessionDescription) -> Result<(), RtcError> {
        if self.negotiation.answer.take().is_none() {
            return Err(RtcError::invalid_state("there is no offer to answer"));
        }
        self.negotiation.current_remote = self.negotiation.pending_remote.take();
        self.complete(Some(desc));
        Ok(())
    }

    /// Both sides agree.
    fn complete(&mut self, local: Option<SessionDescription>) {
        self.negotiation.current_local = local;
        self.negotiation.pending_local = None;
        for transceiver in &self.transceivers {
            if let Some(media) = transceiver.media_id().and_then(|mid| self.rtc.media(mid)) {
                let direction = RtpTransceiverDirection::from_media(media.direction());
                transceiver.set_current_direction(direction);
            }
        }
        let restarted = std::mem::take(&mut self.negotiation.restart_ice);
        self.set_signaling(SignalingState::Stable);
        self.announce_candidates();
        self.begin_connecting(Instant::now(), restarted);
    }

    fn roll_back(&mut self) {
        if let Some(pending) = self.negotiation.pending.take() {
            for (transceiver, _) in pending.new {
                transceiver.clear_media_id();
            }
        }
        self.negotiation.pending_local = None;
        self.negotiation.pending_remote = None;
        self.negotiation.answer = None;
        self.set_signaling(SignalingState::Stable);
    }

    pub(crate) fn set_remote_description(
        &mut self,
        desc: SessionDescription,
    ) -> Result<(), RtcError> {
        match desc.sdp_type() {
            SdpType::Offer => self.accept_offer(desc),
            SdpType::Answer => self.accept_answer(desc),
            SdpType::Rollback => {
                self.roll_back();
                Ok(())
            }
            SdpType::PrAnswer => Err(RtcError::internal("provisional answers are not supported")),
        }
    }

    fn accept_offer(&mut self, desc: SessionDescription) -> Result<(), RtcError> {
        let offer = SdpOffer::from_sdp_string(desc.sdp()).map_err(|error| invalid(&error))?;
        // An offer of ours that crossed it is given up, as with an implicit rollback.
        self.roll_back();
        self.gather();
        self.advance(Instant::now());
        let answer = self.rtc.sdp_api().accept_offer(offer).map_err(|error| invalid(&error))?;
        self.negotiation.answer = Some(answer.to_sdp_string());
        self.set_signaling(SignalingState::HaveRemoteOffer);
        self.apply_remote(&sdp::scan(desc.sdp()));
        self.negotiation.pending_remote = Some(desc);
        Ok(())
    }

    fn accept_answer(&mut self, desc: SessionDescription) -> Result<(), RtcError> {
        if self.negotiation.signaling != SignalingState::HaveLocalOffer {
            return Err(RtcError::invalid_state("there is no offer that this could answer"));
        }
        // LiveKit's SDK says with the last answer once more: forget the offer.
        let is_last = |last: &SessionDescription| last.sdp() == desc.sdp();
        if self.negotiation.current_remote.as_ref().is_some_and(is_last) {
            self.roll_back();
            return Ok(());
        }
        let answer = SdpAnswer::from_sdp_string(desc.sdp()).map_err(|error| invalid(&error))?;
        let Some(created) = self.negotiation.pending.take() else {
            return Err(RtcError::invalid_state("there is no offer that this could answer"));
        };
        match created.pending {
            Pending::Changes(pending) => {
                let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
                if let Err(error) = accepted {
                    for (transceiver, _) in created.new {
                        transceiver.clear_media_id();
                    }
                    self.roll_back();
                    return Err(invalid(&error));
                }
            }
            Pending::Nothing => {}
        }
        self.negotiation.has_data |= created.with_data;
        self.apply_remote(&sdp::scan(desc.sdp()));
        self.negotiation.current_remote = Some(desc);
        let local = self.negotiation.pending_local.take();
        self.complete(local);
        Ok(())
    }

    /// Takes over what the other side says of its tracks.
    fn apply_remote(&mut self, sections: &[Section]) {
        for section in sections {
            match section.kind {
                MediaType::Audio | MediaType::Video => self.apply_section(section),
                MediaType::Data if !section.rejected => self.negotiation.has_data = true,
                MediaType::Data | MediaType::Unsupported => {}
            }
        }
        if self.negotiation.has_data {
            self.open_channels();
        }
    }

    fn apply_section(&mut self, section: &Section) {
        let mid = Mid::from(section.mid.as_str());
        if self.rtc.media(mid).is_none() {
            return;
        }
        let transceiver = match self.transceiver_of(mid) {
            Some(transceiver) => transceiver.clone(),
            None => self.adopt(section, mid),
        };
        if let Some(settings) = section.opus {
            transceiver.sender().audio().configure(settings);
        }
        if !section.sends() {
            return transceiver.receiver().end_track();
        }
        // Without a name the track is still one: name it after its m-line.
        let msid = section.msid.clone().unwrap_or_else(|| ("-".to_owned(), section.mid.clone()));
        let receiver = transceiver.receiver();
        if let Some((track, streams)) = receiver.begin_track(msid) {
            let event = TrackEvent { receiver, streams, track, transceiver };
            self.push_event(Event::Track(Box::new(event)));
        }
    }

    /// A transceiver for an m-line that the other side added: one that waits for an m-line, else
    /// a new one.
    fn adopt(&mut self, section: &Section, mid: Mid) -> RtpTransceiver {
        let waiting = self.transceivers.iter().find(|transceiver| {
            transceiver.is_reusable()
                && transceiver.media_id().is_none()
                && transceiver.kind() == section.kind
        });
        let transceiver = match waiting.cloned() {
            Some(transceiver) => transceiver,
            None => {
                let direction = RtpTransceiverDirection::RecvOnly;
                self.new_transceiver(section.kind, direction, None, true, Vec::new())
            }
        };
        transceiver.set_media_id(mid);
        transceiver
    }

    pub(crate) fn add_ice_candidate(&mut self, candidate: &IceCandidate) -> Result<(), RtcError> {
        let negotiation = &self.negotiation;
        if negotiation.current_remote.is_none() && negotiation.pending_remote.is_none() {
            return Err(RtcError::invalid_state("there is no remote description yet"));
        }
        let line = candidate.line();
        let mut fields = line.split_ascii_whitespace();
        let transport = fields.nth(2).map(str::to_ascii_lowercase);
        let address = fields.nth(1);
        let unusable = transport.as_deref() != Some("udp")
            || address.is_some_and(|address| address.ends_with(".local"));
        if line.is_empty() || (line.starts_with("candidate:") && unusable) {
            return Ok(());
        }
        let candidate = Candidate::from_sdp_string(line)
            .map_err(|error| RtcError::invalid_sdp(format!("{line}: {error}")))?;
        self.rtc.add_remote_candidate(candidate);
        Ok(())
    }
}

impl Negotiation {
    fn local_sections(&self) -> Vec<Section> {
        let local = self.pending_local.as_ref().or(self.current_local.as_ref());
        local.map(|local| sdp::scan(local.sdp())).unwrap_or_default()
    }
}

fn media_kind(kind: MediaType) -> MediaKind {
    match kind {
        MediaType::Video => MediaKind::Video,
        _ => MediaKind::Audio,
    }
}

/// Several layers under one m-line; a single one needs no name.
fn simulcast(layers: &[String]) -> Option<Simulcast> {
    if layers.is_empty() {
        return None;
    }
    let mut simulcast = Simulcast::new();
    for layer in layers {
        simulcast.add_send_layer(SimulcastLayer::new(layer));
    }
    Some(simulcast)
}

fn invalid(error: &impl std::fmt::Display) -> RtcError {
    RtcError::invalid_sdp(error.to_string())
}
