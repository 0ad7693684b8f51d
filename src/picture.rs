//! Still pictures that people show and the model is given.
//!
//! Whatever they came as, they are kept as JPEG of bounded size, once, and named by what is in
//! them: so that an engine encodes each once for all who see it, and nothing that hides in a file
//! (its place of taking, its maker) goes further.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::medium::MediumId;

pub mod file;

pub use file::{FileError, TILE_SIDE};

/// Where a picture was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Camera,
    Screen,
    /// It was pasted into the chat.
    Chat,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Screen => "screen",
            Self::Chat => "chat",
        }
    }
}

/// A picture, cheap to clone. Two with the same name are the same.
#[derive(Clone)]
pub struct Picture(Arc<Kept>);

struct Kept {
    id: MediumId,
    /// In pixels.
    sides: (u32, u32),
    jpeg: Vec<u8>,
}

impl Picture {
    fn new(sides: (u32, u32), jpeg: Vec<u8>) -> Self {
        Self(Arc::new(Kept { id: MediumId::of(&jpeg), sides, jpeg }))
    }

    pub fn id(&self) -> &MediumId {
        &self.0.id
    }

    /// In pixels.
    pub fn width(&self) -> u32 {
        self.0.sides.0
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.0.sides.1
    }

    /// A JPEG file.
    pub fn jpeg(&self) -> &[u8] {
        &self.0.jpeg
    }
}

impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Picture {}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({} {} x {})", self.id(), self.width(), self.height())
    }
}
