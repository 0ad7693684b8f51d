//! The models that are done without where they are missing: the one that tells whether a human has
//! finished, and the one that tells what a line is about.

use std::path::Path;
use std::sync::Arc;

use crate::config::{Config, EndOfTurn};
use crate::meaning::{self, Read, Reader};
use crate::models::{self, Kind};
use crate::stt::end_of_turn::Predictor;
use crate::stt::end_of_turn::smart_turn::SmartTurn;

/// A catalogue name.
const MODEL: &str = "smart-turn-v3.2";

/// Loads both, side by side.
pub(super) async fn load(config: &Config) -> (Option<Arc<dyn Predictor>>, Option<Arc<dyn Read>>) {
    tokio::join!(end_of_turn(config), reader(config))
}

/// Loads the model where it is asked for. Without it a fixed wait holds, so that its absence is no
/// error.
async fn end_of_turn(config: &Config) -> Option<Arc<dyn Predictor>> {
    if config.hearing.end_of_turn != EndOfTurn::Auto {
        return None;
    }
    let root = config.models.root.clone();
    let loaded = tokio::task::spawn_blocking(move || find(&root)).await;
    match loaded.map_err(|error| error.to_string()).and_then(|found| found) {
        Ok(model) => Some(Arc::new(model)),
        Err(error) => {
            tracing::warn!(error, "no model judges the end of a turn; it is a fixed silence");
            None
        }
    }
}

/// Loads the model of sentences, for this cast. Without it lines are judged by their words alone.
async fn reader(config: &Config) -> Option<Arc<dyn Read>> {
    let root = config.models.root.clone();
    let cards: Vec<String> = config.cast.iter().map(|persona| persona.card.clone()).collect();
    let find = move || {
        let embedder = Arc::new(meaning::find(&root)?);
        Reader::new(embedder, cards.iter().map(String::as_str))
    };
    let loaded = tokio::task::spawn_blocking(find).await.map_err(|error| error.to_string());
    match loaded.and_then(|found| found.map_err(|error| error.to_string())) {
        Ok(reader) => Some(Arc::new(reader)),
        Err(error) => {
            tracing::warn!(error, "no model tells what a line is about; its words have to");
            None
        }
    }
}

fn find(root: &Path) -> Result<SmartTurn, String> {
    let files = models::resolve(root, MODEL).and_then(|files| files.of_kind(Kind::Turn));
    let files = files.map_err(|error| error.to_string())?;
    SmartTurn::load(files.main()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Flags, Options};

    #[tokio::test]
    async fn a_host_without_the_model_starts() {
        let folder = tempfile::tempdir().expect("a folder");
        let env = Env { models_root: Some(folder.path().into()), ..Env::default() };
        let config =
            Config::resolve(&Flags::default(), &env, &Options::default(), Path::new(".")).unwrap();
        assert_eq!(config.hearing.end_of_turn, EndOfTurn::Auto);
        let (predictor, reader) = load(&config).await;
        assert!(predictor.is_none());
        assert!(reader.is_none());
        let error = find(folder.path()).err().expect("there is none");
        assert!(error.contains("troupe models pull smart-turn-v3.2"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_model_is_refused_with_the_mend() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("turn.onnx");
        std::fs::write(&path, b"no network").expect("written");
        let error = SmartTurn::load(&path).err().expect("refused").to_string();
        assert!(error.contains("is not an end-of-turn model"), "{error}");
    }
}
