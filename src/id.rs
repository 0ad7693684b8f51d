//! Names of the things that cross module borders.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $Name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $Name(Arc<str>);

        impl $Name {
            pub fn new(name: impl AsRef<str>) -> Self {
                Self(Arc::from(name.as_ref()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! number {
    ($(#[$doc:meta])* $Number:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $Number(pub u64);

        impl fmt::Display for $Number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $Number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $Number {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $Number {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = String::deserialize(from)?;
                let number = text.strip_prefix($prefix).and_then(|digits| digits.parse().ok());
                number.map(Self).ok_or_else(|| {
                    let wanted = concat!("a number after `", $prefix, "`");
                    serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &wanted)
                })
            }
        }
    };
}

name! {
    /// A persona: its participant identity and its seat's name.
    PersonaId
}
name! {
    /// A human: the participant identity in the room.
    HumanId
}
number! {
    /// A stretch of one human's speech. Counted from 1 in each run; written `u7`.
    UtteranceId, "u"
}
number! {
    /// An entry of the transcript. Counted from 1 in each run; written `l7`.
    LineId, "l"
}
number! {
    /// One persona's handling of one line, and of the speech that may come of it; written `t7`.
    TurnId, "t"
}

/// Who said a line.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Speaker {
    Human(HumanId),
    Persona(PersonaId),
}

impl Speaker {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Human(id) => id.as_str(),
            Self::Persona(id) => id.as_str(),
        }
    }

    pub fn is_human(&self) -> bool {
        matches!(self, Self::Human(_))
    }
}
