//! Character cards: who a persona is, from a text, a file, or somebody else's card.

mod character;
mod png;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A card is paid for at every warm-up and fills a seat before the first line: about a fifth of
/// this is a long one.
const CHARS_MAX: usize = 16_000;
/// Files of text.
const TEXT_BYTES_MAX: u64 = 1 << 20;
/// Pictures: cards of 10 MB are in use.
const PICTURE_BYTES_MAX: u64 = 32 << 20;

/// What a card says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Only character cards (JSON, PNG) name their character.
    pub name: Option<String>,
    /// Plain text, never blank.
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error("the card is empty; say in a sentence or two who the persona is")]
    Empty,
    #[error("the card has {chars} characters, and {CHARS_MAX} are allowed; shorten it")]
    TooLong { chars: usize },
    #[error("the card {path} cannot be read: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the card {path} is larger than {max} bytes; take a smaller file")]
    TooLarge { path: PathBuf, max: u64 },
    #[error("the card {path} is not what its ending says: {cause}")]
    Malformed { path: PathBuf, cause: String },
}

/// Loads a card as the configuration writes it: the text itself, or the path of a `.md`, `.txt`,
/// `.json` or `.png` file, relative to `base`.
///
/// JSON is a Character Card (V1, V2, V3); PNG is a picture that carries one.
///
/// # Errors
/// When there is nothing in it, too much of it, or the file cannot be read or understood.
pub fn load(value: &str, base: &Path) -> Result<Card, CardError> {
    let card = match file_of(value, base) {
        Some((path, kind)) => read(&path, kind)?,
        None => Card { name: None, text: value.trim().to_owned() },
    };
    if card.text.trim().is_empty() {
        return Err(CardError::Empty);
    }
    let chars = card.text.chars().count();
    if chars > CHARS_MAX {
        return Err(CardError::TooLong { chars });
    }
    Ok(card)
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Json,
    Png,
}

/// The file that `value` names. A sentence may end in ".md" too: with blanks in it, it is a path
/// only if there is such a file.
fn file_of(value: &str, base: &Path) -> Option<(PathBuf, Kind)> {
    let value = value.trim();
    let ending = Path::new(value).extension()?.to_str()?.to_ascii_lowercase();
    let kind = match ending.as_str() {
        "md" | "txt" => Kind::Text,
        "json" => Kind::Json,
        "png" => Kind::Png,
        _ => return None,
    };
    let path = base.join(value);
    (!value.contains(char::is_whitespace) || path.is_file()).then_some((path, kind))
}

fn read(path: &Path, kind: Kind) -> Result<Card, CardError> {
    let malformed = |cause: String| CardError::Malformed { path: path.to_owned(), cause };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|error| malformed(format!("not UTF-8 text: {error}")))
    };
    match kind {
        Kind::Text => {
            let text = text(bytes_of(path, TEXT_BYTES_MAX)?)?;
            Ok(Card { name: None, text: text.trim_start_matches('\u{feff}').trim().to_owned() })
        }
        Kind::Json => {
            let json = text(bytes_of(path, TEXT_BYTES_MAX)?)?;
            character::parse(&json).map_err(malformed)
        }
        Kind::Png => {
            let picture = bytes_of(path, PICTURE_BYTES_MAX)?;
            let json = png::card_json(&picture).map_err(|error| malformed(error.to_string()))?;
            character::parse(&json).map_err(malformed)
        }
    }
}

fn bytes_of(path: &Path, max: u64) -> Result<Vec<u8>, CardError> {
    let unreadable = |source| CardError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    // One more than allowed, so that a file that is too large shows itself without being read.
    file.take(max + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max {
        return Err(CardError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_folder(name: &str, bytes: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn error(value: &str, base: &Path) -> String {
        load(value, base).unwrap_err().to_string()
    }

    #[test]
    fn a_text_is_the_card_itself() {
        let card = load("  Nora reads README.md daily.\n", Path::new("/")).unwrap();
        assert_eq!(card, Card { name: None, text: "Nora reads README.md daily.".to_owned() });
        let ends_like_a_file = "Nora always says: look into README.md";
        assert_eq!(load(ends_like_a_file, Path::new("/")).unwrap().text, ends_like_a_file);
    }

    #[test]
    fn a_path_is_relative_to_the_configuration() {
        let (folder, _) = in_folder("nora.MD", "\u{feff}Nora is a botanist.\n");
        assert_eq!(load("nora.MD", folder.path()).unwrap().text, "Nora is a botanist.");
        let (folder, _) = in_folder("old nora.txt", "Nora was a botanist.");
        assert_eq!(load("old nora.txt", folder.path()).unwrap().text, "Nora was a botanist.");
    }

    #[test]
    fn json_is_a_character_card() {
        let (folder, _) =
            in_folder("n.json", r#"{"name":"Nora","description":"{{char}} gardens."}"#);
        let card = load("n.json", folder.path()).unwrap();
        assert_eq!(card.name.as_deref(), Some("Nora"));
        assert_eq!(card.text, "Nora gardens.");
    }

    #[test]
    fn a_mistake_is_told_with_its_file() {
        assert!(error(" \n", Path::new("/")).starts_with("the card is empty"));
        assert!(error("gone.md", Path::new("/nowhere")).contains("/nowhere/gone.md"));
        assert!(error(&"x".repeat(16_001), Path::new("/")).contains("16001 characters"));
        let (folder, path) = in_folder("bad.json", "{");
        assert!(error("bad.json", folder.path()).contains(path.to_str().unwrap()));
        let (folder, _) = in_folder("empty.txt", "\n\n");
        assert!(error("empty.txt", folder.path()).starts_with("the card is empty"));
        let (folder, _) = in_folder("huge.txt", vec![b'x'; (1 << 20) + 1]);
        assert!(error("huge.txt", folder.path()).contains("larger than"));
        let (folder, _) = in_folder("bytes.txt", [0xff, 0xfe]);
        assert!(error("bytes.txt", folder.path()).contains("UTF-8"));
        let (folder, _) = in_folder("fake.png", "no picture");
        assert!(error("fake.png", folder.path()).contains("PNG"));
    }
}
