//! The task that drives one peer connection: datagrams in, timers, callbacks out.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll, time::Instant};

use tokio::time::Sleep;

use super::{net, shared::Shared};

/// Datagrams handled before the callbacks and other tasks get their turn.
const DATAGRAMS_PER_TURN: usize = 64;

/// Drives the connection until it is closed and everything is said.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut buffer = vec![0; net::DATAGRAM_LEN_MAX];
    let timer = tokio::time::sleep_until(Instant::now().into());
    tokio::pin!(timer);
    loop {
        let deadline = shared.turn(Instant::now());
        shared.dispatch();
        let Some(deadline) = deadline else { break };
        timer.as_mut().reset(deadline.into());
        tokio::select! {
            () = shared.woken() => {}
            () = receive(&shared, &mut buffer, timer.as_mut()) => {}
        }
    }
    shared.callbacks().clear();
}

/// Waits for datagrams or the timer, and handles what datagrams there are.
async fn receive(shared: &Shared, buffer: &mut [u8], mut timer: Pin<&mut Sleep>) {
    let sockets = shared.sockets();
    poll_fn(|cx| {
        for handled in 0..DATAGRAMS_PER_TURN {
            match sockets.poll_recv(cx, buffer) {
                Poll::Ready((len, source, destination)) => {
                    shared.receive(Instant::now(), source, destination, &buffer[..len]);
                }
                Poll::Pending if handled > 0 => return Poll::Ready(()),
                Poll::Pending => return timer.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    })
    .await;
}
