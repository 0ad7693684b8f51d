//! A server that dies and comes back.

use livekit::prelude::*;

use crate::{
    guest::{Guest, MODES, hears},
    host::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_and_started_again_is_joined_again() {
    for mode in MODES {
        let mut server = Server::start();
        let mut alice = Guest::join(&server, "room", "alice", mode).await;
        let mut bob = Guest::join(&server, "room", "bob", mode).await;
        let (_, playing) = alice.publish(440.0).await;
        bob.hears("alice", 440.0).await;

        server.restart();
        for guest in [&mut alice, &mut bob] {
            guest.event(|event| matches!(event, RoomEvent::Reconnected).then_some(())).await;
        }
        let mut stream = bob.subscribed("alice").await;
        hears(&mut stream, 440.0).await;
        playing.abort();
    }
}
