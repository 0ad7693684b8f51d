//! The types that a probe's field may have, and what they are in JSON.

use crate::id::{HumanId, LineId, PersonaId, TurnId, UtteranceId};

/// A field of a probe, for the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    /// What it is in JSON.
    pub json: String,
    pub about: &'static str,
}

/// A type whose JSON form is native: numbers stay numbers.
pub trait JsonType {
    /// In words, for the document.
    fn json() -> String;
}

macro_rules! json_types {
    ($($Type:ty => $words:literal),* $(,)?) => {
        $(impl JsonType for $Type {
            fn json() -> String {
                $words.to_owned()
            }
        })*
    };
}

json_types! {
    bool => "boolean",
    u32 => "integer",
    u64 => "integer",
    f32 => "number",
    &'static str => "string",
    std::borrow::Cow<'static, str> => "string",
    PersonaId => "string",
    HumanId => "string",
    TurnId => "string, `t7`",
    LineId => "string, `l7`",
    UtteranceId => "string, `u7`",
}

impl<T: JsonType> JsonType for Option<T> {
    fn json() -> String {
        format!("{}, or null", T::json())
    }
}
