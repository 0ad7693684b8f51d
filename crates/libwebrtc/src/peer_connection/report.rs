//! What is counted, and the statistics reports made of it.

use str0m::{
    net::Transmit,
    stats::{MediaEgressStats, MediaIngressStats, PeerStats},
};

use super::{core::Core, net::Sockets};
use crate::stats::RtcStats;

/// Counts of a connection.
#[derive(Default)]
pub(crate) struct Reports {
    pub(super) peer: Option<PeerStats>,
    pub(super) datagrams_invalid: u64,
    pub(super) packets_unclaimed: u64,
    datagrams_sent: u64,
    datagrams_unsent: u64,
    ingress: Vec<MediaIngressStats>,
    egress: Vec<MediaEgressStats>,
}

impl Reports {
    pub(super) fn count_sent(&mut self, sockets: &Sockets, transmit: &Transmit) {
        if sockets.send(transmit) {
            self.datagrams_sent += 1;
        } else {
            self.datagrams_unsent += 1;
        }
    }

    pub(super) fn on_ingress(&mut self, stats: MediaIngressStats) {
        self.ingress.retain(|other| other.mid != stats.mid);
        self.ingress.push(stats);
    }

    pub(super) fn on_egress(&mut self, stats: MediaEgressStats) {
        self.egress.retain(|other| other.mid != stats.mid);
        self.egress.push(stats);
    }
}

impl Core {
    pub(crate) fn report(&mut self, _track_id: Option<&str>) -> Vec<RtcStats> {
        Vec::new()
    }
}
