//! Session descriptions: SDP text with its role in an offer/answer exchange.

use std::{
    fmt::{self, Debug, Display},
    str::FromStr,
};

use thiserror::Error;

/// The role of a description in the exchange.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SdpType {
    Offer,
    PrAnswer,
    Answer,
    Rollback,
}

impl FromStr for SdpType {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Offer, Self::PrAnswer, Self::Answer, Self::Rollback]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or("invalid SdpType")
    }
}

impl SdpType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::PrAnswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }
}

impl Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// SDP text and its type.
#[derive(Clone)]
pub struct SessionDescription {
    sdp: String,
    sdp_type: SdpType,
}

/// Where and why SDP or an ICE candidate line could not be read.
#[derive(Clone, Error, Debug)]
#[error("Failed to parse sdp: {line} - {description}")]
pub struct SdpParseError {
    pub line: String,
    pub description: String,
}

impl SessionDescription {
    /// Takes SDP text after a check of its outer form (`x=` lines, beginning with `v=0`).
    ///
    /// The contents are checked when the description is set: LiveKit's SDK takes a failed parse of
    /// a server's SDP for impossible, while a failed `set_remote_description` is handled there.
    pub fn parse(sdp: &str, sdp_type: SdpType) -> Result<Self, SdpParseError> {
        if sdp_type != SdpType::Rollback {
            check_form(sdp)?;
        }
        Ok(Self { sdp: sdp.to_owned(), sdp_type })
    }

    pub(crate) fn new(sdp: String, sdp_type: SdpType) -> Self {
        Self { sdp, sdp_type }
    }

    pub(crate) fn sdp(&self) -> &str {
        &self.sdp
    }

    pub fn sdp_type(&self) -> SdpType {
        self.sdp_type
    }
}

fn check_form(sdp: &str) -> Result<(), SdpParseError> {
    let error = |line: &str, description: &str| SdpParseError {
        line: line.to_owned(),
        description: description.to_owned(),
    };
    let mut lines = sdp.lines().map(str::trim_end).filter(|line| !line.is_empty());
    match lines.next() {
        Some(first) if first.starts_with("v=0") => {}
        first => return Err(error(first.unwrap_or_default(), "expected v=0")),
    }
    for line in lines {
        if line.as_bytes().get(1) != Some(&b'=') {
            return Err(error(line, "expected a line of the form x=value"));
        }
    }
    Ok(())
}

impl Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sdp)
    }
}

impl Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDescription").field("sdp_type", &self.sdp_type).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_form_is_checked() {
        let parse = |sdp: &str| SessionDescription::parse(sdp, SdpType::Offer);
        assert!(parse("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n").is_ok());
        assert!(parse("v=0\ns=-\n").is_ok());
        for bad in ["", "hello", "v=0\r\nnonsense\r\n", "s=-\r\nv=0\r\n", "v=0\r\n\u{e9}=x\r\n"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn type_names_round_trip() {
        for kind in [SdpType::Offer, SdpType::PrAnswer, SdpType::Answer, SdpType::Rollback] {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("Offer".parse::<SdpType>().is_err());
    }
}
