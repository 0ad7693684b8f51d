//! Tracks that are sent, and the transceivers that carry them.

use super::core::Core;
use crate::{
    MediaType, RtcError,
    media_stream_track::MediaStreamTrack,
    rtp_parameters::RtpEncodingParameters,
    rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
    rtp_transceiver::{RtpTransceiver, RtpTransceiverDirection, RtpTransceiverInit},
};

impl Core {
    pub(super) fn new_transceiver(
        &mut self,
        kind: MediaType,
        direction: RtpTransceiverDirection,
        stream_id: Option<String>,
        reusable: bool,
        encodings: Vec<RtpEncodingParameters>,
    ) -> RtpTransceiver {
        let sender = RtpSender::new(self.me.clone(), kind, encodings);
        let receiver = RtpReceiver::new(self.me.clone(), kind);
        let transceiver =
            RtpTransceiver::new(kind, direction, stream_id, reusable, sender, receiver);
        self.transceivers.push(transceiver.clone());
        transceiver
    }

    pub(crate) fn add_transceiver(
        &mut self,
        track: MediaStreamTrack,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        let transceiver = self.new_transceiver(
            track.kind(),
            init.direction,
            init.stream_ids.into_iter().next(),
            false,
            init.send_encodings,
        );
        transceiver.sender().set_track(Some(track))?;
        self.negotiation_needed();
        Ok(transceiver)
    }

    pub(crate) fn add_transceiver_for_media(
        &mut self,
        kind: MediaType,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        if !matches!(kind, MediaType::Audio | MediaType::Video) {
            return Err(RtcError::internal("a transceiver is for audio or for video"));
        }
        let stream_id = init.stream_ids.into_iter().next();
        let transceiver =
            self.new_transceiver(kind, init.direction, stream_id, false, init.send_encodings);
        self.negotiation_needed();
        Ok(transceiver)
    }

    pub(crate) fn add_track(
        &mut self,
        track: MediaStreamTrack,
        stream_id: Option<String>,
    ) -> Result<RtpSender, RtcError> {
        use RtpTransceiverDirection::{Inactive, RecvOnly, SendOnly, SendRecv};
        let sent = |transceiver: &RtpTransceiver| {
            transceiver.sender().track().is_some_and(|sent| sent.id() == track.id())
        };
        if self.transceivers.iter().any(sent) {
            return Err(RtcError::internal("the track is being sent already"));
        }
        let free = self.transceivers.iter().find(|transceiver| {
            transceiver.kind() == track.kind()
                && transceiver.sender().track().is_none()
                && matches!(transceiver.direction(), RecvOnly | Inactive)
                && transceiver.sender().was_never_sent()
        });
        let transceiver = match free.cloned() {
            Some(transceiver) => {
                transceiver.set_direction(match transceiver.direction() {
                    RecvOnly => SendRecv,
                    _ => SendOnly,
                });
                transceiver
            }
            None => self.new_transceiver(track.kind(), SendRecv, stream_id, true, Vec::new()),
        };
        transceiver.sender().set_track(Some(track))?;
        self.negotiation_needed();
        Ok(transceiver.sender())
    }

    pub(crate) fn remove_track(&mut self, sender: &RtpSender) -> Result<(), RtcError> {
        use RtpTransceiverDirection::{Inactive, RecvOnly, SendOnly, SendRecv};
        let transceiver =
            self.transceivers.iter().find(|transceiver| transceiver.has_sender(sender));
        let Some(transceiver) = transceiver.cloned() else {
            return Err(RtcError::internal("the sender is not of this peer connection"));
        };
        sender.set_track(None)?;
        match transceiver.direction() {
            SendRecv => transceiver.set_direction(RecvOnly),
            SendOnly => transceiver.set_direction(Inactive),
            _ => return Ok(()),
        }
        self.negotiation_needed();
        Ok(())
    }
}
