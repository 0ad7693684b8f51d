//! What the cast looks like.

use std::collections::HashMap;
use std::path::Path;

use super::{ConfigError, file};
use crate::id::PersonaId;
use crate::persona::Face;

/// Faces that fit the cards of the three who come with Troupe: hair that goes with a rooftop
/// garden, a cook's beard, glasses.
const HOUSE_SEEDS: [(&str, u64); 3] = [("nora", 3), ("felix", 5), ("ada", 6)];

/// Relative paths of pictures start at `base`. A card that is a picture is its persona's face too.
pub(super) fn resolve(
    written: &[file::Persona],
    base: &Path,
) -> Result<HashMap<PersonaId, Face>, ConfigError> {
    if written.is_empty() {
        let drawn = |(id, seed)| (PersonaId::new(id), Face::Drawn { rgb: None, seed: Some(seed) });
        return Ok(HOUSE_SEEDS.into_iter().map(drawn).collect());
    }
    let mut faces = HashMap::new();
    for entry in written {
        let wrong = |what: String| ConfigError(format!("persona {:?}: {what}", entry.id));
        let face = match &entry.face {
            Some(file::Face::Picture(path)) => {
                let path = base.join(path);
                if !path.is_file() {
                    let path = path.display();
                    return Err(wrong(format!("there is no picture {path}; check `face`")));
                }
                Face::Picture(path)
            }
            Some(file::Face::Drawn(drawn)) => {
                let rgb = drawn.color.as_deref().map(str::parse).transpose();
                let rgb = rgb.map_err(|error| wrong(format!("face.color: {error}")))?;
                Face::Drawn { rgb, seed: drawn.seed }
            }
            None => {
                let card = base.join(entry.card.trim());
                let is_png =
                    card.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
                if !is_png || !card.is_file() {
                    continue;
                }
                Face::Picture(card)
            }
        };
        faces.insert(PersonaId::new(&entry.id), face);
    }
    Ok(faces)
}
