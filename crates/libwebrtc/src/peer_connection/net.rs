//! Sockets: one UDP socket per local address and peer connection.
//!
//! They cannot be shared between connections: an SFU with one UDP port tells its clients apart by
//! their address and port.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use str0m::net::Transmit;
use tokio::{io::ReadBuf, net::UdpSocket};

use crate::runtime;

/// More addresses than this only cost connectivity checks.
const ADDRESSES_MAX: usize = 8;

/// The largest datagram that is looked at: an Ethernet frame and some more.
pub(crate) const DATAGRAM_LEN_MAX: usize = 2000;

/// The sockets of one connection.
#[derive(Default)]
pub(crate) struct Sockets {
    sockets: Vec<(SocketAddr, UdpSocket)>,
}

impl Sockets {
    /// Binds a socket on every usable local address.
    pub(crate) fn bind() -> Arc<Self> {
        let _runtime = runtime::enter();
        let sockets = local_addresses()
            .into_iter()
            .filter_map(|ip| match bind(ip) {
                Ok(bound) => Some(bound),
                Err(error) => {
                    log::debug!("no socket on {ip}: {error}");
                    None
                }
            })
            .collect();
        Arc::new(Self { sockets })
    }

    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.sockets.iter().map(|(address, _)| *address)
    }

    /// Sends at once or not at all: a datagram that the kernel has no room for is lost, as it
    /// could be anywhere on its way. Returns whether it was sent.
    pub(crate) fn send(&self, transmit: &Transmit) -> bool {
        let socket = self.sockets.iter().find(|(address, _)| *address == transmit.source);
        socket.is_some_and(|(_, socket)| {
            socket.try_send_to(&transmit.contents, transmit.destination).is_ok()
        })
    }

    /// The next datagram: its length, where it came from and where it arrived.
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<(usize, SocketAddr, SocketAddr)> {
        for (address, socket) in &self.sockets {
            let mut read = ReadBuf::new(buffer);
            // An error here is an ICMP answer to something sent before; ICE finds out by itself.
            while let Poll::Ready(result) = socket.poll_recv_from(cx, &mut read) {
                if let Ok(source) = result {
                    return Poll::Ready((read.filled().len(), source, *address));
                }
                read.clear();
            }
        }
        Poll::Pending
    }
}

fn bind(ip: IpAddr) -> io::Result<(SocketAddr, UdpSocket)> {
    let socket = std::net::UdpSocket::bind((ip, 0))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Ok((address, UdpSocket::from_std(socket)?))
}

/// Addresses of this machine's interfaces that others may reach, loopback last.
fn local_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::warn!("the network interfaces cannot be listed, using loopback only: {error}");
        Vec::new()
    });
    let mut addresses: Vec<IpAddr> =
        interfaces.iter().map(if_addrs::Interface::ip).filter(is_usable).collect();
    if addresses.is_empty() {
        addresses.push(IpAddr::from([127, 0, 0, 1]));
    }
    addresses.sort_by_key(|ip| (ip.is_loopback(), ip.is_ipv6()));
    addresses.dedup();
    addresses.truncate(ADDRESSES_MAX);
    addresses
}

fn is_usable(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_unspecified(),
        // Link-local addresses need a scope, which candidates cannot say.
        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_unspecified(),
    }
}
