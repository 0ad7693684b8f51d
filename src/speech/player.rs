//! Paces sound into the room, with captions in step, and falls silent on demand.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Speech;
use super::event::{Reporter, What};
use super::reciter::Sound;
use super::track::{Frame, Track, samples_in};
use crate::audio::{FRAME_MS, FRAME_SAMPLES, ROOM_RATE_HZ};
use crate::id::Speaker;
use crate::room::{Caption, Command};
use crate::time::Time;
use crate::turn::SpeechEnd;

const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);
/// Frames handed before they are due: the transport can bridge a timer that is late.
const LEAD_FRAMES: u32 = 1;
/// A playout that is later than this (the machine was suspended, the transport stalled) goes on
/// from now instead of catching up.
const LATE_MAX: Duration = Duration::from_millis(200);
/// A transport that takes no frame for so long is lost.
const TRANSPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// After `clear_voice` a transport has room; the fade does not wait for one that is stuck.
const FADE_TIMEOUT: Duration = Duration::from_millis(100);
/// A frame with a sample above this is voiced: 1 % of full scale, -40 dBFS.
const VOICED_LEVEL: u16 = 328;
/// How far captions run ahead of the sound, and so how often they come.
const CAPTION_STEP: Duration = Duration::from_millis(250);

/// What was played.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) heard: String,
    /// [`SpeechEnd::Finished`] when all that it was given was played.
    pub(super) end: SpeechEnd,
    pub(super) any_sound: bool,
}

pub(super) struct Player<'a> {
    speech: &'a Speech,
    reporter: &'a Reporter,
    track: Track,
    /// When the sample at position 0 is due, as if all had been played without a gap.
    origin: Option<Instant>,
    /// The next caption is due when this position is handed.
    caption_at: u64,
    published: Published,
}

/// The event of the first voiced frame.
enum Published {
    No,
    /// The host's queue was full; tried again with each frame.
    Unsent(Time),
    Sent,
}

/// Why playing ended.
enum Stop {
    Done,
    /// Within this time.
    Wanted(Duration),
    Lost,
}

impl<'a> Player<'a> {
    pub(super) fn new(speech: &'a Speech, reporter: &'a Reporter) -> Self {
        let track = Track::default();
        Self { speech, reporter, track, origin: None, caption_at: 0, published: Published::No }
    }

    /// Plays until the sounds end, or `stop` holds a fade.
    pub(super) async fn run(
        mut self,
        mut sounds: mpsc::Receiver<Sound>,
        mut stop: watch::Receiver<Option<Duration>>,
    ) -> Played {
        let wanted = async move {
            let fade = stop.wait_for(Option::is_some).await.ok().and_then(|wish| *wish);
            match fade {
                Some(fade) => fade,
                // The handle's own end wishes a stop first.
                None => std::future::pending().await,
            }
        };
        let stop = tokio::select! {
            biased;
            fade = wanted => Stop::Wanted(fade),
            stop = self.play(&mut sounds) => stop,
        };
        let (end, position) = match stop {
            Stop::Done => (SpeechEnd::Finished, u64::MAX),
            Stop::Wanted(fade) => (SpeechEnd::Stopped, self.fall_silent(fade).await),
            Stop::Lost => {
                let reason = format!("the room took no sound for {TRANSPORT_TIMEOUT:?}");
                (SpeechEnd::Failed { reason }, self.position())
            }
        };
        self.end_caption(end == SpeechEnd::Finished);
        if let Published::Unsent(at) = self.published {
            self.reporter.report_at(at, What::Published).await;
        }
        let heard = self.track.heard(position).trim().to_owned();
        Played { heard, end, any_sound: self.track.handed() > 0 }
    }

    async fn play(&mut self, sounds: &mut mpsc::Receiver<Sound>) -> Stop {
        let mut open = true;
        loop {
            if open && !self.track.has_whole_frame() {
                // At the end of the sound in hand: what comes until the frame is due joins it.
                match self.next_sound(sounds).await {
                    Next::Sound(sound) => self.add(&sound),
                    Next::Closed => open = false,
                    Next::Due => {
                        if self.hand_frame().await.is_err() {
                            return Stop::Lost;
                        }
                    }
                }
            } else if self.track.has_sound() {
                self.wait_until_due().await;
                if self.hand_frame().await.is_err() {
                    return Stop::Lost;
                }
            } else {
                // What was handed is still to be heard.
                sleep_until(self.due() + FRAME * LEAD_FRAMES).await;
                return Stop::Done;
            }
        }
    }

    /// A timer has a grain of a millisecond, which the first frame of a speech need not wait for.
    async fn wait_until_due(&self) {
        let due = self.due();
        if due > Instant::now() {
            sleep_until(due).await;
        }
    }

    async fn next_sound(&self, sounds: &mut mpsc::Receiver<Sound>) -> Next {
        tokio::select! {
            biased;
            sound = sounds.recv() => sound.map_or(Next::Closed, Next::Sound),
            () = sleep_until(self.due()), if self.track.has_sound() => Next::Due,
        }
    }

    fn add(&mut self, sound: &Sound) {
        let now = Instant::now();
        let idle = !self.track.has_sound();
        let waited = if idle { now.saturating_duration_since(self.end()) } else { Duration::ZERO };
        self.track.add(&sound.text, &sound.pcm.samples, waited);
        if idle && self.track.has_sound() {
            self.play_from(now);
        }
    }

    /// Lets the next sample be due at `now`, unless that is too early for what was handed before.
    fn play_from(&mut self, now: Instant) {
        let start = now.max(self.end());
        self.origin = start.checked_sub(time_at(self.track.handed())).or(self.origin);
    }

    /// When the next frame is to be handed.
    fn due(&self) -> Instant {
        let end = self.end();
        if self.track.handed() < u64::from(LEAD_FRAMES) * FRAME_SAMPLES as u64 {
            return end;
        }
        end.checked_sub(FRAME * LEAD_FRAMES).unwrap_or(end)
    }

    /// When all that was handed has been heard.
    fn end(&self) -> Instant {
        self.origin.map_or_else(Instant::now, |origin| origin + time_at(self.track.handed()))
    }

    async fn hand_frame(&mut self) -> Result<(), tokio::time::error::Elapsed> {
        let now = Instant::now();
        if now.saturating_duration_since(self.due()) > LATE_MAX {
            self.play_from(now);
        }
        let frame = self.track.take_frame();
        self.hand(&frame, TRANSPORT_TIMEOUT).await?;
        self.publish(&frame);
        if self.track.handed() >= self.caption_at {
            let ahead = self.track.handed() + samples_in(CAPTION_STEP);
            self.caption_at = ahead;
            let text = self.track.caption(ahead).to_owned();
            self.send_caption(text, false);
        }
        Ok(())
    }

    async fn hand(
        &self,
        frame: &Frame,
        limit: Duration,
    ) -> Result<(), tokio::time::error::Elapsed> {
        let Speech { stage, grant, .. } = self.speech;
        timeout(limit, stage.transport.voice(&grant.persona, frame)).await
    }

    fn publish(&mut self, frame: &Frame) {
        let at = match self.published {
            Published::Sent => return,
            Published::Unsent(at) => at,
            Published::No if frame.iter().any(|s| s.unsigned_abs() > VOICED_LEVEL) => {
                self.reporter.clock.now()
            }
            Published::No => return,
        };
        self.published = match self.reporter.try_report(at, What::Published) {
            Ok(()) => Published::Sent,
            Err(_) => Published::Unsent(at),
        };
    }

    /// Fades out from the frame that is playing, and returns up to where the sound was heard.
    async fn fall_silent(&self, fade: Duration) -> u64 {
        let Speech { stage, grant, .. } = self.speech;
        let position = self.position();
        stage.transport.clear_voice(&grant.persona);
        for frame in self.track.fade_out(position, fade) {
            if self.hand(&frame, FADE_TIMEOUT).await.is_err() {
                tracing::warn!(turn = %grant.turn, "the transport took no fade");
                break;
            }
        }
        position
    }

    /// The end of the frame that is playing now.
    fn position(&self) -> u64 {
        let Some(origin) = self.origin else { return 0 };
        let played = samples_in(origin.elapsed());
        played.next_multiple_of(FRAME_SAMPLES as u64).min(self.track.handed())
    }

    fn send_caption(&self, text: String, last: bool) {
        if text.is_empty() && !last {
            return;
        }
        let Speech { stage, grant, .. } = self.speech;
        stage.transport.send(Command::Caption(Caption {
            speaker: Speaker::Persona(grant.persona.clone()),
            segment: grant.turn.to_string(),
            text,
            last,
        }));
    }

    fn end_caption(&mut self, complete: bool) {
        if self.track.handed() > 0 {
            let rest = if complete { self.track.caption_rest().to_owned() } else { String::new() };
            self.send_caption(rest, true);
        }
    }
}

enum Next {
    Sound(Sound),
    Closed,
    /// No more came in time for the next frame.
    Due,
}

fn time_at(position: u64) -> Duration {
    Duration::from_micros(position * 1_000_000 / u64::from(ROOM_RATE_HZ))
}
