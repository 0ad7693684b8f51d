//! A whole room on scripted parts and a virtual clock: no network, no model, no waiting.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use troupe::admin::state::{self as pages, Publisher};
use troupe::config::{Config, Env, Flags, Options};
use troupe::host::cast::{Live, warm_up};
use troupe::host::{HostError, Parts, Room, Server};
use troupe::id::{HumanId, PersonaId, Speaker};
use troupe::latency::{Outcome, Stage, TurnRecord};
use troupe::llm::Engine;
use troupe::llm::scripted::{Script, ScriptedEngine};
use troupe::room::scripted::ScriptedRoom;
use troupe::room::{AgentState, Command, Event, LinkState, Member};
use troupe::stt::ears;
use troupe::stt::end_of_turn::Predictor;
use troupe::stt::end_of_turn::scripted::ScriptedPredictor;
use troupe::stt::scripted::{ScriptedRecogniser, Step};
use troupe::time::Clock;
use troupe::tts::scripted::ScriptedVoice;

/// A room that runs.
pub(super) struct Stand {
    pub(super) transport: Arc<ScriptedRoom>,
    events: mpsc::Sender<Event>,
    pub(super) publisher: Publisher,
    cancel: CancellationToken,
    run: tokio::task::JoinHandle<Vec<TurnRecord>>,
    _ears: watch::Sender<ears::Status>,
    _commands: mpsc::Sender<pages::Command>,
}

/// The house cast.
pub(super) fn config() -> Config {
    let env = Env { models_root: Some(PathBuf::from("unused")), ..Env::default() };
    let flags = Flags::default();
    Config::resolve(&flags, &env, &Options::default(), &PathBuf::from(".")).expect("defaults hold")
}

pub(super) fn publisher(config: &Config) -> Publisher {
    let passes: pages::Passes = Arc::new(|_| Err("nobody asks".to_owned()));
    pages::open(Room::first_status(config), passes).0
}

impl Stand {
    pub(super) async fn open(clock: Clock, engine: Arc<dyn Engine>) -> Self {
        Self::open_with(clock, engine, ScriptedRecogniser::default(), None).await
    }

    async fn open_with(
        clock: Clock,
        engine: Arc<dyn Engine>,
        recogniser: ScriptedRecogniser,
        predictor: Option<Arc<dyn Predictor>>,
    ) -> Self {
        Self::open_beside(clock, engine, recogniser, predictor, publisher(&config())).await
    }

    /// A room whose pages are somebody else's.
    pub(super) async fn open_beside(
        clock: Clock,
        engine: Arc<dyn Engine>,
        recogniser: ScriptedRecogniser,
        predictor: Option<Arc<dyn Predictor>>,
        pages: Publisher,
    ) -> Self {
        Self::open_as(&config(), clock, engine, recogniser, predictor, pages).await
    }

    /// A room with settings of its own.
    pub(super) async fn open_as(
        config: &Config,
        clock: Clock,
        engine: Arc<dyn Engine>,
        recogniser: ScriptedRecogniser,
        predictor: Option<Arc<dyn Predictor>>,
        pages: Publisher,
    ) -> Self {
        let transport = Arc::new(ScriptedRoom::new(clock));
        let (events, room_events) = mpsc::channel(64);
        let (commands, inbox) = mpsc::channel(8);
        let ready = ears::Status::ready();
        let (ears, ears_out) = watch::channel(ready);
        let parts = Parts {
            cast: warm_up(&*engine, &config.cast, &pages).await,
            transport: transport.clone(),
            events: room_events,
            recogniser: Arc::new(recogniser),
            predictor,
            reader: None,
            ears: ears_out,
            engine,
            voice: Arc::new(ScriptedVoice::default()),
            server: Server { url: String::new(), own: None, link: LinkState::Up },
        };
        let publisher = pages.clone();
        let room = Room::new(config, clock, parts, pages, inbox);
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let run = tokio::spawn(async move { room.run(&TaskTracker::new(), stop).await });
        let stand =
            Self { transport, events, publisher, cancel, run, _ears: ears, _commands: commands };
        for persona in &config.cast {
            let member = Member::Persona(persona.id.clone());
            stand.send(Event::Link { member, state: LinkState::Up }).await;
        }
        stand.send(Event::HumanJoined { human: HumanId::new("tom"), name: "Tom".into() }).await;
        stand
    }

    pub(super) async fn send(&self, event: Event) {
        self.events.send(event).await.expect("the room runs");
    }

    /// Types a line, and lets the room have `patience` for all that comes of it.
    pub(super) async fn types(&self, text: &str, patience: Duration) {
        self.send(Event::Chat { human: HumanId::new("tom"), text: text.to_owned() }).await;
        tokio::time::sleep(patience).await;
    }

    /// Says the recorded question, and then nothing for `silence`, in real pace.
    pub(super) async fn says_the_question(&self, clock: Clock, silence: Duration) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sounds/room_evening.wav");
        let wav = hound::WavReader::open(path).expect("the sound is part of the repository");
        let mut sound: Vec<i16> = wav.into_samples().map(|s| s.expect("a sample")).collect();
        sound.resize(sound.len() + silence.as_millis() as usize * 16, 0);
        for chunk in sound.chunks(160) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let (human, samples) = (HumanId::new("tom"), chunk.to_vec());
            self.send(Event::Audio { human, at: clock.now(), samples }).await;
        }
    }

    pub(super) async fn end(self) -> Vec<TurnRecord> {
        self.cancel.cancel();
        self.run.await.expect("the room ends in order")
    }

    fn states_of(&self, who: &str) -> Vec<AgentState> {
        let commands = self.transport.commands().into_iter();
        let states = commands.filter_map(|(_, command)| match command {
            Command::State { persona, state } if persona.as_str() == who => Some(state),
            _ => None,
        });
        states.collect()
    }

    /// For each caption of a human, whether it was final.
    fn captions_of_humans(&self) -> Vec<bool> {
        let commands = self.transport.commands().into_iter();
        let captions = commands.filter_map(|(_, command)| match command {
            Command::Caption(caption) => match caption.speaker {
                Speaker::Human(_) => Some(caption.last),
                Speaker::Persona(_) => None,
            },
            _ => None,
        });
        captions.collect()
    }

    fn chats(&self) -> Vec<(String, String)> {
        let commands = self.transport.commands().into_iter();
        let chats = commands.filter_map(|(_, command)| match command {
            Command::Chat { persona, text } => Some((persona.to_string(), text)),
            _ => None,
        });
        chats.collect()
    }
}

fn outcomes(records: &[TurnRecord]) -> Vec<(&str, Outcome)> {
    let mut outcomes: Vec<_> = records.iter().map(|r| (r.persona.as_str(), r.outcome)).collect();
    outcomes.sort_unstable();
    outcomes
}

#[tokio::test(start_paused = true)]
async fn a_typed_question_is_answered_by_the_persona_it_names_and_by_nobody_else() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| {
        Script::say("Fish soup, in a storm. ").prefill(Duration::from_millis(200))
    });
    let stand = Stand::open(clock, Arc::new(engine)).await;
    stand.types("Felix, which soup do you cook in a storm?", Duration::from_secs(20)).await;

    assert_eq!(stand.chats(), [("felix".to_owned(), "Fish soup, in a storm.".to_owned())]);
    let states = [AgentState::Thinking, AgentState::Speaking, AgentState::Listening];
    assert_eq!(stand.states_of("felix")[2..], states);
    assert!(!stand.transport.voice_of(&PersonaId::new("felix")).is_empty());
    assert!(stand.transport.voice_of(&PersonaId::new("ada")).is_empty());

    let records = stand.end().await;
    let expected = [("ada", Outcome::Passed), ("felix", Outcome::Spoke), ("nora", Outcome::Passed)];
    assert_eq!(outcomes(&records), expected);
    let spoke = records.iter().find(|r| r.outcome == Outcome::Spoke).expect("felix spoke");
    let sum: u64 = spoke.stages_us.values().flatten().sum();
    assert_eq!(Some(sum), spoke.e2e_us);
    assert_eq!(spoke.heard_text, "Fish soup, in a storm.");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_fails_costs_its_turn_and_nothing_else() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| Script::say("Aye, aye. ")).failing(1);
    let stand = Stand::open(clock, Arc::new(engine)).await;
    stand.types("Felix, are you there?", Duration::from_secs(10)).await;
    stand.types("Felix, and now?", Duration::from_secs(10)).await;

    assert_eq!(stand.chats(), [("felix".to_owned(), "Aye, aye.".to_owned())]);
    let records = stand.end().await;
    let felix: Vec<_> =
        records.iter().filter(|r| r.persona.as_str() == "felix").map(|r| r.outcome).collect();
    assert_eq!(felix, [Outcome::Failed, Outcome::Spoke]);
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_stays_cold_takes_nobody_else_down() {
    let config = config();
    let engine = ScriptedEngine::new(Clock::start(), |_| Script::default())
        .cold(PersonaId::new("ada"), "its card is too long");
    let summary = warm_up(&engine, &config.cast, &publisher(&config)).await;
    let hosted: Vec<_> = summary.hosted.iter().map(Live::persona).collect();
    assert_eq!(hosted, [&config.cast[0], &config.cast[1]]);
    let cause = "the engine failed: its card is too long".to_owned();
    assert_eq!(summary.failed, [(PersonaId::new("ada"), cause.clone())]);

    let cast = [config.cast[2].clone()];
    let summary = warm_up(&engine, &cast, &publisher(&config)).await;
    let Err(HostError::NobodyHosted(why)) = summary.somebody() else { panic!("nobody is left") };
    assert_eq!(why, cause);
}

#[tokio::test(start_paused = true)]
async fn a_persona_with_a_cold_seat_is_not_served_though_it_is_in_the_room() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| Script::say("Hello to you. "))
        .cold(PersonaId::new("ada"), "its card is too long");
    let engine = Arc::new(engine);
    // Everybody's link comes up, Ada's too.
    let stand = Stand::open(clock, engine.clone()).await;
    stand.types("Everyone, say hello.", Duration::from_secs(30)).await;
    let records = stand.end().await;
    let expected = [("ada", Outcome::Failed), ("felix", Outcome::Spoke), ("nora", Outcome::Spoke)];
    assert_eq!(outcomes(&records), expected);
    assert_eq!(engine.counts().generations, 2);
}

#[tokio::test(start_paused = true)]
async fn lines_that_come_while_a_persona_is_served_are_taken_together() {
    let clock = Clock::start();
    let prompts = Arc::new(Mutex::new(Vec::new()));
    let seen = prompts.clone();
    let engine = ScriptedEngine::new(clock, move |request| {
        let words = request.messages.iter().map(|message| message.content.as_str());
        seen.lock().expect("no panic").push(words.collect::<Vec<_>>().join("\n"));
        Script::say("Aye. ").prefill(Duration::from_secs(2))
    });
    let engine = Arc::new(engine);
    let stand = Stand::open(clock, engine.clone()).await;
    stand.types("Felix, how is the soup?", Duration::from_millis(500)).await;
    // He is being served, and not yet heard; one reply answers these three and the first.
    stand.types("Felix, is there salt in it?", Duration::from_millis(100)).await;
    stand.types("Felix, and pepper?", Duration::from_millis(100)).await;
    stand.types("Felix, and what else?", Duration::from_secs(20)).await;
    let records = stand.end().await;
    let felix: Vec<_> = records.iter().filter(|r| r.persona.as_str() == "felix").collect();
    let spoke = felix.iter().filter(|r| r.outcome == Outcome::Spoke).count();
    assert_eq!((felix.len(), spoke), (4, 1), "{felix:#?}");
    let prompts = prompts.lock().expect("no panic");
    let last = prompts.last().expect("he was asked");
    for word in ["soup", "salt", "pepper", "what else"] {
        assert!(last.contains(word), "{word} is not in {last}");
    }
    // All but the last were given up before a word of them was made.
    assert_eq!((prompts.len(), engine.counts().generations), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_hangs_ends_at_its_deadline_and_the_others_go_on() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |request| {
        let hour = Duration::from_secs(3_600);
        let hangs = request.seat.as_str() == "felix";
        Script::say("Aye. ").prefill(if hangs { hour } else { Duration::ZERO })
    });
    let stand = Stand::open(clock, Arc::new(engine)).await;
    stand.types("Felix, Ada, are you there?", Duration::from_secs(45)).await;
    let records = stand.end().await;
    let expected = [("ada", Outcome::Spoke), ("felix", Outcome::Failed), ("nora", Outcome::Passed)];
    assert_eq!(outcomes(&records), expected, "{records:#?}");
    let felix = records.iter().find(|r| r.persona.as_str() == "felix").expect("one");
    assert!(felix.reason.contains("30"), "{}", felix.reason);
}

#[tokio::test(start_paused = true)]
async fn a_fault_in_one_persona_is_the_end_of_its_turn_and_of_no_other() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |request| {
        assert_ne!(request.seat.as_str(), "felix", "a fault that is made for this test");
        Script::say("Here I am. ")
    });
    let stand = Stand::open(clock, Arc::new(engine)).await;
    stand.types("Felix, Ada, are you there?", Duration::from_secs(20)).await;
    stand.types("Nora, and you?", Duration::from_secs(20)).await;
    let records = stand.end().await;
    let spoke = |r: &&TurnRecord| r.outcome == Outcome::Spoke;
    let spoke: Vec<_> = records.iter().filter(spoke).map(|r| r.persona.as_str()).collect();
    assert_eq!(spoke, ["ada", "nora"], "{records:#?}");
    let felix = records.iter().find(|r| r.persona.as_str() == "felix").expect("one");
    assert_eq!(felix.outcome, Outcome::Failed);
    assert!(felix.reason.contains("fault of the program"), "{}", felix.reason);
}

#[tokio::test(start_paused = true)]
async fn a_persona_that_loses_its_connection_is_counted_and_costs_the_others_nothing() {
    let clock = Clock::start();
    let engine = ScriptedEngine::new(clock, |_| Script::say("Here I am. "));
    let stand = Stand::open(clock, Arc::new(engine)).await;
    let felix = PersonaId::new("felix");
    let link = async |state| {
        let member = Member::Persona(felix.clone());
        stand.send(Event::Link { member, state }).await;
    };
    let shown = || {
        let status = stand.publisher.status();
        let felix = status.personas.iter().find(|one| one.id == felix).expect("of the cast");
        (felix.hosted, felix.restarts, felix.link.cause.clone())
    };
    for restarts in 1..=2 {
        let cause = "somebody removed us from the room".to_owned();
        link(LinkState::Down { cause: cause.clone() }).await;
        stand.types("Felix, Ada, are you there?", Duration::from_secs(10)).await;
        assert_eq!(shown(), (false, restarts - 1, Some(cause)));
        link(LinkState::Up).await;
        stand.types("Felix, are you back?", Duration::from_secs(10)).await;
        assert_eq!(shown(), (true, restarts, None));
    }
    let records = stand.end().await;
    let ends = |who: &str| -> Vec<_> {
        records.iter().filter(|r| r.persona.as_str() == who).map(|r| r.outcome).collect()
    };
    assert_eq!(ends("felix"), [Outcome::Failed, Outcome::Spoke, Outcome::Failed, Outcome::Spoke]);
    assert_eq!(ends("ada")[0], Outcome::Spoke);
}

/// The question has no pause inside, so there is one verdict and one recognition, both made before
/// its end: the record shows the wait, no time for the words, and how far ahead they were.
#[tokio::test(start_paused = true)]
async fn a_spoken_question_is_answered_as_soon_as_it_sounds_complete() {
    let clock = Clock::start();
    let cases = [
        // Complete with this probability after 60 ms; words after 20 ms or 300 ms.
        (Some(1.0), 20, 240..=260, Some(0)),
        (Some(1.0), 300, 240..=260, None),
        (Some(0.25), 20, 860..=880, Some(0)),
        // Without a verdict the fixed wait holds.
        (None, 20, 500..=520, Some(0)),
    ];
    for (complete, words_ms, wait_ms, words_took_us) in cases {
        let engine = ScriptedEngine::new(clock, |_| Script::say("I mend the nets. "));
        let verdicts = complete.map(|complete| (complete, Duration::from_millis(60)));
        let predictor = Arc::new(ScriptedPredictor::in_order(verdicts));
        let words = Step::text("Felix, what do you do?", Duration::from_millis(words_ms));
        let ears = ScriptedRecogniser::in_order([words]);
        let stand = Stand::open_with(clock, Arc::new(engine), ears, Some(predictor)).await;
        stand.says_the_question(clock, Duration::from_secs(8)).await;

        // Words that came before the end were shown, and then made final.
        let finals: &[bool] = if words_took_us.is_some() { &[false, true] } else { &[true] };
        assert_eq!(stand.captions_of_humans(), finals);
        let records = stand.end().await;
        let spoke = records.iter().find(|r| r.outcome == Outcome::Spoke).expect("felix spoke");
        let end_of_turn_ms = spoke.stages_us[&Stage::EndOfTurn].expect("measured") / 1_000;
        assert!(wait_ms.contains(&end_of_turn_ms), "{complete:?}: {end_of_turn_ms} ms");
        if let Some(took_us) = words_took_us {
            assert_eq!(spoke.stages_us[&Stage::Transcription], Some(took_us));
            assert!(spoke.ahead_us[&Stage::Transcription] > 50_000, "{:?}", spoke.ahead_us);
        } else {
            let took_us = spoke.stages_us[&Stage::Transcription].expect("measured");
            // Begun 64 ms after the last voice, and 300 ms long.
            assert!((100_000..140_000).contains(&took_us), "{took_us}");
            assert!(!spoke.ahead_us.contains_key(&Stage::Transcription));
        }
        let sum: u64 = spoke.stages_us.values().flatten().sum();
        assert_eq!(Some(sum), spoke.e2e_us);
    }
}
