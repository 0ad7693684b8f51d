//! A bad network between two peer connections: what one sends to the other goes through two sockets
//! here, which lose datagrams or hold them back.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use libwebrtc::prelude::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{net::UdpSocket, task::JoinHandle};

/// What the network does, both ways.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weather {
    /// 0.0 to 1.0.
    pub(crate) loss: f64,
    /// Bits per second; what does not pass at once waits, up to [`QUEUE_MAX`].
    pub(crate) rate_bps: Option<f64>,
}

/// What waits longer is lost, as in a router of the smaller kind.
const QUEUE_MAX: Duration = Duration::from_millis(300);

pub(crate) struct Relay {
    weather: Arc<Mutex<Weather>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Relay {
    pub(crate) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// An exchange of descriptions after which both sides know the relay's addresses only.
pub(crate) async fn exchange_through_a_relay(
    offerer: &PeerConnection,
    answerer: &PeerConnection,
) -> Relay {
    let bind = || async { Arc::new(UdpSocket::bind(("127.0.0.1", 0)).await.unwrap()) };
    // What the answerer takes for the offerer, and the other way round.
    let (as_offerer, as_answerer) = (bind().await, bind().await);

    let offer = offerer.create_offer(OfferOptions::default()).await.unwrap();
    offerer.set_local_description(offer.clone()).await.unwrap();
    let (offer, offerer_at) = moved(&offer, as_offerer.local_addr().unwrap());
    answerer.set_remote_description(offer).await.unwrap();
    let answer = answerer.create_answer(AnswerOptions::default()).await.unwrap();
    answerer.set_local_description(answer.clone()).await.unwrap();
    let (answer, answerer_at) = moved(&answer, as_answerer.local_addr().unwrap());
    offerer.set_remote_description(answer).await.unwrap();

    let weather = Arc::new(Mutex::new(Weather::default()));
    let way = |from: &Arc<UdpSocket>, out: &Arc<UdpSocket>, to, seed| {
        let (from, out, weather) = (Arc::clone(from), Arc::clone(out), Arc::clone(&weather));
        tokio::spawn(carry(from, out, to, weather, StdRng::seed_from_u64(seed)))
    };
    let tasks = vec![
        way(&as_answerer, &as_offerer, answerer_at, 1),
        way(&as_offerer, &as_answerer, offerer_at, 2),
    ];
    Relay { weather, tasks }
}

/// The description with its loopback candidate moved to `to`, and without the others.
fn moved(description: &SessionDescription, to: SocketAddr) -> (SessionDescription, SocketAddr) {
    let mut from = None;
    let mut text = String::new();
    for line in description.to_string().lines() {
        if !line.starts_with("a=candidate:") {
            text.push_str(line);
        } else {
            let fields: Vec<_> = line.split(' ').collect();
            if fields[4] != "127.0.0.1" {
                continue;
            }
            from = Some(SocketAddr::from(([127, 0, 0, 1], fields[5].parse().unwrap())));
            let port = to.port().to_string();
            let line: Vec<_> = fields[..5].iter().copied().chain([port.as_str()]).collect();
            text.push_str(&[&line[..], &fields[6..]].concat().join(" "));
        }
        text.push_str("\r\n");
    }
    let moved = SessionDescription::parse(&text, description.sdp_type()).unwrap();
    (moved, from.expect("there is a candidate on loopback"))
}

async fn carry(
    from: Arc<UdpSocket>,
    out: Arc<UdpSocket>,
    to: SocketAddr,
    weather: Arc<Mutex<Weather>>,
    mut random: StdRng,
) {
    let mut buffer = vec![0; 2_000];
    let mut free_at = Instant::now();
    while let Ok((len, _)) = from.recv_from(&mut buffer).await {
        let Weather { loss, rate_bps } = *weather.lock().unwrap();
        if random.random_bool(loss) {
            continue;
        }
        let Some(rate_bps) = rate_bps else {
            let _ = out.send_to(&buffer[..len], to).await;
            continue;
        };
        let now = Instant::now();
        free_at = free_at.max(now);
        if free_at - now > QUEUE_MAX {
            continue;
        }
        free_at += Duration::from_secs_f64(len as f64 * 8.0 / rate_bps);
        let (datagram, out, at) = (buffer[..len].to_vec(), Arc::clone(&out), free_at);
        tokio::spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            let _ = out.send_to(&datagram, to).await;
        });
    }
}
