//! Looks at humans' cameras and screens, when told to and no longer.
//!
//! ```text
//! Wishes ── listener ── Eyes ── task per camera or screen that was ever looked at
//! ```
//! A track is subscribed to with the first look. It is decoded while looks follow each other
//! closely, so that not each of them costs its sender a key frame, and not otherwise.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use livekit::prelude::{
    RemoteParticipant, RemoteTrackPublication, RemoteVideoTrack, TrackDimension, TrackKind,
    TrackSid, TrackSource,
};
use livekit::webrtc::video_frame::BoxVideoFrame;
use livekit::webrtc::video_stream::native::NativeVideoStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::upright::upright;
use crate::id::HumanId;
use crate::picture::{Source, TILE_SIDE};
use crate::room::Event;
use crate::time::{Clock, Time};

/// Wishes that wait for the listener: a room of humans with a camera and a screen each. More are
/// dropped and counted, and made again by whoever still has them.
const WISHES_BOUND: usize = 64;
/// A stream that nobody looked at for so long is not decoded any further.
const REST_AFTER: Duration = Duration::from_secs(2);
/// A look that shows nothing by then is given up. A key frame is asked for once a second.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3);

/// What was decoded so lately is what there is to be seen: browsers send a screen at rest once a
/// second.
const FRESH: Duration = Duration::from_millis(1_500);

/// What is to be looked at: whose, and which.
pub(super) type View = (HumanId, Source);

/// The host's end.
pub(super) struct Wishes {
    wishes: mpsc::Sender<View>,
    dropped: AtomicU64,
}

/// For the host and for the listener.
pub(super) fn wishes() -> (Wishes, mpsc::Receiver<View>) {
    let (wishes, out) = mpsc::channel(WISHES_BOUND);
    (Wishes { wishes, dropped: AtomicU64::new(0) }, out)
}

impl Wishes {
    /// Never blocks.
    pub(super) fn make(&self, human: &HumanId, source: Source) {
        if self.wishes.try_send((human.clone(), source)).is_err() {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::debug!(%human, dropped, "a wish to look was dropped");
        }
    }
}

/// What could not be shown.
#[derive(Default)]
struct Missed {
    /// Looks for which nothing came.
    looks: AtomicU64,
    /// Frames that the host was too busy for, or that are no pictures.
    frames: AtomicU64,
}

/// The listener's eyes on one connection.
pub(super) struct Eyes {
    events: mpsc::Sender<Event>,
    clock: Clock,
    cancel: CancellationToken,
    tasks: TaskTracker,
    /// What the host knows to be there.
    shown: HashSet<View>,
    open: HashMap<View, Eye>,
    missed: Arc<Missed>,
}

/// One track that was looked at.
struct Eye {
    sid: TrackSid,
    wish: Arc<Notify>,
    /// It is there once the server has let us subscribe.
    track: watch::Sender<Option<RemoteVideoTrack>>,
    cancel: CancellationToken,
}

impl Eyes {
    /// All looking ends with `cancel`.
    pub(super) fn new(
        events: mpsc::Sender<Event>,
        clock: Clock,
        cancel: CancellationToken,
    ) -> Self {
        let (tasks, missed) = (TaskTracker::new(), Arc::default());
        let (shown, open) = (HashSet::new(), HashMap::new());
        Self { events, clock, cancel, tasks, shown, open, missed }
    }

    /// Tells what has changed of what a human shows.
    pub(super) async fn follow(&mut self, human: &HumanId, person: &RemoteParticipant) {
        for source in [Source::Camera, Source::Screen] {
            self.tell(human, source, find(person, source).is_some()).await;
        }
    }

    /// Tells that somebody shows nothing any more.
    pub(super) async fn left(&mut self, human: &HumanId) {
        for source in [Source::Camera, Source::Screen] {
            self.close(&(human.clone(), source));
            self.tell(human, source, false).await;
        }
    }

    /// Tells that nobody shows anything, as far as we can see.
    pub(super) async fn shut(&mut self) {
        for (human, source) in self.shown.clone() {
            self.tell(&human, source, false).await;
        }
    }

    /// Waits until nothing is looked at any more; the connection was cancelled before.
    pub(super) async fn end(mut self) {
        self.shut().await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn tell(&mut self, human: &HumanId, source: Source, on: bool) {
        let view = (human.clone(), source);
        let is_news = if on { self.shown.insert(view) } else { self.shown.remove(&view) };
        if is_news {
            let event = Event::View { human: human.clone(), source, on };
            // Nobody receives only when the host is gone; then the cancel is on its way.
            let _ = self.events.send(event).await;
        }
    }

    /// Looks once. What cannot be seen is forgotten.
    pub(super) fn look(&mut self, human: HumanId, source: Source, person: &RemoteParticipant) {
        let Some(publication) = find(person, source) else { return };
        let view = (human, source);
        let sid = publication.sid();
        if self.open.get(&view).is_none_or(|eye| eye.sid != sid) {
            self.close(&view);
            let eye = self.open(&view, publication);
            self.open.insert(view.clone(), eye);
        }
        if let Some(eye) = self.open.get(&view) {
            eye.wish.notify_one();
        }
    }

    /// A track has come that we subscribed to.
    pub(super) fn subscribed(&self, sid: &TrackSid, track: &RemoteVideoTrack) {
        if let Some(eye) = self.open.values().find(|eye| eye.sid == *sid) {
            eye.track.send_replace(Some(track.clone()));
        }
    }

    /// A track is over.
    pub(super) fn gone(&mut self, sid: &TrackSid) {
        self.open.retain(|_, eye| {
            let stays = eye.sid != *sid;
            if !stays {
                eye.cancel.cancel();
            }
            stays
        });
    }

    fn open(&self, (human, source): &View, publication: RemoteTrackPublication) -> Eye {
        let wish = Arc::new(Notify::new());
        let (track, track_out) = watch::channel(video(&publication));
        let cancel = self.cancel.child_token();
        let gaze = Gaze {
            human: human.clone(),
            source: *source,
            publication: publication.clone(),
            track: track_out,
            wish: Arc::clone(&wish),
            events: self.events.clone(),
            clock: self.clock,
            missed: Arc::clone(&self.missed),
        };
        let until = cancel.clone();
        self.tasks.spawn(async move {
            until.run_until_cancelled(gaze.run()).await;
        });
        Eye { sid: publication.sid(), wish, track, cancel }
    }

    fn close(&mut self, view: &View) {
        if let Some(eye) = self.open.remove(view) {
            eye.cancel.cancel();
        }
    }
}

/// What a human shows, unless it is covered.
fn find(person: &RemoteParticipant, source: Source) -> Option<RemoteTrackPublication> {
    let mut tracks = person.track_publications().into_values();
    tracks.find(|track| source_of(track) == Some(source) && !track.is_muted())
}

fn source_of(track: &RemoteTrackPublication) -> Option<Source> {
    match (track.kind(), track.source()) {
        (TrackKind::Video, TrackSource::Screenshare) => Some(Source::Screen),
        // Some clients do not say what it is.
        (TrackKind::Video, TrackSource::Camera | TrackSource::Unknown) => Some(Source::Camera),
        _ => None,
    }
}

fn video(publication: &RemoteTrackPublication) -> Option<RemoteVideoTrack> {
    match publication.track() {
        Some(livekit::prelude::RemoteTrack::Video(track)) => Some(track),
        _ => None,
    }
}

/// A frame, as it was decoded.
struct Seen {
    frame: Arc<BoxVideoFrame>,
    at: Time,
    when: Instant,
}

impl Seen {
    fn now(frame: BoxVideoFrame, clock: Clock) -> Self {
        Self { frame: Arc::new(frame), at: clock.now(), when: Instant::now() }
    }

    fn is_fresh(&self) -> bool {
        self.when.elapsed() < FRESH
    }
}

/// The task that looks at one track.
struct Gaze {
    human: HumanId,
    source: Source,
    publication: RemoteTrackPublication,
    track: watch::Receiver<Option<RemoteVideoTrack>>,
    wish: Arc<Notify>,
    events: mpsc::Sender<Event>,
    clock: Clock,
    missed: Arc<Missed>,
}

impl Gaze {
    async fn run(mut self) {
        loop {
            self.wish.notified().await;
            self.attend().await;
        }
    }

    /// From a look until there was none for a while, or nothing came. What is decoded without being
    /// asked for goes no further, but the newest is kept for the next look.
    async fn attend(&mut self) {
        let asked = Instant::now();
        let Some(track) = self.subscribe(asked + GIVE_UP_AFTER).await else {
            return self.give_up();
        };
        self.ask_for_enough();
        let mut stream = NativeVideoStream::new(track.rtc_track());
        let (mut last, mut wanted, mut newest) = (asked, Some(asked), None::<Seen>);
        loop {
            let until = wanted.map_or(last + REST_AFTER, |asked| asked + GIVE_UP_AFTER);
            tokio::select! {
                () = self.wish.notified() => {
                    last = Instant::now();
                    match &newest {
                        _ if wanted.is_some() => {}
                        Some(seen) if seen.is_fresh() => self.show(seen).await,
                        _ => {
                            wanted = Some(last);
                            // A key frame tells a picture at rest from one that is frozen.
                            stream.close();
                            stream = NativeVideoStream::new(track.rtc_track());
                        }
                    }
                }
                frame = stream.next() => {
                    let Some(frame) = frame else { return };
                    let seen = Seen::now(frame, self.clock);
                    if wanted.take().is_some() {
                        self.show(&seen).await;
                    }
                    newest = Some(seen);
                }
                () = tokio::time::sleep_until(until) => {
                    if wanted.is_some() {
                        self.give_up();
                    }
                    return;
                }
            }
        }
    }

    async fn subscribe(&mut self, until: Instant) -> Option<RemoteVideoTrack> {
        if self.track.borrow().is_none() {
            self.publication.set_subscribed(true);
        }
        let there = self.track.wait_for(Option::is_some);
        tokio::time::timeout_at(until, there).await.ok()?.ok()?.clone()
    }

    /// Of a camera that comes in several sizes, one is enough that a picture can be made of.
    fn ask_for_enough(&self) {
        let TrackDimension(width, height) = self.publication.dimension();
        let longest = width.max(height);
        if longest > TILE_SIDE {
            let scaled = |side: u32| u64::from(side) * u64::from(TILE_SIDE) / u64::from(longest);
            let wanted = TrackDimension(scaled(width) as u32, scaled(height) as u32);
            self.publication.update_video_dimensions(wanted);
        }
    }

    async fn show(&self, seen: &Seen) {
        let (at, frame) = (seen.at, Arc::clone(&seen.frame));
        // A large one takes some milliseconds, in which nobody's sound is to wait.
        let picture = tokio::task::spawn_blocking(move || upright(&frame)).await.ok().flatten();
        let Some(picture) = picture else { return self.drop_frame("it is no picture") };
        let (human, source) = (self.human.clone(), self.source);
        tracing::debug!(%human, source = source.as_str(), ?picture, "a frame was looked at");
        let event = Event::Frame { human, source, at, frame: Arc::new(picture) };
        // Sound has the right of way.
        if self.events.try_send(event).is_err() {
            self.drop_frame("the host is busy");
        }
    }

    fn drop_frame(&self, reason: &str) {
        let dropped = self.missed.frames.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug!(human = %self.human, reason, dropped, "a frame was dropped");
    }

    fn give_up(&self) {
        let given_up = self.missed.looks.fetch_add(1, Ordering::Relaxed) + 1;
        let source = self.source.as_str();
        tracing::debug!(human = %self.human, source, given_up, "nothing came to look at");
    }
}
