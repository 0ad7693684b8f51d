//! Paces sound into the room, with captions in step, and falls silent on demand.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::event::{Reporter, What};
use super::reciter::Sound;
use super::track::{Frame, Track, samples_in};
use super::{Speech, Wish};
use crate::audio::{FRAME_MS, FRAME_SAMPLES, ROOM_RATE_HZ};
use crate::id::Speaker;
use crate::mouth::Shape;
use crate::room::{Caption, Command};
use crate::time::Time;
use crate::turn::{Restart, SpeechEnd};

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
/// A speech of which no more than this is left ends sooner than whoever speaks up can mind.
const LAST_MOMENT: Duration = Duration::from_millis(200);
/// A sound that rises is known to be speech, or not, before this.
const RISE_MAX: Duration = Duration::from_millis(200);
/// How fast a speech falls silent for a sound that rises, and comes back: too fast to be heard as
/// either, slow enough not to click.
const DIP_FADE: Duration = Duration::from_millis(10);
/// A speech dips so often at most. Where sounds rise all the time, keys or a door, it goes on.
const DIP_EVERY: Duration = Duration::from_millis(1_000);
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
    /// Up to where sound was heard before it was held: what is said again is not heard anew.
    reached: u64,
    /// The next caption is due when this position is handed.
    caption_at: u64,
    published: Published,
    rising: watch::Receiver<bool>,
    dip: Dip,
}

/// The sound falls silent while some human's sound rises: see [`Player::dip`].
#[derive(Default)]
struct Dip {
    /// Up to where it was heard, while it is silent.
    position: Option<u64>,
    /// When it was so last.
    newest: Option<Instant>,
    /// The next frame comes out of silence in the middle of the sound.
    fade_in: bool,
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
    /// While it was silent already.
    Held,
    Lost,
}

impl<'a> Player<'a> {
    pub(super) fn new(speech: &'a Speech, reporter: &'a Reporter) -> Self {
        let track = Track::default();
        let (origin, published) = (None, Published::No);
        let (rising, dip) = (speech.stage.rising.clone(), Dip::default());
        let (reached, caption_at) = (0, 0);
        Self { speech, reporter, track, origin, reached, caption_at, published, rising, dip }
    }

    /// Plays until the sounds end, or it is to stop.
    pub(super) async fn run(
        mut self,
        mut sounds: mpsc::Receiver<Sound>,
        mut wishes: watch::Receiver<Wish>,
    ) -> Played {
        let stop = loop {
            let wish = tokio::select! {
                biased;
                wish = next_wish(&mut wishes, |wish| !matches!(wish, Wish::Play(_))) => wish,
                stop = self.play(&mut sounds) => break stop,
            };
            let held = match wish {
                Wish::Hold(_) if self.is_nearly_over(&sounds) => {
                    self.play_out(&mut sounds, &mut wishes).await
                }
                Wish::Hold(fade) => self.hold(fade, &mut wishes).await,
                Wish::Stop(fade) => Some(Stop::Wanted(fade)),
                Wish::Play(_) => None,
            };
            if let Some(stop) = held {
                break stop;
            }
        };
        let (end, position) = match stop {
            Stop::Done => (SpeechEnd::Finished, u64::MAX),
            Stop::Wanted(fade) => (SpeechEnd::Stopped, self.fall_silent(fade).await),
            Stop::Held => (SpeechEnd::Stopped, self.reached),
            Stop::Lost => {
                let reason = format!("the room took no sound for {TRANSPORT_TIMEOUT:?}");
                (SpeechEnd::Failed { reason }, self.position())
            }
        };
        self.end_caption(end == SpeechEnd::Finished);
        if let Published::Unsent(at) = self.published {
            self.reporter.report_at(at, What::Published).await;
        }
        let heard = self.track.heard(position.max(self.reached)).trim().to_owned();
        Played { heard, end, any_sound: self.track.has_begun() }
    }

    /// Only a moment of it is left.
    fn is_nearly_over(&self, sounds: &mpsc::Receiver<Sound>) -> bool {
        let left = self.track.left(self.position());
        sounds.is_closed() && sounds.is_empty() && left <= samples_in(LAST_MOMENT)
    }

    async fn play_out(
        &mut self,
        sounds: &mut mpsc::Receiver<Sound>,
        wishes: &mut watch::Receiver<Wish>,
    ) -> Option<Stop> {
        let stop = |wish: &Wish| matches!(wish, Wish::Stop(_));
        Some(tokio::select! {
            biased;
            wish = next_wish(wishes, stop) => match wish {
                Wish::Stop(fade) | Wish::Hold(fade) => Stop::Wanted(fade),
                Wish::Play(_) => return None,
            },
            stop = self.play(sounds) => stop,
        })
    }

    /// Falls silent and waits; then goes on, or not.
    async fn hold(&mut self, fade: Duration, wishes: &mut watch::Receiver<Wish>) -> Option<Stop> {
        let position = self.fall_silent(fade).await;
        self.reached = self.reached.max(position);
        match next_wish(wishes, |wish| !matches!(wish, Wish::Hold(_))).await {
            Wish::Play(from) => {
                self.restart(position, from);
                None
            }
            Wish::Stop(_) | Wish::Hold(_) => Some(Stop::Held),
        }
    }

    fn restart(&mut self, position: u64, from: Restart) {
        self.dip.position = None;
        self.track.rewind(position, from);
        if self.track.has_sound() {
            self.play_from(Instant::now());
        }
    }

    async fn play(&mut self, sounds: &mut mpsc::Receiver<Sound>) -> Stop {
        let mut open = true;
        self.end_dip();
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
                if self.rises_before_due(open).await {
                    self.dip().await;
                } else if self.hand_frame().await.is_err() {
                    return Stop::Lost;
                }
            } else {
                // What was handed is still to be heard.
                sleep_until(self.due() + FRAME * LEAD_FRAMES).await;
                return Stop::Done;
            }
        }
    }

    /// Waits until the next frame is due, or until there is reason to dip: then it is true.
    async fn rises_before_due(&mut self, more_comes: bool) -> bool {
        let (due, may_dip) = (self.due(), self.may_dip(more_comes));
        tokio::select! {
            biased;
            Ok(_) = self.rising.wait_for(|rising| *rising), if may_dip => true,
            () = reached(due) => false,
        }
    }

    /// Something is heard of it, and more than a moment is left.
    fn may_dip(&self, more_comes: bool) -> bool {
        let rested = self.dip.newest.is_none_or(|newest| newest.elapsed() >= DIP_EVERY);
        let lasts = more_comes || self.track.left(self.position()) > samples_in(LAST_MOMENT);
        rested && lasts && self.track.has_begun()
    }

    /// Some human's sound rises: in 50 ms it is speech, or it was none. The speech falls silent for
    /// that time, so that whoever speaks up is given way to from the first syllable on. If it was
    /// none, it goes on where it was, and nothing is lost but the time.
    async fn dip(&mut self) {
        let position = self.fall_silent(DIP_FADE).await;
        self.reached = self.reached.max(position);
        self.dip.position = Some(position);
        self.dip.newest = Some(Instant::now());
        // Whoever told of it is gone, or it rises for too long to be waited for; of speech, a wish
        // to hold comes before.
        let _ = timeout(RISE_MAX, self.rising.wait_for(|rising| !rising)).await;
        self.end_dip();
    }

    /// Goes on where it was.
    fn end_dip(&mut self) {
        if let Some(position) = self.dip.position.take() {
            self.track.go_back(position);
            self.dip.fade_in = true;
            self.play_from(Instant::now());
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
        self.track.add_mouth(&sound.pcm.mouth);
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
        if !self.track.has_begun() {
            self.wait_for_quiet().await;
        }
        let now = Instant::now();
        if now.saturating_duration_since(self.due()) > LATE_MAX {
            self.play_from(now);
        }
        let shape = self.track.next_shape();
        let mut frame = self.track.take_frame();
        if std::mem::take(&mut self.dip.fade_in) {
            fade_in(&mut frame);
        }
        self.hand(&frame, shape, TRANSPORT_TIMEOUT).await?;
        self.publish(&frame);
        if self.track.handed() >= self.caption_at {
            let ahead = self.track.handed() + samples_in(CAPTION_STEP);
            self.caption_at = ahead;
            let text = self.track.caption(ahead).to_owned();
            self.send_caption(text, false);
        }
        Ok(())
    }

    /// The last check of everybody's microphone: a sound that rises just now is no speech yet, and
    /// may be a moment later.
    async fn wait_for_quiet(&mut self) {
        if !*self.rising.borrow_and_update() {
            return;
        }
        let quiet = self.rising.wait_for(|rising| !rising);
        // Whoever told of it is gone, or the sound rises for too long to be waited for.
        let _ = timeout(RISE_MAX, quiet).await;
        self.play_from(Instant::now());
    }

    async fn hand(
        &self,
        frame: &Frame,
        shape: Option<Shape>,
        limit: Duration,
    ) -> Result<(), tokio::time::error::Elapsed> {
        let Speech { stage, grant, .. } = self.speech;
        timeout(limit, stage.transport.voice(&grant.persona, frame)).await?;
        stage.lips.tell(&grant.persona, stage.clock.now(), frame, shape);
        Ok(())
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
        if self.dip.position.is_some() {
            return position;
        }
        stage.transport.clear_voice(&grant.persona);
        for frame in self.track.fade_out(position, fade) {
            if self.hand(&frame, None, FADE_TIMEOUT).await.is_err() {
                tracing::warn!(turn = %grant.turn, "the transport took no fade");
                break;
            }
        }
        position
    }

    /// The end of the frame that is playing now.
    fn position(&self) -> u64 {
        if let Some(position) = self.dip.position {
            return position;
        }
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
        if self.track.has_begun() {
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

/// The wish, as soon as it is one of these. The handle's own end wishes a stop first.
async fn next_wish(wishes: &mut watch::Receiver<Wish>, is_it: impl Fn(&Wish) -> bool) -> Wish {
    let wish = wishes.wait_for(is_it).await.map(|wish| *wish);
    match wish {
        Ok(wish) => wish,
        Err(_) => std::future::pending().await,
    }
}

/// A timer has a grain of a millisecond, which the first frame of a speech need not wait for.
async fn reached(due: Instant) {
    if due > Instant::now() {
        sleep_until(due).await;
    }
}

/// Lets a frame come out of silence.
fn fade_in(frame: &mut Frame) {
    let length = samples_in(DIP_FADE) as f32;
    for (sample, at) in frame.iter_mut().zip(0..samples_in(DIP_FADE)) {
        *sample = (f32::from(*sample) * at as f32 / length) as i16;
    }
}

fn time_at(position: u64) -> Duration {
    Duration::from_micros(position * 1_000_000 / u64::from(ROOM_RATE_HZ))
}
