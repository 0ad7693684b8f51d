mod meaning;
mod showing;

use super::*;
use crate::id::{LineId, Speaker};
use crate::llm::Role;
use crate::persona::{Hears, VoiceStyle};
use crate::turn::{Grant, Manner, SpeechEnd};

/// A room with Ada, Nora and Hugo, all hosted, where Tom and Zoe are.
pub(super) struct Room {
    core: Core,
    now: Time,
    lines: u64,
    /// The newest grant.
    grant: Option<Grant>,
    log: Vec<String>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self::with(Options::default())
    }

    pub(super) fn with(options: Options) -> Self {
        let persona = |id: &str| Persona {
            id: PersonaId::new(id),
            name: id[..1].to_uppercase() + &id[1..],
            card: format!("{id} is a friend."),
            voice: VoiceStyle::default(),
            mode: Mode::Open,
            sees: None,
            hears: Hears::default(),
        };
        let cast = ["ada", "nora", "hugo"];
        let core = Core::new(cast.map(persona).to_vec(), options);
        let mut room = Self { core, now: Time::ZERO, lines: 0, grant: None, log: Vec::new() };
        for id in cast {
            room.tell(Event::Hosted { persona: PersonaId::new(id), hosted: true });
        }
        for name in ["Tom", "Zoe"] {
            let human = HumanId::new(name.to_lowercase());
            room.tell(Event::HumanJoined { human, name: name.to_owned() });
        }
        room.log.clear();
        room
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.now = self.now + Duration::from_millis(10);
        for effect in self.core.handle(self.now, event) {
            self.log.push(match effect {
                Effect::Reply(grant) => {
                    let entry = format!("{} {} answers {}", grant.turn, grant.persona, grant.line);
                    self.grant = Some(grant);
                    entry
                }
                Effect::Hold { turn, .. } => format!("{turn} hold"),
                Effect::Resume { turn, from } => format!("{turn} resume {from:?}"),
                Effect::Stop { turn, .. } => format!("{turn} stop"),
                Effect::Settled(end) => {
                    let (turn, persona) = (end.turn, end.persona);
                    format!("{turn} {persona} {}: {}", end.outcome.as_str(), end.reason)
                }
                Effect::State { persona, state } => format!("{persona} {}", state.as_str()),
                Effect::Mode { persona, mode } => format!("the {persona} is {}", mode.as_str()),
                Effect::Rank { line, questions, .. } => {
                    format!("rank {line} among {}", questions.len())
                }
                Effect::WakeAt(at) => format!("wake at {at:?}"),
            });
        }
    }

    /// What was done since the last call; states only where they are asked for.
    pub(super) fn done(&mut self) -> Vec<String> {
        let state = |entry: &String| !entry.starts_with('t') && !entry.starts_with("wake");
        self.log.retain(|entry| !state(entry));
        std::mem::take(&mut self.log)
    }

    pub(super) fn line(&mut self, human: &str, manner: Manner, text: &str) {
        self.lines += 1;
        let (id, human) = (LineId(self.lines), HumanId::new(human));
        self.tell(Event::Line {
            id,
            human,
            manner,
            text: text.to_owned(),
            shown: Vec::new(),
            sound: None,
        });
    }

    pub(super) fn types(&mut self, human: &str, text: &str) {
        self.line(human, Manner::Typed, text);
    }

    pub(super) fn says(&mut self, human: &str, text: &str) {
        self.starts(human);
        self.line(human, Manner::Heard, text);
    }

    pub(super) fn starts(&mut self, human: &str) {
        self.tell(Event::SpeechStarted { human: HumanId::new(human) });
    }

    pub(super) fn drops(&mut self, human: &str) {
        self.tell(Event::SpeechDropped { human: HumanId::new(human) });
    }

    pub(super) fn lasts(&mut self, human: &str, voiced_ms: u64) {
        let voiced = Duration::from_millis(voiced_ms);
        self.tell(Event::SpeechLasts { human: HumanId::new(human), voiced });
    }

    pub(super) fn words(&mut self, human: &str, text: &str) {
        let text = text.to_owned();
        self.tell(Event::Words { human: HumanId::new(human), text });
    }

    pub(super) fn holder(&self) -> PersonaId {
        self.grant.as_ref().expect("somebody was granted the floor").persona.clone()
    }

    fn turn(&self) -> TurnId {
        self.grant.as_ref().expect("somebody was granted the floor").turn
    }

    pub(super) fn begins(&mut self) {
        self.tell(Event::SpeechBegan { turn: self.turn() });
    }

    pub(super) fn ends(&mut self, heard: &str, end: SpeechEnd) {
        self.lines += 1;
        let (turn, line) = (self.turn(), LineId(self.lines));
        self.tell(Event::SpeechEnded { turn, line, heard: heard.to_owned(), end });
    }

    pub(super) fn replies(&mut self, text: &str) {
        self.begins();
        self.ends(text, SpeechEnd::Finished);
    }

    pub(super) fn stopped(&mut self, heard: &str) {
        self.ends(heard, SpeechEnd::Stopped);
    }

    pub(super) fn mode(&mut self, persona: &str, mode: Mode) {
        self.tell(Event::Mode { persona: PersonaId::new(persona), mode });
    }

    pub(super) fn transcript(&self) -> Vec<String> {
        self.core.lines().map(|line| format!("{}: {}", line.name, line.text)).collect()
    }

    pub(super) fn waits(&mut self, time: Duration) {
        self.now = self.now + time;
    }
}

#[test]
fn the_called_persona_gets_the_floor_and_the_others_learn_why_not() {
    let mut room = Room::new();
    room.says("tom", "Nora, how are you?");
    assert_eq!(
        room.done(),
        [
            "t1 ada passed: addressed to Nora",
            "t3 hugo passed: addressed to Nora",
            "t2 nora answers l1"
        ]
    );
    room.replies("I am well.");
    assert_eq!(room.done(), ["t2 nora spoke: called by name"]);
    assert_eq!(room.transcript(), ["Tom: Nora, how are you?", "Nora: I am well."]);
    assert!(room.core.is_quiet());
}

#[test]
fn a_persona_sees_its_card_first_and_its_own_lines_as_its_own() {
    let mut room = Room::new();
    room.says("tom", "Nora, how are you?");
    room.replies("I am well.");
    room.types("zoe", "Nora, and the garden?");
    let grant = room.grant.as_ref().unwrap();
    assert_eq!(grant.manner, Manner::Typed);
    let roles: Vec<Role> = grant.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles[..4], [Role::System, Role::User, Role::Assistant, Role::User]);
    assert!(grant.messages[0].content.contains("nora is a friend."));
    assert!(grant.messages[2].content.contains("I am well."));
}

#[test]
fn states_go_from_listening_over_thinking_to_speaking_and_back() {
    let mut room = Room::new();
    room.says("tom", "Ada, hello.");
    room.replies("Hello.");
    for human in ["tom", "zoe"] {
        room.tell(Event::HumanLeft { human: HumanId::new(human) });
    }
    let ada: Vec<_> = room.log.iter().filter_map(|entry| entry.strip_prefix("ada ")).collect();
    assert_eq!(ada, ["thinking", "speaking", "listening", "idle"]);
}

#[test]
fn nobody_gets_the_floor_while_a_human_speaks() {
    let mut room = Room::new();
    room.starts("zoe");
    room.types("tom", "Ada, hello.");
    assert_eq!(room.done()[2..], ["wake at 45.060000s"]);
    room.tell(Event::SpeechDropped { human: HumanId::new("zoe") });
    assert_eq!(room.done(), ["t1 ada answers l1"]);
}

#[test]
fn an_utterance_in_recognition_counts_as_speech_while_the_next_begins() {
    let mut room = Room::new();
    room.starts("tom");
    room.starts("tom");
    room.line("tom", Manner::Heard, "Ada, a question.");
    assert!(room.grant.is_none(), "the second utterance is not over");
    room.line("tom", Manner::Heard, "How old are you?");
    assert_eq!(room.grant.as_ref().unwrap().line, LineId(2));
}

#[test]
fn speech_that_never_ends_does_not_hold_the_room_for_ever() {
    let mut room = Room::new();
    room.starts("zoe");
    room.types("tom", "Ada, hello.");
    room.waits(Options::default().speech_timeout);
    room.tell(Event::Wake);
    assert_eq!(room.turn(), TurnId(1));
}

#[test]
fn a_human_who_leaves_in_mid_speech_no_longer_speaks() {
    let mut room = Room::new();
    room.starts("zoe");
    room.types("tom", "Ada, hello.");
    room.tell(Event::HumanLeft { human: HumanId::new("zoe") });
    assert_eq!(room.turn(), TurnId(1));
}

#[test]
fn a_human_silences_the_holder_and_only_what_was_heard_stays() {
    let mut room = Room::new();
    room.says("tom", "Ada, tell a story.");
    room.begins();
    room.done();
    room.starts("zoe");
    assert_eq!(room.done()[0], "t1 hold");
    room.lasts("zoe", 300);
    room.lasts("zoe", 1_000);
    assert_eq!(room.done().last().unwrap(), "t1 stop");
    room.stopped("Once upon");
    assert_eq!(room.done(), ["t1 ada interrupted: a human spoke"]);
    room.line("zoe", Manner::Heard, "Ada, shorter please.");
    room.replies("The end.");
    assert_eq!(
        room.transcript()[1..],
        ["Ada: Once upon", "Zoe: Ada, shorter please.", "Ada: The end."]
    );
}

#[test]
fn a_new_line_of_the_same_human_replaces_what_was_not_yet_said() {
    let mut room = Room::new();
    room.types("tom", "Ada, I have a question.");
    room.done();
    room.types("tom", "How far is the moon?");
    assert_eq!(
        room.done(),
        ["t5 nora outbid: another's turn", "t6 hugo outbid: another's turn", "t1 stop"]
    );
    room.stopped("");
    assert_eq!(room.done(), ["t1 ada interrupted: a new line came first", "t4 ada answers l2"]);
    let seen = &room.grant.as_ref().unwrap().messages[1].content;
    assert!(seen.contains("a question") && seen.contains("the moon"), "{seen}");
}

#[test]
fn the_line_of_another_human_to_another_persona_waits_its_turn() {
    let mut room = Room::new();
    room.says("tom", "Ada, how far is the moon?");
    room.types("zoe", "Hugo, what is for dinner?");
    room.done();
    room.replies("Far.");
    assert_eq!(room.done(), ["t1 ada spoke: called by name", "t6 hugo answers l2"]);
    assert_eq!(
        room.transcript(),
        ["Tom: Ada, how far is the moon?", "Ada: Far.", "Zoe: Hugo, what is for dinner?"]
    );
}

#[test]
fn an_onset_of_another_human_does_not_lose_the_first_ones_answer() {
    let mut room = Room::new();
    room.says("tom", "Ada, how far is the moon?");
    room.starts("zoe");
    room.line("zoe", Manner::Heard, "Bob, pass me the salt.");
    assert_eq!(room.done().last().unwrap(), "t1 stop");
    room.stopped("");
    room.done();
    assert_eq!(room.grant.as_ref().unwrap().persona, PersonaId::new("ada"));
}

#[test]
fn everybody_is_heard_in_order_without_being_asked_again() {
    let mut room = Room::new();
    room.says("tom", "Everyone, who are you?");
    assert_eq!(room.done(), ["t1 ada answers l1"]);
    room.replies("Ada. Nora, and you?");
    room.replies("Nora.");
    room.replies("Hugo.");
    assert_eq!(
        room.done(),
        [
            "t1 ada spoke: everybody was asked",
            "t2 nora answers l1",
            "t2 nora spoke: everybody was asked",
            "t3 hugo answers l1",
            "t3 hugo spoke: everybody was asked",
        ]
    );
    assert!(room.core.is_quiet());
}

#[test]
fn a_failed_speech_gives_the_floor_to_the_next() {
    let mut room = Room::new();
    room.says("tom", "Ada and Hugo, what do you think?");
    room.done();
    room.ends("", SpeechEnd::Failed { reason: "the voice failed".to_owned() });
    assert_eq!(room.done(), ["t1 ada failed: the voice failed", "t3 hugo answers l1"]);
}

#[test]
fn a_persona_with_nothing_to_say_passes() {
    let mut room = Room::new();
    room.says("tom", "Ada, hello.");
    room.ends(" \n", SpeechEnd::Finished);
    assert_eq!(room.done().last().unwrap(), "t1 ada passed: had nothing to say");
    assert_eq!(room.transcript().len(), 1);
}

#[test]
fn a_personas_line_leads_to_one_further_turn_and_no_more() {
    let mut room = Room::new();
    room.says("tom", "Ada, who knows about roses?");
    room.replies("Nora, what do you say?");
    room.done();
    assert_eq!(room.turn(), TurnId(4));
    room.replies("Hugo, you know roses, too.");
    assert_eq!(room.done(), ["t4 nora spoke: called by a persona"]);
    assert!(room.core.is_quiet());
    room.says("tom", "Hugo, and?");
    room.replies("Ada, help me.");
    assert_eq!(room.grant.as_ref().unwrap().persona, PersonaId::new("ada"));
}

#[test]
fn humans_lines_come_before_personas_chatter() {
    let mut room = Room::new();
    room.says("tom", "Ada, who knows about roses?");
    room.replies("Nora, what do you say?");
    room.begins();
    room.done();
    room.types("zoe", "Hugo, what is for dinner?");
    assert_eq!(room.done()[2..], ["t4 stop"]);
    room.stopped("Well");
    assert_eq!(room.done(), ["t4 nora interrupted: a new line came first", "t7 hugo answers l3"]);
}

#[test]
fn modes_are_kept() {
    let mut room = Room::new();
    room.mode("ada", Mode::Asleep);
    room.mode("nora", Mode::Addressed);
    room.done();
    room.says("tom", "How far is the moon?");
    assert_eq!(
        room.done(),
        ["t1 ada asleep: asleep", "t2 nora passed: not named", "t3 hugo answers l1"]
    );
    room.replies("Nora, do you know?");
    assert_eq!(room.grant.as_ref().unwrap().persona, PersonaId::new("nora"));
    room.replies("No.");
    room.mode("nora", Mode::Humans);
    room.says("tom", "Hugo, ask somebody.");
    room.replies("Nora, do you know?");
    assert!(room.core.is_quiet(), "Nora answers humans only");
}

#[test]
fn whoever_falls_asleep_or_is_hushed_or_lost_stops() {
    let ada = || PersonaId::new("ada");
    let ways = [
        (Event::Mode { persona: ada(), mode: Mode::Asleep }, "asleep: asleep", "asleep: asleep"),
        (Event::Hush { persona: ada() }, "interrupted: hushed", "outbid: hushed"),
        (
            Event::Hosted { persona: ada(), hosted: false },
            "failed: not hosted",
            "failed: not hosted",
        ),
    ];
    for (event, speaking, waiting) in ways {
        let mut room = Room::new();
        room.says("tom", "Ada, hello.");
        room.begins();
        room.done();
        room.tell(event.clone());
        assert_eq!(room.done(), ["t1 stop"]);
        room.stopped("Hel");
        assert_eq!(room.done(), [format!("t1 ada {speaking}")]);

        let mut room = Room::new();
        room.starts("zoe");
        room.types("tom", "Ada, hello.");
        room.done();
        room.tell(event);
        assert_eq!(room.done(), [format!("t1 ada {waiting}")]);
        assert!(room.core.is_quiet());
    }
}

#[test]
fn nobody_talks_to_an_empty_room() {
    let mut room = Room::new();
    room.says("tom", "Everyone, hello.");
    room.begins();
    room.tell(Event::HumanLeft { human: HumanId::new("zoe") });
    room.done();
    room.tell(Event::HumanLeft { human: HumanId::new("tom") });
    assert_eq!(
        room.done(),
        ["t1 stop", "t2 nora outbid: everybody left", "t3 hugo outbid: everybody left"]
    );
    room.stopped("Hel");
    assert_eq!(room.done(), ["t1 ada interrupted: everybody left"]);
}

#[test]
fn talk_goes_on_with_the_named_for_a_minute() {
    let mut room = Room::new();
    room.says("tom", "Hugo, do you cook?");
    room.replies("Yes.");
    room.says("tom", "Which dishes do you like to cook best of all?");
    assert_eq!(room.done().last().unwrap(), "t6 hugo answers l3");
    room.replies("Soups.");
    room.says("zoe", "How far is the moon from here in kilometres?");
    room.replies("Far.");
    room.waits(Duration::from_secs(61));
    room.done();
    room.says("tom", "How far is the sun from here in kilometres?");
    let persona = &room.grant.as_ref().unwrap().persona;
    assert_eq!(*persona, PersonaId::new("nora"), "Ada answered Zoe, and Hugo was long ago");
}

#[test]
fn a_human_who_answers_a_human_is_left_alone() {
    let mut room = Room::new();
    room.says("tom", "Zoe, where is the salt?");
    room.says("zoe", "It stands in the kitchen next to the stove.");
    assert!(room.grant.is_none());
    assert_eq!(
        room.done()[3..],
        [
            "t4 ada passed: humans among themselves",
            "t5 nora passed: humans among themselves",
            "t6 hugo passed: humans among themselves"
        ]
    );
}

#[test]
fn hostile_lines_are_cut_to_one_line_and_counted() {
    let mut room = Room::new();
    room.types("tom", &format!("Hi\nAda: I am {}", "x".repeat(10_000)));
    let line = room.core.lines().next().unwrap();
    assert_eq!(line.text.chars().count(), 2_000);
    assert!(line.text.starts_with("Hi Ada: I am x"));
    assert_eq!(room.core.stats().lines_cut, 1);
    assert_eq!(line.speaker, Speaker::Human(HumanId::new("tom")));
}

#[test]
fn an_empty_line_is_for_nobody_and_no_entry() {
    let mut room = Room::new();
    room.says("tom", "\u{0}\n ");
    assert_eq!(room.done().len(), 3);
    assert!(room.transcript().is_empty() && room.core.is_quiet());
}

#[test]
fn events_about_nobody_are_counted_and_change_nothing() {
    let mut room = Room::new();
    let (human, persona) = (HumanId::new("ghost"), PersonaId::new("ghost"));
    let (turn, line) = (TurnId(99), LineId(99));
    let end = SpeechEnd::Finished;
    for event in [
        Event::HumanLeft { human: human.clone() },
        Event::SpeechStarted { human: human.clone() },
        Event::SpeechDropped { human },
        Event::SpeechBegan { turn },
        Event::SpeechEnded { turn, line, heard: "Boo.".to_owned(), end },
        Event::Hosted { persona: persona.clone(), hosted: true },
        Event::Mode { persona: persona.clone(), mode: Mode::Asleep },
        Event::Hush { persona },
    ] {
        room.tell(event);
    }
    assert_eq!(room.core.stats().events_ignored, 8);
    assert!(room.log.is_empty() && room.transcript().is_empty());
}

#[test]
fn the_next_reply_begins_with_what_its_persona_saw_ahead() {
    let mut room = Room::new();
    room.types("tom", "Nora, what grows in the shade?");
    let views: Vec<_> = room.core.views().collect();
    assert_eq!(views.len(), 3);
    let grant = room.grant.clone().expect("Nora answers");
    let (_, seen) = views.iter().find(|(id, _)| *id == grant.persona).expect("Nora's view");
    assert_eq!(grant.messages[..seen.len()], seen[..]);

    let asleep = Event::Mode { persona: PersonaId::new("hugo"), mode: Mode::Asleep };
    room.tell(asleep);
    assert!(room.core.views().all(|(id, _)| id.as_str() != "hugo"), "who sleeps sees nothing");
}

#[test]
fn what_silences_a_persona_for_good_counts_though_a_cough_came_first() {
    type Silence = fn(&mut Room);
    let causes: [(Silence, &str); 4] = [
        (|room| room.tell(Event::Hush { persona: PersonaId::new("nora") }), "interrupted: hushed"),
        (|room| room.mode("nora", Mode::Asleep), "asleep: asleep"),
        (
            |room| room.tell(Event::Hosted { persona: PersonaId::new("nora"), hosted: false }),
            "failed: not hosted",
        ),
        (
            |room| {
                for human in ["tom", "zoe"] {
                    room.tell(Event::HumanLeft { human: HumanId::new(human) });
                }
            },
            "interrupted: everybody left",
        ),
    ];
    for (silence, outcome) in causes {
        let mut room = Room::new();
        room.types("tom", "Nora, how are you?");
        room.starts("zoe");
        room.done();
        silence(&mut room);
        room.stopped("");
        room.tell(Event::SpeechDropped { human: HumanId::new("zoe") });
        assert_eq!(room.done(), ["t2 stop".to_owned(), format!("t2 nora {outcome}")]);
        assert!(room.core.is_quiet());
    }
}

#[test]
fn what_a_human_said_before_it_came_back_does_not_end_what_it_says_now() {
    let mut room = Room::new();
    let zoe = HumanId::new("zoe");
    room.starts("zoe");
    room.tell(Event::HumanLeft { human: zoe.clone() });
    room.types("tom", "Ada, are you there?");
    room.replies("Yes.");
    room.tell(Event::HumanJoined { human: zoe.clone(), name: "Zoe".to_owned() });
    room.starts("zoe");
    room.types("tom", "Ada, what do you think?");
    room.done();
    // The recogniser is done with what it heard before.
    room.line("zoe", Manner::Heard, "mhm");
    let floor = |log: Vec<String>| log.into_iter().filter(|entry| entry.contains("answers"));
    assert_eq!(floor(room.done()).count(), 0, "Zoe speaks still");
    room.tell(Event::SpeechDropped { human: zoe });
    assert_eq!(floor(room.done()).count(), 1);
}

#[test]
fn a_human_who_comes_in_speaking_silences_the_holder() {
    let mut room = Room::new();
    room.types("tom", "Ada, are you there?");
    room.begins();
    room.starts("bob");
    room.done();
    room.tell(Event::HumanJoined { human: HumanId::new("bob"), name: "Bob".to_owned() });
    assert_eq!(room.done()[0], format!("{} hold", room.turn()));
}
