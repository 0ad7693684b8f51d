//! Every probe there is: the one list that names, fields and `docs/PROBES.md` come from.

use serde::Serialize;

use super::json::{Field, JsonType};
use crate::id::{HumanId, LineId, PersonaId, TurnId, UtteranceId};
use crate::latency::Reason;

macro_rules! probes {
    ($(
        $(#[doc = $about:literal])+
        $Probe:ident = $name:literal {
            $( $(#[doc = $field_about:literal])+ $field:ident: $Type:ty, )*
        }
    )*) => {
        /// What happened, with its fields.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(tag = "class")]
        pub enum Probe {
            $(
                $(#[doc = $about])+
                #[serde(rename = $name)]
                $Probe { $( $(#[doc = $field_about])+ $field: $Type, )* },
            )*
        }

        /// The kind of a [`Probe`], by which it is asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Class {
            $( $(#[doc = $about])+ $Probe, )*
        }

        impl Class {
            pub const ALL: &'static [Self] = &[$( Self::$Probe, )*];

            /// The dotted name, as it is written and asked for.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$Probe => $name, )* }
            }

            /// When it is emitted.
            pub const fn about(self) -> &'static str {
                match self { $( Self::$Probe => concat!($($about,)+).trim_ascii(), )* }
            }

            /// Its fields, in the order in which they are written.
            pub fn fields(self) -> Vec<Field> {
                match self {
                    $( Self::$Probe => vec![$(Field {
                        name: stringify!($field),
                        json: <$Type as JsonType>::json(),
                        about: concat!($($field_about,)+).trim_ascii(),
                    },)*], )*
                }
            }
        }

        impl Probe {
            pub const fn class(&self) -> Class {
                match self { $( Self::$Probe { .. } => Class::$Probe, )* }
            }
        }
    };
}

probes! {
    /// The file begins; always written.
    Open = "probe.open" {
        /// Of Troupe.
        version: &'static str,
        /// The wall clock, milliseconds since 1970.
        started_unix_ms: u64,
    }
    /// Probes were lost because the queue was full; always written, once there is room again.
    Dropped = "probe.dropped" {
        /// How many since the start.
        dropped: u64,
    }
    /// A persona begins to handle a line: it has the floor.
    PersonaTurnBegin = "persona.turn.begin" {
        /// The turn.
        turn: TurnId,
        /// The line that is answered.
        line: LineId,
        /// Who answers.
        persona: PersonaId,
        /// How the line came: `heard`, `typed` or `spoken`.
        manner: &'static str,
        /// How sure the choice of this persona is, 0 to 1.
        confidence: f32,
    }
    /// A persona's handling of a line is settled, whether it spoke or not.
    PersonaTurnEnd = "persona.turn.end" {
        /// The turn.
        turn: TurnId,
        /// The line.
        line: LineId,
        /// The persona.
        persona: PersonaId,
        /// `spoke`, `passed`, `outbid`, `interrupted`, `asleep` or `failed`.
        outcome: &'static str,
        /// Why, in a few words.
        reason: Reason,
        /// Last voiced sample of the human to the first one of the reply.
        e2e_us: Option<u64>,
    }
    /// The conversation as the persona sees it was put together.
    PromptAssemble = "persona.prompt.assemble" {
        /// The turn.
        turn: TurnId,
        /// Whose view it is.
        persona: PersonaId,
        /// Messages, the card included.
        messages: u64,
        /// Bytes of their texts.
        bytes: u64,
    }
    /// A request goes to the engine.
    GenerateEnter = "inference.generate.enter" {
        /// The turn.
        turn: TurnId,
        /// Whose seat.
        persona: PersonaId,
        /// Tokens that the reply may have.
        max_tokens: u32,
    }
    /// The engine has given its last text.
    GenerateExit = "inference.generate.exit" {
        /// The turn.
        turn: TurnId,
        /// Whose seat.
        persona: PersonaId,
        /// `stop`, `length`, `cancelled` or `failed`.
        finish: &'static str,
        /// Request to end, the wait in the queue included.
        took_us: u64,
        /// Tokens of the reply; null when the engine failed.
        completion_tokens: Option<u32>,
        /// First text to end.
        decode_us: Option<u64>,
        /// Decoding only: the tokens after the first, by `decode_us`. Null when there are none.
        tok_per_sec: Option<f32>,
    }
    /// The prompt is in the seat.
    Prefill = "inference.prefill" {
        /// The turn.
        turn: TurnId,
        /// Whose seat.
        persona: PersonaId,
        /// Tokens that were computed, without those kept.
        tokens: u32,
        /// From the start of the work to the prompt in the seat.
        took_us: Option<u64>,
        /// Prefilling only: `tokens` by `took_us`. Null when nothing was to be computed.
        prefill_tok_per_sec: Option<f32>,
    }
    /// The engine gave a piece of text: one or more steps of the model.
    ForwardText = "inference.forward.text" {
        /// The turn.
        turn: TurnId,
        /// Whose seat.
        persona: PersonaId,
        /// Bytes of the piece.
        bytes: u64,
        /// Since the piece before it; for the first, since the prompt was in the seat.
        since_us: Option<u64>,
    }
    /// A conversation was rendered by the model's chat template.
    RenderChat = "inference.render_chat" {
        /// Messages that were rendered.
        messages: u64,
        /// Bytes of the text; null when the template refused it.
        bytes: Option<u64>,
        /// How long it took.
        took_us: u64,
    }
    /// How much of a prompt the seat already held.
    KvReuse = "kv.reuse" {
        /// The turn.
        turn: TurnId,
        /// Whose seat.
        persona: PersonaId,
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Those of them that were kept.
        cached_tokens: u32,
        /// The second by the first, 0 to 1.
        ratio: f32,
    }
    /// An utterance was cut and goes to the recogniser.
    SttUtterance = "stt.utterance" {
        /// The utterance.
        utterance: UtteranceId,
        /// Who said it.
        human: HumanId,
        /// First to last voiced sample.
        length_us: u64,
        /// How much of it was voiced.
        voiced_us: u64,
        /// Last voiced sample to the decision that it is over.
        end_of_turn_us: u64,
        /// It was cut at the longest length.
        cut: bool,
    }
    /// The recogniser is done with an utterance.
    SttRecognise = "stt.recognise" {
        /// The utterance.
        utterance: UtteranceId,
        /// Who said it.
        human: HumanId,
        /// `text`, `gated` (no speech, or an invention of the model) or `failed`.
        verdict: &'static str,
        /// Utterances that were joined to it.
        merged: u64,
        /// Further tries after the recogniser died.
        retries: u64,
        /// The recogniser's work, all tries.
        took_us: u64,
        /// Last voiced sample to the text.
        delay_us: u64,
        /// Characters of the text; null without one.
        chars: Option<u64>,
    }
    /// The voice is done with a clause, or could not speak it.
    TtsClause = "tts.clause" {
        /// The turn.
        turn: TurnId,
        /// Who speaks.
        persona: PersonaId,
        /// Characters of the clause.
        chars: u64,
        /// How long the synthesis took, all tries.
        took_us: u64,
        /// How long it sounds; null when the voice failed.
        sound_us: Option<u64>,
    }
    /// The first sound of a reply is there.
    TtsFirstAudio = "tts.first_audio" {
        /// The turn.
        turn: TurnId,
        /// Since the first clause was complete.
        took_us: Option<u64>,
    }
    /// A human began to make sound that may be speech; nobody gets the floor until it is settled.
    FloorHumanStarted = "floor.human.started" {
        /// Who.
        human: HumanId,
    }
    /// It came to nothing: a cough, nothing recognised, or part of another line.
    FloorHumanDropped = "floor.human.dropped" {
        /// Who.
        human: HumanId,
    }
    /// The floor is given to a persona.
    FloorGrant = "floor.grant" {
        /// The turn.
        turn: TurnId,
        /// Who gets it.
        persona: PersonaId,
        /// The line's text was there so long before.
        after_line_us: Option<u64>,
    }
    /// The holder is told to fall silent and keep its place: a human makes a sound.
    FloorHold = "floor.hold" {
        /// The turn.
        turn: TurnId,
        /// In which its sound fades.
        fade_us: u64,
    }
    /// The holder goes on: it was no speech.
    FloorResume = "floor.resume" {
        /// The turn.
        turn: TurnId,
    }
    /// The holder is told to stop.
    FloorStop = "floor.stop" {
        /// The turn.
        turn: TurnId,
        /// In which its sound fades.
        fade_us: u64,
    }
    /// The first voiced sample of the holder went into the room.
    FloorBegan = "floor.began" {
        /// The turn.
        turn: TurnId,
    }
    /// The holder is done.
    FloorEnded = "floor.ended" {
        /// The turn.
        turn: TurnId,
        /// `finished`, `stopped` or `failed`.
        end: &'static str,
        /// Characters that were heard of it.
        heard_chars: u64,
    }
    /// Faces that move are drawn at another rate: the processor was short, or is not any more.
    FacePace = "face.pace" {
        /// Pictures a second from now on.
        fps: u64,
        /// Pictures that came late since the start.
        late: u64,
    }
    /// A piece of work without a class of its own.
    Timing = "timing" {
        /// Which.
        what: &'static str,
        /// How long it took.
        took_us: u64,
    }
}

/// A class is a bit of one word.
const _: () = assert!(Class::ALL.len() <= u64::BITS as usize);

impl Class {
    pub(super) const fn bit(self) -> u64 {
        1 << self as u32
    }
}
