//! How humans' lines sounded, for those of the cast who hear.

use std::collections::HashMap;

use crate::admin::state::SoundCounts;
use crate::id::UtteranceId;
use crate::sound::Sound;
use crate::stt::service::Heard;

/// Where the sound of a line comes from.
enum Source {
    /// Nobody hears, and no sound is kept.
    Nowhere,
    /// From what the recogniser was given.
    Clips,
    /// From a tape.
    Tape(HashMap<UtteranceId, Sound>),
}

pub(super) struct Listening {
    source: Source,
    given: u64,
    dropped: u64,
}

impl Listening {
    /// `hears` is whether anybody of the cast does.
    pub(super) fn new(hears: bool) -> Self {
        let source = if hears { Source::Clips } else { Source::Nowhere };
        Self { source, given: 0, dropped: 0 }
    }

    /// Takes sounds from a tape in place of what is heard.
    pub(super) fn play(&mut self, sounds: HashMap<UtteranceId, Sound>) {
        if !matches!(self.source, Source::Nowhere) {
            self.source = Source::Tape(sounds);
        }
    }

    /// How an utterance with words sounded, all that was joined to it included. None: those who
    /// hear have its words only.
    pub(super) fn sound_of(&mut self, heard: &Heard) -> Option<Sound> {
        if heard.text.is_err() {
            return None;
        }
        let utterance = &heard.utterance;
        let sound = match &self.source {
            Source::Nowhere => return None,
            Source::Clips => Sound::of_samples(&utterance.clip.samples)
                .inspect_err(|error| {
                    let (human, utterance) = (&utterance.human, utterance.id);
                    tracing::warn!(%human, %utterance, %error, "a line goes without its sound");
                })
                .ok(),
            Source::Tape(sounds) => sounds.get(&utterance.id).cloned(),
        };
        self.given += u64::from(sound.is_some());
        self.dropped += u64::from(sound.is_none());
        sound
    }

    /// For the pages; none where nobody hears.
    pub(super) fn shown(&self) -> Option<SoundCounts> {
        let Self { given, dropped, .. } = *self;
        let hears = !matches!(self.source, Source::Nowhere);
        hears.then(|| SoundCounts { given, dropped, ..SoundCounts::default() })
    }
}
