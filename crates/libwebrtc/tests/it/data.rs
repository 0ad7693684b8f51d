//! Messages from one side to the other.

use libwebrtc::prelude::*;
use tokio::sync::mpsc::unbounded_channel;

use crate::pair::{connected, within};

#[tokio::test]
async fn messages_go_both_ways_on_a_channel_that_one_side_made() {
    let mut made = None;
    let (_alice, mut bob) = connected(|alice, _| {
        made = Some(alice.create_data_channel("chat", DataChannelInit::default()).unwrap());
    })
    .await;
    let mine = made.unwrap();
    let theirs = within(bob.channels.recv()).await.unwrap();
    assert_eq!(theirs.label(), "chat");

    let (tx, mut messages) = unbounded_channel();
    let echo = theirs.clone();
    theirs.on_message(Some(Box::new(move |buffer| {
        echo.send(buffer.data, buffer.binary).unwrap();
    })));
    mine.on_message(Some(Box::new(move |buffer| {
        tx.send((buffer.data.to_vec(), buffer.binary)).unwrap();
    })));
    within(async {
        while mine.state() != DataChannelState::Open {
            tokio::task::yield_now().await;
        }
    })
    .await;
    mine.send(b"hello", false).unwrap();
    mine.send(&[0, 255, 7], true).unwrap();
    assert_eq!(within(messages.recv()).await.unwrap(), (b"hello".to_vec(), false));
    assert_eq!(within(messages.recv()).await.unwrap(), (vec![0, 255, 7], true));
    assert!(mine.send(&[0xff, 0xfe], false).is_err(), "text must be UTF-8");
}
