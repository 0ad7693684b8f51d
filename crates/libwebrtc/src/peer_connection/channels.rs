//! Data channels of a peer connection.

use str0m::channel::{ChannelConfig, ChannelData, ChannelId, Reliability};

use super::{core::Core, events::Event, negotiation::ANCHOR_LABEL};
use crate::{
    RtcError,
    data_channel::{DataChannel, DataChannelError, DataChannelInit, DataChannelState},
};

impl Core {
    pub(crate) fn create_data_channel(
        &mut self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, RtcError> {
        let reliability = reliability(&init)?;
        let negotiated = self.negotiated_id(&init)?;
        let config = ChannelConfig {
            label: label.to_owned(),
            ordered: init.ordered,
            reliability,
            negotiated,
            protocol: init.protocol,
        };
        let state = DataChannelState::Connecting;
        let channel = DataChannel::new(self.me.clone(), label, negotiated, state);
        self.channels.push(channel.clone());
        self.unopened.push((channel.clone(), config));
        if self.negotiation.has_data() {
            self.open_channels();
        }
        Ok(channel)
    }

    /// Hands the channels made so far to str0m. Not before descriptions were exchanged: until then
    /// one can be closed again without the other side ever hearing of it, and str0m cannot.
    pub(super) fn open_channels(&mut self) {
        for (channel, config) in std::mem::take(&mut self.unopened) {
            channel.set_channel_id(self.rtc.direct_api().create_data_channel(config));
        }
    }

    /// The agreed SCTP stream, if there is to be one. str0m panics on one that is in use.
    fn negotiated_id(&mut self, init: &DataChannelInit) -> Result<Option<u16>, RtcError> {
        if !init.negotiated {
            return Ok(None);
        }
        let id = u16::try_from(init.id)
            .ok()
            .filter(|id| *id < super::negotiation::ANCHOR_ID_MIN)
            .ok_or_else(|| {
            RtcError::internal("a negotiated channel needs an id below 65000")
        })?;
        let api = self.rtc.direct_api();
        let in_use = api.channel_id_by_sctp_stream_id(id).is_some()
            || self.channels.iter().any(|channel| channel.negotiated_id() == Some(id));
        if in_use {
            return Err(RtcError::internal(format!("data channel id {id} is in use")));
        }
        Ok(Some(id))
    }

    fn channel_of(&self, id: ChannelId) -> Option<&DataChannel> {
        self.channels.iter().find(|channel| channel.channel_id() == Some(id))
    }

    pub(crate) fn stream_of(&mut self, id: ChannelId) -> Option<u16> {
        self.rtc.direct_api().sctp_stream_id_by_channel_id(id)
    }

    pub(crate) fn send_data(
        &mut self,
        channel: &DataChannel,
        data: &[u8],
        binary: bool,
    ) -> Result<(), DataChannelError> {
        if channel.state() != DataChannelState::Open {
            return Err(DataChannelError::Send);
        }
        let writer = channel.channel_id().and_then(|id| self.rtc.channel(id));
        let mut writer = writer.ok_or(DataChannelError::Send)?;
        match writer.write(binary, data) {
            Ok(true) => {
                channel.update(|progress| {
                    progress.buffered += data.len() as u64;
                    progress.bytes_sent += data.len() as u64;
                    progress.messages_sent += 1;
                });
                Ok(())
            }
            Ok(false) => Err(DataChannelError::Send),
            Err(error) => {
                log::debug!("a message on {} was refused: {error}", channel.label());
                Err(DataChannelError::Send)
            }
        }
    }

    /// Tells of bytes that left the channels' buffers since the last time.
    pub(super) fn report_sent_data(&mut self) {
        for index in 0..self.channels.len() {
            let channel = &self.channels[index];
            let before = channel.buffered_amount();
            if before == 0 {
                continue;
            }
            let now = channel
                .channel_id()
                .and_then(|id| self.rtc.channel(id))
                .map_or(0, |mut writer| writer.buffered_amount() as u64);
            if now < before {
                channel.update(|progress| progress.buffered = now);
                let channel = channel.clone();
                self.push_event(Event::Sent(channel, before - now));
            }
        }
    }

    pub(super) fn on_channel_open(&mut self, id: ChannelId, label: &str) {
        if label == ANCHOR_LABEL {
            return;
        }
        if let Some(channel) = self.channel_of(id).cloned() {
            return self.set_channel_state(&channel, DataChannelState::Open);
        }
        let channel = DataChannel::new(self.me.clone(), label, None, DataChannelState::Open);
        channel.set_channel_id(id);
        self.channels.push(channel.clone());
        self.push_event(Event::DataChannel(channel));
    }

    pub(super) fn on_channel_data(&mut self, data: ChannelData) {
        let Some(channel) = self.channel_of(data.id).cloned() else {
            return;
        };
        channel.update(|progress| {
            progress.messages_received += 1;
            progress.bytes_received += data.data.len() as u64;
        });
        self.push_event(Event::Message(channel, data.data, data.binary));
    }

    pub(super) fn on_channel_close(&mut self, id: ChannelId) {
        let Some(index) = self.channels.iter().position(|channel| channel.channel_id() == Some(id))
        else {
            return;
        };
        let channel = self.channels.swap_remove(index);
        self.set_channel_state(&channel, DataChannelState::Closed);
    }

    pub(crate) fn close_data_channel(&mut self, channel: &DataChannel) {
        let state = channel.state();
        if matches!(state, DataChannelState::Closing | DataChannelState::Closed) {
            return;
        }
        self.set_channel_state(channel, DataChannelState::Closing);
        if let Some(id) = channel.channel_id() {
            self.rtc.direct_api().close_data_channel(id);
        } else {
            self.unopened.retain(|(other, _)| !other.is_same(channel));
            self.channels.retain(|other| !other.is_same(channel));
            self.set_channel_state(channel, DataChannelState::Closed);
        }
    }

    pub(super) fn close_all_channels(&mut self) {
        self.unopened.clear();
        for channel in std::mem::take(&mut self.channels) {
            self.set_channel_state(&channel, DataChannelState::Closed);
        }
    }

    fn set_channel_state(&mut self, channel: &DataChannel, state: DataChannelState) {
        let before = channel.update(|progress| std::mem::replace(&mut progress.state, state));
        if before != state {
            self.reports.on_channel(state);
            self.push_event(Event::ChannelState(channel.clone(), state));
        }
    }
}

fn reliability(init: &DataChannelInit) -> Result<Reliability, RtcError> {
    let number = |value: i32| {
        u16::try_from(value)
            .map_err(|_| RtcError::internal(format!("{value} is out of range for a data channel")))
    };
    match (init.max_retransmit_time, init.max_retransmits) {
        (None, None) => Ok(Reliability::Reliable),
        (Some(ms), None) => Ok(Reliability::MaxPacketLifetime { lifetime: number(ms)? }),
        (None, Some(count)) => Ok(Reliability::MaxRetransmits { retransmits: number(count)? }),
        (Some(_), Some(_)) => {
            Err(RtcError::internal("a channel has a maximum of time or of retransmits, not both"))
        }
    }
}
