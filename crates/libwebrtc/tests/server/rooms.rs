//! Joining, hearing each other, texts, attributes, coming and going.

use std::collections::HashMap;

use livekit::{SendTextOptions, StreamReader, prelude::*};

use crate::{
    guest::{Guest, MODES, Mode, within},
    host::Server,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_participants_hear_each_other_in_either_mode() {
    let server = Server::start();
    for mode in MODES {
        let room = format!("hear-{mode:?}");
        let mut alice = Guest::join(&server, &room, "alice", mode).await;
        let mut bob = Guest::join(&server, &room, "bob", mode).await;
        let (_, alice_plays) = alice.publish(440.0).await;
        let (_, bob_plays) = bob.publish(770.0).await;
        bob.hears("alice", 440.0).await;
        alice.hears("bob", 770.0).await;
        alice_plays.abort();
        bob_plays.abort();
        within(alice.room.close()).await.unwrap();
        within(bob.room.close()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_and_attributes_arrive_in_either_mode() {
    let server = Server::start();
    for mode in MODES {
        let room = format!("text-{mode:?}");
        let alice = Guest::join(&server, &room, "alice", mode).await;
        let mut bob = Guest::join(&server, &room, "bob", mode).await;
        let me = alice.room.local_participant();
        let text = "a long text ".repeat(10_000);
        let options = SendTextOptions::new_with_topic("chat");
        within(me.send_text(&text, options)).await.expect("sends");
        let reader = bob
            .event(|event| match event {
                RoomEvent::TextStreamOpened { reader, topic, participant_identity } => {
                    assert_eq!((topic.as_str(), participant_identity.as_str()), ("chat", "alice"));
                    reader.take()
                }
                _ => None,
            })
            .await;
        assert_eq!(within(reader.read_all()).await.unwrap(), text);

        let attributes = HashMap::from([("lk.agent.state".to_owned(), "thinking".to_owned())]);
        within(me.set_attributes(attributes)).await.unwrap();
        bob.event(|event| match event {
            RoomEvent::ParticipantAttributesChanged { changed_attributes, .. } => {
                (changed_attributes.get("lk.agent.state")? == "thinking").then_some(())
            }
            _ => None,
        })
        .await;
    }
}

/// An SFU gives a place that became free to the next comer: that one must be heard, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generations_of_speakers_are_heard_in_either_mode() {
    let server = Server::start();
    for mode in MODES {
        let room = format!("generations-{mode:?}");
        let mut ear = Guest::join(&server, &room, "ear", mode).await;
        for generation in 0..4 {
            let mut speakers = Vec::new();
            for place in 0..2 {
                let name = format!("speaker-{generation}-{place}");
                let hz = 400.0 + 100.0 * f64::from(generation) + 30.0 * f64::from(place);
                let guest = Guest::join(&server, &room, &name, mode).await;
                let (publication, playing) = guest.publish(hz).await;
                ear.hears(&name, hz).await;
                speakers.push((guest, publication, playing));
            }
            for (guest, publication, playing) in speakers {
                playing.abort();
                if generation % 2 == 0 {
                    let me = guest.room.local_participant();
                    within(me.unpublish_track(&publication.sid())).await.unwrap();
                }
                within(guest.room.close()).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_when_its_track_is_unpublished() {
    use futures_util::StreamExt as _;
    let server = Server::start();
    for mode in MODES {
        let room = format!("end-{mode:?}");
        let mut ear = Guest::join(&server, &room, "ear", mode).await;
        let mouth = Guest::join(&server, &room, "mouth", Mode::Single).await;
        let (publication, playing) = mouth.publish(500.0).await;
        let mut stream = ear.hears("mouth", 500.0).await;
        let me = mouth.room.local_participant();
        within(me.unpublish_track(&publication.sid())).await.unwrap();
        within(async { while stream.next().await.is_some() {} }).await;
        playing.abort();
    }
}
