//! The room while people speak: what the recogniser made of it becomes a line, with its sound for
//! those who hear.

use std::collections::HashMap;

use super::Live;
use crate::id::UtteranceId;
use crate::sound::Sound;
use crate::stt::service::Heard;
use crate::turn::{self, Manner};

impl Live {
    /// Takes what utterances sounded like from a tape.
    pub(in crate::host) fn play(&mut self, sounds: HashMap<UtteranceId, Sound>) {
        self.out.listening.play(sounds);
    }

    pub(super) fn on_heard(&mut self, mut heard: Heard) {
        self.out.echo.judge(&mut heard);
        let sound = self.out.listening.sound_of(&heard);
        self.out.tap.heard(&heard, sound.as_ref());
        let human = heard.utterance.human.clone();
        for merged in &heard.merged {
            self.uncaption(&human, *merged);
            // One line comes of several utterances; the core counts each beginning.
            self.tell(turn::Event::SpeechDropped { human: human.clone() });
        }
        match &heard.text {
            Ok(text) => {
                let line = self.new_line();
                self.ledger.heard(line, &heard);
                self.captioned.remove(&heard.utterance.id);
                self.caption(human.clone(), heard.utterance.id, text.clone(), true);
                self.on_line(line, human, Manner::Heard, text.clone(), sound);
            }
            Err(reason) => {
                let utterance = heard.utterance.id;
                self.uncaption(&human, utterance);
                tracing::debug!(%human, %utterance, %reason, "nothing was heard");
                self.tell(turn::Event::SpeechDropped { human });
            }
        }
    }
}
