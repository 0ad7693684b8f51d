//! What the host's probes say. The engine's, the voice's and the ears' own are where they work.

use std::time::Duration;

use crate::id::TurnId;
use crate::latency::{Anchor, Anchors, TurnRecord};
use crate::probe;
use crate::speech::{self, What};
use crate::stt::Utterance;
use crate::time::{Time, micros};
use crate::turn::{Event, Grant, Manner, SpeechEnd};

/// The core is about to be told this.
pub(super) fn told(event: &Event) {
    match event {
        Event::SpeechStarted { human } => probe!(FloorHumanStarted { human: human.clone() }),
        Event::SpeechDropped { human } => probe!(FloorHumanDropped { human: human.clone() }),
        _ => {}
    }
}

/// A turn got the floor; `anchors` are its line's.
pub(super) fn granted(grant: &Grant, anchors: &Anchors, now: Time) {
    let turn = grant.turn;
    probe!(at now, FloorGrant {
        turn,
        persona: grant.persona.clone(),
        after_line_us: anchors.at(Anchor::Text).map(|text| micros(now.since(text))),
    });
    probe!(at now, PersonaTurnBegin {
        turn,
        line: grant.line,
        persona: grant.persona.clone(),
        manner: match grant.manner {
            Manner::Heard => "heard",
            Manner::Typed => "typed",
            Manner::Spoken => "spoken",
        },
        confidence: grant.confidence,
    });
    probe!(at now, PromptAssemble {
        turn,
        persona: grant.persona.clone(),
        messages: grant.messages.len() as u64,
        bytes: grant.messages.iter().map(|message| message.content.len() as u64).sum(),
    });
}

pub(super) fn held(turn: TurnId, fade: Duration) {
    probe!(FloorHold { turn, fade_us: micros(fade) });
}

pub(super) fn resumed(turn: TurnId) {
    probe!(FloorResume { turn });
}

pub(super) fn stopped(turn: TurnId, fade: Duration) {
    probe!(FloorStop { turn, fade_us: micros(fade) });
}

/// A granted turn has its first sound; `anchors` are its own up to then.
pub(super) fn first_audio(turn: TurnId, at: Time, anchors: &Anchors) {
    probe!(at at, TtsFirstAudio {
        turn,
        took_us: anchors.at(Anchor::FirstClause).map(|clause| micros(at.since(clause))),
    });
}

/// A granted turn is heard, or over.
pub(super) fn speech(event: &speech::Event) {
    let (turn, at) = (event.turn, event.at);
    match &event.what {
        What::Published => probe!(at at, FloorBegan { turn }),
        What::Ended(ended) => probe!(at at, FloorEnded {
            turn,
            end: match ended.end {
                SpeechEnd::Finished => "finished",
                SpeechEnd::Stopped => "stopped",
                SpeechEnd::Failed { .. } => "failed",
            },
            heard_chars: ended.heard.chars().count() as u64,
        }),
    }
}

pub(super) fn settled(record: &TurnRecord) {
    probe!(PersonaTurnEnd {
        turn: record.turn,
        line: record.line,
        persona: record.persona.clone(),
        outcome: record.outcome.as_str(),
        reason: record.reason.clone(),
        e2e_us: record.e2e_us,
    });
}

/// An utterance goes to the recogniser.
pub(super) fn utterance(utterance: &Utterance) {
    probe!(SttUtterance {
        utterance: utterance.id,
        human: utterance.human.clone(),
        length_us: micros(utterance.voiced_end.since(utterance.voiced_start)),
        voiced_us: micros(utterance.voiced),
        end_of_turn_us: micros(utterance.endpoint.since(utterance.voiced_end)),
        cut: utterance.cut,
    });
}
