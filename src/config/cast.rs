//! The cast: from the file's entries, or the three who come with Troupe.

use std::collections::HashSet;
use std::path::Path;

use super::ConfigError;
use super::file;
use crate::id::PersonaId;
use crate::persona::{Hears, Mode, Persona, VoiceStyle, card};
use crate::room::token::LISTENER_IDENTITY;

/// One seat each, and one sequence of the engine's cache.
const CAST_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 60;

pub(super) fn resolve(written: &[file::Persona], base: &Path) -> Result<Vec<Persona>, ConfigError> {
    if written.is_empty() {
        return Ok(house_cast());
    }
    if written.len() > CAST_MAX {
        let found = written.len();
        return Err(ConfigError(format!("{found} personas are too many; {CAST_MAX} fit")));
    }
    let mut taken = HashSet::new();
    written
        .iter()
        .map(|entry| {
            let persona = one(entry, base)?;
            if !taken.insert(persona.id.clone()) {
                return Err(ConfigError(format!(
                    "two personas have the id {:?}; give each its own",
                    entry.id
                )));
            }
            Ok(persona)
        })
        .collect()
}

fn one(entry: &file::Persona, base: &Path) -> Result<Persona, ConfigError> {
    let id = &entry.id;
    let wrong = |what: String| ConfigError(format!("persona {id:?}: {what}"));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if id.is_empty() || id.len() > 40 || !id.chars().all(plain) || id == LISTENER_IDENTITY {
        return Err(wrong(
            "the id cannot be used; take up to 40 of a-z, 0-9, '-' and '_'".to_owned(),
        ));
    }
    let card = card::load(&entry.card, base).map_err(|error| wrong(error.to_string()))?;
    let name = entry.name.clone().or(card.name).unwrap_or_else(|| capitalised(id));
    if name.trim().is_empty()
        || name.chars().count() > NAME_CHARS_MAX
        || name.chars().any(char::is_control)
    {
        return Err(wrong(format!(
            "the name {name:?} cannot be used; take 1 to {NAME_CHARS_MAX} printable characters"
        )));
    }
    let voice = entry.voice;
    if !(-12.0..=12.0).contains(&voice.pitch) || !(0.5..=2.0).contains(&voice.pace) {
        return Err(wrong(
            "voice.pitch goes from -12 to 12 and voice.pace from 0.5 to 2".to_owned(),
        ));
    }
    let (mode, sees, hears) = (entry.mode, entry.sees, entry.hears);
    Ok(Persona { id: PersonaId::new(id), name, card: card.text, voice, mode, sees, hears })
}

fn capitalised(id: &str) -> String {
    let mut letters = id.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn house_cast() -> Vec<Persona> {
    let persona = |id, name: &str, pitch, pace, card: &str| Persona {
        id: PersonaId::new(id),
        name: name.to_owned(),
        card: card.to_owned(),
        voice: VoiceStyle { pitch, pace },
        mode: Mode::Open,
        sees: None,
        hears: Hears::default(),
    };
    vec![
        persona(
            "nora",
            "Nora",
            5.0,
            1.05,
            "Nora is a botanist who keeps a rooftop garden. She is warm and practical, and speaks \
             about plants, seasons and soil.",
        ),
        persona(
            "felix",
            "Felix",
            -2.0,
            1.0,
            "Felix is a ship's cook who has sailed every sea. He is hearty and funny, and speaks \
             about food, weather and the ocean.",
        ),
        persona(
            "ada",
            "Ada",
            2.5,
            1.1,
            "Ada is a mathematician who loves puzzles. She is precise and curious, and speaks \
             about numbers, logic and machines.",
        ),
    ]
}
