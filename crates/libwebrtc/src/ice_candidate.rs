//! ICE candidates as they are exchanged by signalling.

use std::fmt::{self, Debug, Display};

use crate::session_description::SdpParseError;

/// One candidate line with the m-line it belongs to.
pub struct IceCandidate {
    sdp_mid: String,
    sdp_mline_index: i32,
    candidate: String,
}

impl IceCandidate {
    /// Takes a candidate line. Whether its contents can be used is decided by
    /// `PeerConnection::add_ice_candidate`: a caller that cannot go on without a parsed candidate
    /// (LiveKit's SDK) must not be stopped by a line that the other side should not have sent.
    ///
    /// # Errors
    /// When the text holds a line break, which would be more than one line.
    pub fn parse(
        sdp_mid: &str,
        sdp_mline_index: i32,
        sdp: &str,
    ) -> Result<IceCandidate, SdpParseError> {
        let line = sdp.trim_end();
        if line.contains(['\r', '\n']) {
            return Err(SdpParseError {
                line: line.to_owned(),
                description: "a candidate is one line".to_owned(),
            });
        }
        Ok(Self {
            sdp_mid: sdp_mid.to_owned(),
            sdp_mline_index,
            candidate: line.strip_prefix("a=").unwrap_or(line).to_owned(),
        })
    }

    pub fn sdp_mid(&self) -> String {
        self.sdp_mid.clone()
    }

    pub fn sdp_mline_index(&self) -> i32 {
        self.sdp_mline_index
    }

    /// `candidate:…`, without `a=`. Empty for the end of candidates.
    pub fn candidate(&self) -> String {
        self.candidate.clone()
    }

    pub(crate) fn line(&self) -> &str {
        &self.candidate
    }
}

impl Display for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.candidate)
    }
}

impl Debug for IceCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCandidate").field("candidate", &self.candidate).finish()
    }
}
