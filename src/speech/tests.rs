use tokio::time::{advance, sleep};

use super::*;
use crate::audio::FRAME_SAMPLES;
use crate::id::{LineId, PersonaId, TurnId};
use crate::llm::scripted::{Script, ScriptedEngine};
use crate::room::scripted::{PlayedFrame, ScriptedRoom};
use crate::time::Time;
use crate::tts::scripted::ScriptedVoice;

const FADE: Duration = Duration::from_millis(20);

/// A stage of doubles with one persona on it.
struct Scene {
    stage: Stage,
    room: Arc<ScriptedRoom>,
    engine: Arc<ScriptedEngine>,
    events: mpsc::Receiver<Event>,
    rises: watch::Sender<bool>,
    manner: Manner,
}

impl Scene {
    fn new(script: Script, voice: ScriptedVoice) -> Self {
        let clock = Clock::start();
        Self::with_room(script, voice, ScriptedRoom::new(clock), clock, 16)
    }

    fn with_room(
        script: Script,
        voice: ScriptedVoice,
        room: ScriptedRoom,
        clock: Clock,
        events_max: usize,
    ) -> Self {
        let room = Arc::new(room);
        let engine = Arc::new(ScriptedEngine::new(clock, move |_| script.clone()));
        let (sender, events) = mpsc::channel(events_max);
        let (rises, rising) = watch::channel(false);
        let stage = Stage {
            engine: engine.clone(),
            voice: Arc::new(voice),
            transport: room.clone(),
            clock,
            rising,
            events: sender,
            lips: Lips::default(),
        };
        Self { stage, room, engine, events, rises, manner: Manner::Heard }
    }

    fn typed(self) -> Self {
        Self { manner: Manner::Typed, ..self }
    }

    fn speak(&self) -> Handle {
        let grant = Grant {
            turn: TurnId(7),
            persona: ada(),
            line: LineId(1),
            manner: self.manner,
            confidence: 1.0,
            messages: [].into(),
            says: None,
        };
        let options = Options {
            name: "Ada".to_owned(),
            names: Arc::new(["Tom"].into_iter().collect()),
            limits: Limits::default(),
            style: VoiceStyle::default(),
            max_tokens: 100,
            sampling: Sampling::default(),
            stop: Vec::new(),
            deadline: Duration::from_secs(30),
            span: Span::none(),
        };
        self.stage.speak(grant, options)
    }

    /// Speaks to the end.
    async fn play(&mut self) -> Ended {
        self.speak().finished().await;
        self.ended().1
    }

    /// All events that came; the last must be the only end.
    fn take_events(&mut self) -> Vec<Event> {
        let events: Vec<_> = std::iter::from_fn(|| self.events.try_recv().ok()).collect();
        let is_end = |event: &&Event| matches!(event.what, What::Ended(_));
        assert_eq!(events.iter().filter(is_end).count(), 1, "{events:?}");
        assert!(events.last().is_some_and(|last| is_end(&last)), "{events:?}");
        assert!(events.is_sorted_by_key(|event| event.at), "{events:?}");
        events
    }

    fn ended(&mut self) -> (Time, Ended) {
        match self.take_events().pop() {
            Some(Event { at, what: What::Ended(ended), .. }) => (at, ended),
            other => panic!("no end but {other:?}"),
        }
    }

    fn frames(&self) -> Vec<PlayedFrame> {
        self.room.voice_of(&ada())
    }

    fn captions(&self) -> Vec<(Time, String, bool)> {
        let caption = |(at, command)| match command {
            Command::Caption(caption) => Some((at, caption.text, caption.last)),
            _ => None,
        };
        self.room.commands().into_iter().filter_map(caption).collect()
    }

    fn chats(&self) -> Vec<(Time, String)> {
        let chat = |(at, command)| match command {
            Command::Chat { text, .. } => Some((at, text)),
            _ => None,
        };
        self.room.commands().into_iter().filter_map(chat).collect()
    }
}

fn ada() -> PersonaId {
    PersonaId::new("ada")
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// "One two three, …": with the scripted voice 60 ms a character.
fn reply() -> Script {
    Script::say("Well, one two three, four five six. Seven eight nine ten.").per_token(ms(50))
}

fn failed(reason: &str) -> SpeechEnd {
    SpeechEnd::Failed { reason: reason.to_owned() }
}

#[tokio::test(start_paused = true)]
async fn every_anchor_is_reported_once_in_order_at_its_time() {
    let script = Script { queue: ms(5), prompt_tokens: 9, cached_tokens: 4, ..reply() };
    let mut scene = Scene::new(script.prefill(ms(10)), ScriptedVoice::default());
    scene.speak().finished().await;
    let events = scene.take_events();
    let [published, Event { what: What::Ended(ended), steps, .. }] = &events[..] else {
        panic!("a begin and an end, not {events:?}")
    };
    // The clause "Well, one two three," is complete when the fifth word begins.
    let clause = 15 + 5 * 50;
    let expected = [
        (5, Step::Started),
        (15, Step::Prefilled { prompt_tokens: 9, cached_tokens: 4 }),
        (65, Step::FirstText),
        (clause, Step::FirstClause),
        (clause + 100, Step::FirstAudio),
    ];
    assert_eq!(published.steps, expected.map(|(at, step)| (Time::from_ms(at), step)));
    assert_eq!((published.at, &published.what), (Time::from_ms(clause + 100), &What::Published));
    assert_eq!(steps[..], []);
    assert_eq!(ended.heard, "Well, one two three, four five six. Seven eight nine ten.");
    assert_eq!((&ended.said, &ended.end), (&ended.heard, &SpeechEnd::Finished));
    assert_eq!((ended.completion_tokens, ended.decode), (Some(11), Some(ms(500))));
}

#[tokio::test(start_paused = true)]
async fn sound_starts_before_the_reply_is_complete() {
    let mut scene = Scene::new(reply().per_token(ms(300)), ScriptedVoice::default());
    scene.play().await;
    let first = scene.frames()[0].start;
    assert_eq!(first, Time::from_ms(5 * 300 + 100));
}

#[tokio::test(start_paused = true)]
async fn frames_follow_each_other_without_gap_or_drift() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    scene.speak().finished().await;
    let (end, _) = scene.ended();
    let frames = scene.frames();
    for pair in frames.windows(2) {
        assert_eq!(pair[1].start.since(pair[0].start), ms(20));
    }
    // The rests after the comma and the full stop are part of it.
    let texts = ["Well, one two three,", "four five six.", "Seven eight nine ten."];
    let sound: usize = texts.iter().map(|text| ScriptedVoice::default().samples(text)).sum();
    let samples = sound + (110 + 240) * 48;
    assert_eq!(frames.len(), samples.div_ceil(FRAME_SAMPLES));
    assert_eq!(end.since(frames[0].start), ms(20) * frames.len() as u32);
}

#[tokio::test(start_paused = true)]
async fn a_late_timer_is_caught_up() {
    let mut punctual = Scene::new(reply(), ScriptedVoice::default());
    punctual.play().await;
    let mut late = Scene::new(reply(), ScriptedVoice::default());
    let began = late.stage.clock.now();
    let speech = late.speak();
    sleep(ms(1_000)).await;
    advance(ms(90)).await;
    speech.finished().await;
    let (end, _) = late.ended();
    let length = ms(20) * punctual.frames().len() as u32;
    assert_eq!(end.since(began), ms(5 * 50 + 100) + length);
    assert_eq!(late.frames().len(), punctual.frames().len());
}

#[tokio::test(start_paused = true)]
async fn a_stop_fades_out_at_once_and_keeps_what_was_heard() {
    let mut scene = Scene::new(reply().per_token(ms(200)), ScriptedVoice::default());
    let speech = scene.speak();
    // Sound starts at 1,100 ms; "Well, one two three," takes 1,200 ms.
    sleep(ms(1_100 + 650)).await;
    speech.stop(FADE);
    speech.stop(ms(5_000));
    speech.finished().await;
    let (end, ended) = scene.ended();
    assert_eq!(end, Time::from_ms(1_750));
    assert_eq!((ended.heard.as_str(), ended.end), ("Well, one", SpeechEnd::Stopped));
    assert!(ended.said.starts_with("Well, one two three, four"));
    assert_eq!((ended.completion_tokens, ended.decode), (None, None));
    let frames = scene.frames();
    let last = frames.last().expect("it was heard");
    assert_eq!(last.start, Time::from_ms(1_760));
    assert_eq!(last.samples.last(), Some(&0));
    let peak = |samples: &[i16]| samples.iter().map(|s| s.unsigned_abs()).max();
    assert!(peak(&last.samples[..480]) > peak(&last.samples[480..]));
    assert!(last.samples[..240].iter().any(|s| s.unsigned_abs() > 5_000));
    sleep(ms(5_000)).await;
    assert_eq!(scene.frames().len(), frames.len());
    assert_eq!(scene.engine.stats().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_any_sound_ends_with_nothing_heard() {
    for at in [0, 100, 1_110] {
        let mut scene = Scene::new(reply().per_token(ms(200)), ScriptedVoice::default());
        let speech = scene.speak();
        sleep(ms(at)).await;
        speech.stop(FADE);
        speech.finished().await;
        let (_, ended) = scene.ended();
        assert_eq!((ended.heard.as_str(), ended.end), ("", SpeechEnd::Stopped), "{at} ms");
        assert_eq!(scene.captions().len(), usize::from(at > 1_100) * 2);
    }
}

#[tokio::test(start_paused = true)]
async fn whenever_it_is_stopped_heard_is_a_prefix_of_said() {
    let mut longest = 0;
    for at in (0..5_000).step_by(61) {
        let mut scene = Scene::new(reply(), ScriptedVoice::default());
        let speech = scene.speak();
        sleep(ms(at)).await;
        speech.stop(FADE);
        speech.finished().await;
        let (_, ended) = scene.ended();
        assert!(ended.said.starts_with(&ended.heard), "{ended:?}");
        assert!(ended.heard.len() >= longest, "{at} ms: {ended:?}");
        let said: Vec<&str> = ended.said.split_whitespace().collect();
        assert!(said.starts_with(&ended.heard.split_whitespace().collect::<Vec<_>>()));
        longest = ended.heard.len();
    }
    assert_eq!(longest, "Well, one two three, four five six. Seven eight nine ten.".len());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_stops_the_speech() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(1_000)).await;
    drop(speech);
    sleep(ms(100)).await;
    assert_eq!(scene.ended().1.end, SpeechEnd::Stopped);
}

#[tokio::test(start_paused = true)]
async fn the_voice_is_one_clause_ahead_of_the_playout() {
    let voice = ScriptedVoice::default();
    let scene = Scene::new(Script::say("One two. Three four. Five six. Seven."), voice.clone());
    let _speech = scene.speak();
    sleep(ms(200)).await;
    assert_eq!(voice.calls(), 2, "one plays, one is made");
    sleep(ms(2_000)).await;
    assert_eq!(voice.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn captions_keep_step_with_the_sound() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let ended = scene.play().await;
    let captions = scene.captions();
    let texts: String = captions.iter().map(|(_, text, _)| text.as_str()).collect();
    assert_eq!(texts.trim(), ended.said);
    assert_eq!(captions.iter().filter(|(_, _, last)| *last).count(), 1);
    assert!(captions.last().is_some_and(|(_, _, last)| *last));
    let start = scene.frames()[0].start;
    assert_eq!((captions[0].0, captions[0].1.as_str()), (start, "Well,"));
    let seven = captions.iter().find(|(_, text, _)| text.contains("Seven")).expect("it is said");
    // Both clauses before it and their rests take 1,200 + 840 + 350 ms.
    assert!(seven.0.since(start) > ms(2_390 - 300), "{:?}", seven.0.since(start));
}

#[tokio::test(start_paused = true)]
async fn a_typed_line_is_answered_in_the_chat_when_the_text_is_complete() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default()).typed();
    let ended = scene.play().await;
    assert_eq!(scene.chats(), [(Time::from_ms(550), ended.said)]);
    assert!(Scene::new(reply(), ScriptedVoice::default()).chats().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stopped_answer_to_a_typed_line_is_what_was_heard() {
    let mut scene = Scene::new(reply().per_token(ms(200)), ScriptedVoice::default()).typed();
    let speech = scene.speak();
    sleep(ms(1_750)).await;
    speech.stop(FADE);
    speech.finished().await;
    let (at, ended) = scene.ended();
    assert_eq!(scene.chats(), [(at, ended.heard)]);
}

#[tokio::test(start_paused = true)]
async fn a_reply_without_words_fails() {
    for text in ["", "  ", "👍", "..."] {
        let mut scene = Scene::new(Script::say(text), ScriptedVoice::default());
        let ended = scene.play().await;
        assert_eq!(ended.end, failed("the model said nothing"), "{text:?}");
        assert!(scene.frames().is_empty() && scene.captions().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_before_any_text_fails_the_speech() {
    let mut scene = Scene::new(Script::fail("out of memory"), ScriptedVoice::default());
    let ended = scene.play().await;
    assert_eq!(ended.end, failed("the engine failed: out of memory"));
    assert_eq!((ended.heard.as_str(), ended.said.as_str()), ("", ""));
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_later_leaves_what_was_complete() {
    let script = Script { failure: Some("broken".to_owned()), ..reply() };
    let mut scene = Scene::new(script, ScriptedVoice::default());
    let ended = scene.play().await;
    assert_eq!(ended.end, failed("the engine failed: broken"));
    assert_eq!(ended.heard, "Well, one two three, four five six.");
    assert!(ended.said.ends_with("nine ten."));
}

#[tokio::test(start_paused = true)]
async fn a_clause_that_fails_is_tried_once_more() {
    let voice = ScriptedVoice::default().failing(&[1]);
    let mut scene = Scene::new(reply(), voice.clone());
    let ended = scene.play().await;
    assert_eq!((ended.end, voice.calls()), (SpeechEnd::Finished, 4));
    assert_eq!(ended.heard, ended.said);
}

#[tokio::test(start_paused = true)]
async fn a_voice_that_fails_twice_ends_the_speech_after_what_it_gave() {
    let voice = ScriptedVoice::default().failing(&[1, 2]);
    let mut scene = Scene::new(reply(), voice);
    let ended = scene.play().await;
    assert_eq!(ended.heard, "Well, one two three,");
    assert_eq!(ended.end, failed("the voice failed: call 2 fails by script"));
    assert!(scene.captions().last().is_some_and(|(_, _, last)| *last));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_takes_no_sound_fails_the_speech() {
    let clock = Clock::start();
    let room = ScriptedRoom::stuck(clock);
    let mut scene = Scene::with_room(reply(), ScriptedVoice::default(), room, clock, 16);
    let ended = scene.play().await;
    assert_eq!(ended.end, failed("the room took no sound for 5s"));
    assert_eq!(ended.heard, "");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_takes_no_events_does_not_hold_the_sound() {
    let clock = Clock::start();
    let room = ScriptedRoom::new(clock);
    let mut scene = Scene::with_room(reply(), ScriptedVoice::default(), room, clock, 2);
    let other = Event { turn: TurnId(9), at: Time::ZERO, what: What::Published, steps: vec![] };
    for _ in 0..2 {
        scene.stage.events.try_send(other.clone()).expect("there is a place");
    }
    let speech = scene.speak();
    sleep(ms(2_000)).await;
    assert_eq!(scene.frames().last().map(|frame| frame.start), Some(Time::from_ms(2_010)));
    for _ in 0..2 {
        scene.events.recv().await.expect("they waited");
    }
    speech.finished().await;
    let events = scene.take_events();
    assert_eq!((events[0].at, &events[0].what), (Time::from_ms(350), &What::Published));
}

#[tokio::test(start_paused = true)]
async fn what_the_model_writes_for_others_is_neither_said_nor_made() {
    let script = Script::say("Ada: I am fine.\nTom: How nice. And so on and on.");
    let mut scene = Scene::new(script.per_token(ms(50)), ScriptedVoice::default());
    let ended = scene.play().await;
    assert_eq!((ended.said.as_str(), ended.end), ("I am fine.", SpeechEnd::Finished));
    assert_eq!(scene.engine.stats().cancelled, 1);
    assert!(ended.completion_tokens.is_some_and(|tokens| tokens < 8));
}

/// When sound that is no silence was played: the beginnings of frames.
fn sounding(scene: &Scene) -> Vec<Time> {
    let loud = |frame: &PlayedFrame| frame.samples.iter().any(|s| s.unsigned_abs() > 300);
    scene.frames().into_iter().filter(loud).map(|frame| frame.start).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_held_falls_silent_at_once_and_begins_its_clause_anew() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    let whole = "Well, one two three, four five six. Seven eight nine ten.";
    // Sound starts at 350 ms; "Well, one two three," takes 1,200 ms.
    sleep(ms(350 + 650)).await;
    speech.hold(FADE);
    sleep(ms(500)).await;
    let before = sounding(&scene);
    assert!(before.last().is_some_and(|last| *last <= Time::from_ms(1_020)), "{before:?}");
    speech.resume(Restart::Clause);
    speech.finished().await;
    let (_, ended) = scene.ended();
    assert_eq!((ended.heard.as_str(), ended.end), (whole, SpeechEnd::Finished));
    let after = sounding(&scene);
    assert_eq!(after.iter().find(|at| !before.contains(at)), Some(&Time::from_ms(1_500)));
    let captions: String = scene.captions().into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(captions, whole, "no word is captioned twice");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_anew_is_not_heard_anew() {
    for (stop_after, heard) in [(300, "Well, one"), (1_400, "Well, one two three,")] {
        let mut scene = Scene::new(reply(), ScriptedVoice::default());
        let speech = scene.speak();
        sleep(ms(350 + 650)).await;
        speech.hold(FADE);
        sleep(ms(1_500)).await;
        speech.resume(Restart::Sentence);
        sleep(ms(stop_after)).await;
        speech.stop(FADE);
        speech.finished().await;
        let (_, ended) = scene.ended();
        assert_eq!((ended.heard.as_str(), ended.end), (heard, SpeechEnd::Stopped));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stopped_while_it_is_held_ends_without_a_sound() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(350 + 650)).await;
    speech.hold(FADE);
    sleep(ms(500)).await;
    let frames = scene.frames().len();
    speech.stop(FADE);
    speech.resume(Restart::Clause);
    speech.finished().await;
    let (at, ended) = scene.ended();
    assert_eq!((ended.heard.as_str(), at), ("Well, one", Time::from_ms(1_500)));
    assert_eq!(scene.frames().len(), frames);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_before_its_first_sample_is_ready_when_it_goes_on() {
    let mut scene = Scene::new(reply().per_token(ms(200)), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(500)).await;
    speech.hold(FADE);
    sleep(ms(2_500)).await;
    assert_eq!(scene.frames().len(), 0);
    speech.resume(Restart::Clause);
    speech.finished().await;
    assert_eq!(scene.frames()[0].start, Time::from_ms(3_000));
    assert_eq!(scene.ended().1.end, SpeechEnd::Finished);
}

#[tokio::test(start_paused = true)]
async fn the_last_moment_of_a_speech_is_not_held() {
    let mut scene = Scene::new(Script::say("Well, one."), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(100 + 450)).await;
    speech.hold(FADE);
    speech.finished().await;
    let (_, ended) = scene.ended();
    assert_eq!((ended.heard.as_str(), ended.end), ("Well, one.", SpeechEnd::Finished));
}

#[tokio::test(start_paused = true)]
async fn the_first_sample_waits_for_a_sound_that_rises() {
    for (rises_ms, begins_ms) in [(0, 350), (80, 430), (5_000, 550)] {
        let scene = Scene::new(reply(), ScriptedVoice::default());
        let _speech = scene.speak();
        sleep(ms(350 - 1)).await;
        scene.rises.send_replace(rises_ms > 0);
        sleep(ms(1 + rises_ms)).await;
        scene.rises.send_replace(false);
        sleep(ms(1_000)).await;
        assert_eq!(scene.frames()[0].start, Time::from_ms(begins_ms), "{rises_ms}");
    }
}

/// What was played from `from_ms` to `to_ms`, sample by sample; silence where nothing was.
fn played(scene: &Scene, from_ms: u64, to_ms: u64) -> Vec<i16> {
    let mut played = vec![0; ((to_ms - from_ms) * 48) as usize];
    for frame in scene.frames() {
        let start = frame.start.as_us() as i64 * 48 / 1_000 - from_ms as i64 * 48;
        for (at, sample) in (start..).zip(frame.samples) {
            if let Some(place) = usize::try_from(at).ok().and_then(|at| played.get_mut(at)) {
                *place = sample;
            }
        }
    }
    played
}

#[tokio::test(start_paused = true)]
async fn a_speech_dips_while_a_sound_rises_and_loses_nothing() {
    let whole = Scene::new(reply(), ScriptedVoice::default());
    whole.speak().finished().await;
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    // Sound starts at 350 ms, and the frame that plays at 1,000 ms ends at 1,010.
    sleep(ms(1_000)).await;
    scene.rises.send_replace(true);
    sleep(ms(60)).await;
    assert!(played(&scene, 1_020, 1_060).iter().all(|sample| *sample == 0), "it is silent");
    scene.rises.send_replace(false);
    speech.finished().await;
    let (_, ended) = scene.ended();
    assert_eq!((ended.heard, ended.end), (ended.said, SpeechEnd::Finished));
    // It goes on where it was, out of silence.
    let (as_ever, later) = (played(&whole, 1_020, 2_000), played(&scene, 1_070, 2_050));
    assert_eq!(as_ever[480..], later[480..]);
    let before = played(&whole, 350, 1_010);
    assert_eq!(before, played(&scene, 350, 1_010));
    let loudest = |samples: &[i16]| samples.iter().map(|s| s.unsigned_abs()).max();
    assert!(loudest(&played(&scene, 1_060, 1_062)) < loudest(&played(&scene, 1_070, 1_080)));
}

#[tokio::test(start_paused = true)]
async fn a_dip_that_becomes_a_hold_is_silent_throughout_and_heard_until_it_began() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(1_000)).await;
    scene.rises.send_replace(true);
    sleep(ms(40)).await;
    speech.hold(FADE);
    scene.rises.send_replace(false);
    sleep(ms(500)).await;
    assert!(sounding(&scene).last().is_some_and(|last| *last <= Time::from_ms(1_020)));
    let frames = scene.frames().len();
    speech.stop(FADE);
    speech.finished().await;
    assert_eq!(scene.ended().1.heard, "Well, one");
    assert_eq!(scene.frames().len(), frames);
}

#[tokio::test(start_paused = true)]
async fn sounds_that_rise_all_the_time_do_not_make_a_speech_stutter() {
    let whole = Scene::new(reply(), ScriptedVoice::default());
    whole.speak().finished().await;
    let scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(400)).await;
    let typing = async {
        loop {
            scene.rises.send_replace(true);
            sleep(ms(40)).await;
            scene.rises.send_replace(false);
            sleep(ms(60)).await;
        }
    };
    tokio::select! { () = typing => {}, () = speech.finished() => {} }
    let last = |scene: &Scene| scene.frames().last().map(|frame| frame.start);
    let (Some(ever), Some(late)) = (last(&whole), last(&scene)) else { panic!("nothing played") };
    let seconds = ever.as_us().div_ceil(1_000_000);
    assert!(late.since(ever) <= ms(60 * seconds), "{:?} later", late.since(ever));
    assert!(late > ever, "it dips");
}

#[tokio::test(start_paused = true)]
async fn a_rise_that_does_not_end_is_not_waited_for() {
    let mut scene = Scene::new(reply(), ScriptedVoice::default());
    let speech = scene.speak();
    sleep(ms(1_000)).await;
    scene.rises.send_replace(true);
    speech.finished().await;
    assert_eq!(scene.ended().1.end, SpeechEnd::Finished);
}
