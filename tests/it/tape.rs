//! A room that is recorded, and its tape replayed.

#[cfg(feature = "sound-files")]
mod clip;
mod commands;
#[cfg(unix)]
mod disasters;
mod kept;
mod meaning;
mod pictures;
mod sounds;
mod switched;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use troupe::admin::state as pages;
use troupe::config::{Config, Env, Flags, Options};
use troupe::host::cast::warm_up;
use troupe::host::{Parts, Recording, Room, Server};
use troupe::id::HumanId;
use troupe::latency::{Outcome, TurnRecord};
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::llm::{Engine as _, Senses};
use troupe::meaning::{Meaning, Read};
use troupe::replay;
use troupe::room::scripted::ScriptedRoom;
use troupe::room::{Command, Event, LinkState, Member};
use troupe::stt::ears;
use troupe::stt::scripted::ScriptedRecogniser;
use troupe::tape::{self, Cut, Entry, Record, State, Tape};
use troupe::time::Clock;
use troupe::tts::scripted::ScriptedVoice;
use troupe::turn::Decide;

fn config() -> Config {
    let env = Env { models_root: Some(PathBuf::from("unused")), ..Env::default() };
    let flags = Flags::default();
    let config = Config::resolve(&flags, &env, &Options::default(), &PathBuf::from("."));
    let mut config = config.expect("defaults hold");
    config.turn.decide = Decide::Both;
    config
}

/// How fast an evening goes by.
#[derive(Clone, Copy)]
struct Tempo {
    /// Every duration is divided by this.
    divide: u32,
    /// From one line to the next, undivided.
    wait: Duration,
}

/// Lines come while others are still answered.
const LIVELY: Tempo = Tempo { divide: 1, wait: Duration::from_millis(2_830) };
/// Lines come when all is said, a tenth of a second for each second.
const BRIEF: Tempo = Tempo { divide: 10, wait: Duration::from_secs(12) };

/// Felix cooks and Ada counts; the first reply fails.
fn engine(clock: Clock, tempo: Tempo) -> ScriptedEngine {
    let engine = ScriptedEngine::new(clock, move |request| {
        let text = match request.seat.as_str() {
            "felix" => "Fish soup, in a storm. What would you put into it, Ada?",
            _ => "Three carrots, which is a prime number.",
        };
        let [prefill, per_token] = [180, 35].map(|ms| Duration::from_millis(ms) / tempo.divide);
        Script::say(text).prefill(prefill).per_token(per_token)
    });
    engine.failing(1).scoring(Some(Duration::from_millis(40) / tempo.divide))
}

/// Lines about volcanoes are the last persona's of so many; of others nothing is known.
struct OfVolcanoes(usize);

#[async_trait]
impl Read for OfVolcanoes {
    async fn read(&self, text: &str) -> Option<Meaning> {
        if !text.contains("volcano") {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        let mut near = vec![0.0; self.0];
        *near.last_mut()? = 0.75;
        Some(Meaning { near, wanted: 4.0, ..Meaning::default() })
    }
}

/// A room of scripted parts that runs, and can be recorded.
struct Evening {
    config: Config,
    transport: Arc<ScriptedRoom>,
    events: mpsc::Sender<Event>,
    commands: mpsc::Sender<pages::Command>,
    recording: Recording,
    publisher: pages::Publisher,
    cancel: CancellationToken,
    run: tokio::task::JoinHandle<Vec<TurnRecord>>,
    _ears: watch::Sender<ears::Status>,
}

impl Evening {
    /// With a folder it is recorded from the begin.
    async fn open(folder: Option<&Path>, config: Config, tempo: Tempo) -> Self {
        let clock = Clock::start();
        Self::open_on(engine(clock, tempo), clock, folder, config, tempo).await
    }

    async fn open_on(
        engine: ScriptedEngine,
        clock: Clock,
        folder: Option<&Path>,
        config: Config,
        tempo: Tempo,
    ) -> Self {
        let deaf = ScriptedRecogniser::default();
        Self::open_heard(engine, deaf, clock, folder, config, tempo).await
    }

    async fn open_heard(
        engine: ScriptedEngine,
        recogniser: ScriptedRecogniser,
        clock: Clock,
        folder: Option<&Path>,
        config: Config,
        tempo: Tempo,
    ) -> Self {
        let senses = engine.senses();
        let engine = Arc::new(engine);
        let transport = Arc::new(ScriptedRoom::new(clock));
        let (events, room_events) = mpsc::channel(64);
        let (commands, inbox) = mpsc::channel(8);
        let ready = ears::Status::ready();
        let (ears, ears_out) = watch::channel(ready);
        let mut voice = ScriptedVoice::default();
        voice.delay /= tempo.divide;
        voice.per_char /= tempo.divide;
        let passes: pages::Passes = Arc::new(|_| Err("nobody asks".to_owned()));
        let (publisher, _, _) = pages::open(Room::first_status(&config), passes);
        let parts = Parts {
            cast: warm_up(&*engine, &config.cast, &publisher).await,
            transport: transport.clone(),
            events: room_events,
            recogniser: Arc::new(recogniser),
            ears: ears_out,
            engine,
            voice: Arc::new(voice.failing(&[1])),
            server: Server { url: String::new(), own: None, link: LinkState::Up },
            predictor: None,
            reader: Some(Arc::new(OfVolcanoes(config.cast.len()))),
        };
        let tasks = TaskTracker::new();
        let recording =
            Recording::open(folder, &config, senses, clock, &tasks).expect("the folder is there");
        let room = Room::tapped(&config, clock, parts, publisher.clone(), inbox, recording.tap())
            .recorded(recording.shown());
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let run = tokio::spawn(async move { room.run(&tasks, stop).await });
        let evening = Self {
            config,
            transport,
            events,
            commands,
            recording,
            publisher,
            cancel,
            run,
            _ears: ears,
        };
        for persona in &evening.config.cast {
            let member = Member::Persona(persona.id.clone());
            evening.send(Event::Link { member, state: LinkState::Up }).await;
        }
        evening.send(Event::HumanJoined { human: tom(), name: "Tom".into() }).await;
        evening
    }

    async fn send(&self, event: Event) {
        self.events.send(event).await.expect("it runs");
    }

    async fn types(&self, text: &str, wait: Duration) {
        self.send(Event::Chat { human: tom(), text: text.to_owned() }).await;
        tokio::time::sleep(wait).await;
    }

    /// The turns of the run, the newest tape, and what the room was told.
    async fn end(self) -> (Option<PathBuf>, Vec<TurnRecord>, Vec<Command>) {
        self.cancel.cancel();
        let turns = self.run.await.expect("it ends in order");
        let tape = self.recording.finish().await;
        let told = self.transport.commands().into_iter().map(|(_, command)| command).collect();
        (tape, turns, told)
    }
}

fn tom() -> HumanId {
    HumanId::new("tom")
}

/// Plays an evening with scripted parts, on tape.
async fn record(folder: &Path, tempo: Tempo) -> (PathBuf, Vec<TurnRecord>, Vec<Command>) {
    let evening = evening(folder, tempo).await;
    (evening.tape.expect("the tape is whole"), evening.turns, evening.told)
}

/// What is left of an evening.
struct Past {
    /// None when it is not whole.
    tape: Option<PathBuf>,
    turns: Vec<TurnRecord>,
    told: Vec<Command>,
    /// As the pages showed it at last.
    recording: Option<pages::Recording>,
}

async fn evening(folder: &Path, tempo: Tempo) -> Past {
    let evening = Evening::open(Some(folder), config(), tempo).await;
    let lines = [
        "Nora, are you there?",
        "Felix, which soup do you cook in a storm?",
        "Does anybody know what grows best up there?",
        "Does anybody know how far the moon is?",
    ];
    for text in lines {
        evening.types(text, tempo.wait / tempo.divide).await;
    }
    let mode = troupe::persona::Mode::Asleep;
    let persona = evening.config.cast[0].id.clone();
    evening.commands.send(pages::Command::Mode { persona, mode }).await.expect("it runs");
    evening.types("Nora, good night.", Duration::from_secs(12) / tempo.divide).await;
    evening.send(Event::HumanLeft { human: tom() }).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let shown = evening.publisher.clone();
    let (tape, turns, told) = evening.end().await;
    let mut recording = None;
    shown.update(|status| recording.clone_from(&status.recording));
    Past { tape, turns, told, recording }
}

fn recorded(folder: &Path) -> (PathBuf, Vec<TurnRecord>, Vec<Command>) {
    on_a_paused_clock(record(folder, LIVELY))
}

fn on_a_paused_clock<T>(evening: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(evening)
}

/// The whole of a tape, without those who wish it.
fn without(tape: &Tape, redact: &[&str]) -> Tape {
    let redact = redact.iter().map(|&who| who.to_owned()).collect();
    tape::trim(tape, &Cut { from_us: 0, to_us: tape.last_us(), redact })
}

/// A tape in `folder` is refused, for the reason that is named, while other bytes are in its file
/// at `path` or none, and is good again with its own.
fn assert_file_is_checked(folder: &Path, path: &Path, others: &[(Vec<u8>, &str)]) {
    let good = std::fs::read(path).expect("it is there");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let refused = |why: &str| {
        let error = Tape::read(folder).expect_err(why).to_string();
        assert!(error.contains(why) && error.contains(name), "{error}");
    };
    for (bytes, why) in others {
        std::fs::write(path, bytes).expect("it can be written");
        refused(why);
    }
    std::fs::remove_file(path).expect("it is there");
    refused("cannot be used");
    std::fs::write(path, good).expect("it can be written");
    Tape::read(folder).expect("all is well again");
}

#[test]
fn a_tape_replays_to_what_the_recorded_run_gave() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns, told) = recorded(place.path());
    assert!(turns.len() >= 12, "{turns:#?}");
    let tape = Tape::read(&folder).expect("a good tape");
    assert!(!tape.torn && tape.end_us().is_some());
    assert_eq!(told.first(), Some(&Command::Recording(true)), "it is shown before all else");
    let scored =
        |entry: &Entry| matches!(&entry.record, Record::Scored(all) if all.nats.len() == 3);
    assert!(tape.entries.iter().any(scored), "the model ranked who answers the third question");

    assert_replays(&tape, &turns);
}

/// A replay gives the effects that are on the tape, and the turns of the recorded run.
fn assert_replays(tape: &Tape, turns: &[TurnRecord]) {
    let replayed = replay::run(tape).expect("it runs");
    let live: Vec<_> = tape.effects().cloned().collect();
    let difference =
        replay::difference(replay::lines(&live).as_bytes(), &replay::lines(&replayed.effects));
    assert!(difference.is_none(), "{}", difference.expect("it is some"));
    assert_eq!(replayed.turns, turns);
}

#[tokio::test]
async fn a_tape_of_the_wall_clock_replays_to_the_same_turns() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, turns, _) = record(place.path(), BRIEF).await;
    let tape = Tape::read(&folder).expect("a good tape");
    let replay = tokio::task::spawn_blocking(move || replay::run(&tape));
    let replayed = replay.await.expect("no panic").expect("it runs").turns;
    let what = |turn: &TurnRecord| {
        let TurnRecord { turn, line, persona, outcome, reason, heard_text, .. } = turn.clone();
        (turn, line, persona, outcome, reason, heard_text)
    };
    let [live, again] = [&turns, &replayed].map(|t| t.iter().map(what).collect::<Vec<_>>());
    assert_eq!(live, again);
    for (live, again) in turns.iter().zip(&replayed) {
        // Nine stages end at whole milliseconds; a loaded machine adds what is not on the tape.
        let apart = live.e2e_us.unwrap_or(0).abs_diff(again.e2e_us.unwrap_or(0));
        assert!(apart < 250_000, "{live:?} {again:?}");
    }
}

#[test]
fn two_replays_are_equal_to_the_byte() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, ..) = recorded(place.path());
    let tape = Tape::read(&folder).expect("a good tape");
    let [one, two] = [(); 2].map(|()| replay::run(&tape).expect("it runs"));
    assert!(one.effects.len() > 50, "{}", one.effects.len());
    assert_eq!(replay::lines(&one.effects), replay::lines(&two.effects));
}

#[test]
fn a_tape_that_was_cut_off_anywhere_is_read_up_to_there_and_says_so() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, ..) = recorded(place.path());
    let whole = std::fs::read(folder.join(tape::RECORDS_FILE)).expect("it is there");
    let header = whole.iter().position(|byte| *byte == b'\n').expect("a header");
    let all = Tape::parse(&whole).expect("a good tape").entries;
    for cut in (header + 1..whole.len()).step_by(7) {
        let tape = Tape::parse(&whole[..cut]).expect("a torn end is no error");
        assert_eq!(tape.entries[..], all[..tape.entries.len()]);
        let torn = whole[cut - 1] != b'\n' && whole[cut] != b'\n';
        assert_eq!(tape.torn, torn, "cut at {cut}");
    }
    let cut = whole.len() / 2;
    let half = Tape::parse(&whole[..cut]).expect("a torn end is no error");
    replay::run(&half).expect("half an evening can be replayed");
}

#[test]
fn a_part_of_a_tape_begins_with_those_who_are_there_and_hides_who_wishes_it() {
    let place = tempfile::tempdir().expect("a folder");
    let (folder, ..) = recorded(place.path());
    let whole = Tape::read(&folder).expect("a good tape");
    let cut = Cut { from_us: 2_000_000, to_us: 9_000_000, redact: vec!["tom".to_owned()] };
    let part = tape::trim(&whole, &cut);
    let links = |e: &&Entry| matches!(e.record, Record::Link { up: true, .. });
    assert_eq!(part.entries.iter().take_while(|entry| entry.at_us == 0).filter(links).count(), 3);
    assert!(part.entries.iter().any(|entry| entry.record == Record::End));
    let typed: Vec<_> = part
        .entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Typed { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(typed.len(), 3, "{typed:?}");
    assert_eq!(typed[0], "xxxxx, xxxxx xxxx xx xxx xxxx xx x xxxxx?");
    replay::run(&part).expect("it can be replayed");
}

#[test]
fn an_unknown_version_is_refused_with_what_to_do() {
    let newer = br#"{"format":"troupe-tape","version":2,"cast":[],"more":true}"#;
    let error = Tape::parse(newer).expect_err("too new").to_string();
    assert!(error.contains("version 2") && error.contains("reads version 1"), "{error}");
    for other in [&b""[..], b"{}", b"[]", br#"{"format":"midi","version":1}"#, b"\xff\xfe\n"] {
        Tape::parse(other).expect_err("no tape");
    }
}

const HEADER: &str = r#"{"format":"troupe-tape","version":1,"cast":[{"id":"ada","name":"Ada"}]}"#;

#[test]
fn a_broken_line_in_the_middle_is_told_by_its_number() {
    for line in [
        r#"{"at_us":1}"#,
        r#"{"at_us":1,"kind":"dance"}"#,
        r#"{"at_us":1,"kind":"leave","human":"tom","more":1}"#,
        r#"{"at_us":-1,"kind":"end"}"#,
        r#"{"at_us":99999999999999,"kind":"end"}"#,
        r#"{"at_us":1,"kind":"voice","text":"x","took_us":1,"sound_us":999999999999}"#,
        r#"{"at_us":1,"kind":"granted","turn":"7","persona":"a","line":"l1","confidence":1}"#,
        r#"{"at_us":1,"kind":"asked","request":18446744073709551615,"persona":"a","prompt":""}"#,
        r#"{"at_us":1,"kind":"onset","human":"tom","voiced_us":18446744073709551615}"#,
        "no json",
    ] {
        let text = format!("{HEADER}\n{line}\n{{\"at_us\":1,\"kind\":\"end\"}}\n");
        let error = Tape::parse(text.as_bytes()).expect_err(line).to_string();
        assert!(error.starts_with("line 2 "), "{line}: {error}");
    }
}

#[test]
fn a_recording_needs_a_folder_that_it_may_write() {
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _guard = runtime.enter();
    let (senses, tasks) = (Senses::default(), TaskTracker::new());
    let open = |folder| Recording::open(folder, &config(), senses, Clock::start(), &tasks);
    let error = open(Some(file.as_path())).err().expect("a file");
    assert!(error.to_string().contains("--record"), "{error}");
    let none = open(None).expect("nothing to do");
    assert!(none.shown().borrow().is_none());
    let some = open(Some(place.path())).expect("it is");
    let shown = some.shown().borrow().clone().expect("it records");
    assert_eq!((shown.state, shown.under_way), (State::On { dropped: 0 }, false));
}

/// Something like a record: known kinds and fields with odd values.
fn oddities() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec![
        "link",
        "join",
        "leave",
        "typed",
        "onset",
        "noise",
        "utterance",
        "recognised",
        "says",
        "asked",
        "text",
        "done",
        "failed",
        "reply",
        "voice",
        "mode",
        "hush",
        "end",
        "turn",
    ]);
    let who = prop::sample::select(vec!["ada", "tom", "", "ada\u{0}", "../x"]);
    let number = prop::sample::select(vec![0_u64, 1, 20_000, 5_000_000, 119_000_000, u64::MAX]);
    (kind, who, number.clone(), number, any::<bool>(), ".{0,40}").prop_map(
        |(kind, who, at, number, flag, text)| {
            let text = serde_json::to_string(&text).expect("a text");
            let who = serde_json::to_string(who).expect("a text");
            let at = at.min(119_000_000);
            let rest = match kind {
                "link" => format!(r#","persona":{who},"up":{flag}"#),
                "join" => format!(r#","human":{who},"name":{text}"#),
                "typed" => format!(r#","human":{who},"text":{text}"#),
                "onset" => format!(r#","human":{who},"voiced_us":{number}"#),
                "leave" | "noise" => format!(r#","human":{who}"#),
                "utterance" => format!(
                    r#","utterance":"u{number}","human":{who},"voiced_start_us":{number},
                    "voiced_end_us":{at},"endpoint_us":0,"voiced_us":{at},"clip_us":{at},
                    "level":1e30,"cut":{flag}"#
                )
                .replace('\n', ""),
                "recognised" => {
                    format!(r#","utterance":"u{number}","took_us":{at},"text":{text}"#)
                }
                "says" => {
                    format!(r#","human":{who},"text":{text},"speech_us":{at},"took_us":{at}"#)
                }
                "asked" => format!(r#","request":{number},"persona":{who},"prompt":{text}"#),
                "text" => format!(r#","request":{number},"text":{text}"#),
                "done" => {
                    format!(r#","request":{number},"finish":"stop","completion_tokens":7"#)
                }
                "failed" => {
                    format!(r#","request":{number},"error":{text},"refused":{flag}"#)
                }
                "reply" => format!(r#","persona":{who},"say":{text},"per_token_us":{at}"#),
                "voice" => {
                    format!(r#","text":{text},"took_us":{at},"sound_us":{at},"lead_us":{number}"#)
                }
                "mode" => format!(r#","persona":{who},"mode":"asleep""#),
                "hush" => format!(r#","persona":{who}"#),
                "turn" => format!(r#","record":{text}"#),
                _ => String::new(),
            };
            format!(r#"{{"at_us":{at},"kind":"{kind}"{rest}}}"#)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_a_tape_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Tape::parse(&bytes);
        let _ = Tape::parse(&[HEADER.as_bytes(), b"\n", &bytes].concat());
    }

    #[test]
    fn odd_records_are_replayed_or_refused(lines in prop::collection::vec(oddities(), 0..14)) {
        let text = format!("{HEADER}\n{}\n", lines.join("\n"));
        if let Ok(tape) = Tape::parse(text.as_bytes()) {
            let whole = replay::run(&tape).expect("it ends");
            let again = replay::run(&tape).expect("it ends");
            prop_assert_eq!(replay::lines(&whole.effects), replay::lines(&again.effects));
            prop_assert!(replay::screenplay(&tape.header, tape.entries.iter()).len() < 1 << 20);
        }
    }
}
