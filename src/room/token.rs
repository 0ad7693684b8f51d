//! Join tokens: who may do what in the room, and for how long.

use std::fmt;
use std::time::Duration;

use livekit_api::access_token::{AccessToken, AccessTokenError, VideoGrants};

use crate::id::PersonaId;
use crate::room::AgentState;

/// Our own participants get a fresh one at each join; the SDK resumes a lost connection with it.
const MEMBER_TTL: Duration = Duration::from_hours(24);
/// A visitor's token is used at once; a reconnecting client is given fresh ones by the server.
const VISITOR_TTL: Duration = Duration::from_mins(10);

/// The listener's identity. It is hidden, so nobody sees it.
pub const LISTENER_IDENTITY: &str = "troupe-listener";

/// A LiveKit server's key pair. Never shown: `Debug` and errors leave the secret out.
#[derive(Clone)]
pub struct Keys {
    pub key: String,
    pub secret: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no join token could be made: {0}")]
pub struct TokenError(#[from] AccessTokenError);

/// Makes the tokens of one room.
#[derive(Clone, Debug)]
pub struct Mint {
    keys: Keys,
    room: String,
}

impl Mint {
    pub fn new(keys: Keys, room: impl Into<String>) -> Self {
        Self { keys, room: room.into() }
    }

    /// The participant that hears all humans. Kind AGENT, since only an agent may send a human's
    /// transcript under the human's name.
    pub fn listener(&self) -> Result<String, TokenError> {
        let grants = VideoGrants {
            hidden: true,
            can_publish: Some(false),
            can_publish_data: Some(true),
            can_subscribe: Some(true),
            ..self.join()
        };
        Ok(self
            .base(LISTENER_IDENTITY, "listener", MEMBER_TTL)
            .with_kind("agent")
            .with_grants(grants)
            .to_jwt()?)
    }

    /// A persona: it speaks and writes, and hears nothing itself.
    pub fn persona(&self, id: &PersonaId, name: &str) -> Result<String, TokenError> {
        let grants = VideoGrants {
            can_publish: Some(true),
            can_publish_data: Some(true),
            can_subscribe: Some(false),
            can_update_own_metadata: Some(true),
            ..self.join()
        };
        Ok(self
            .base(id.as_str(), name, MEMBER_TTL)
            .with_kind("agent")
            .with_attributes([("lk.agent.state", AgentState::Initializing.as_str())])
            .with_grants(grants)
            .to_jwt()?)
    }

    /// A human visitor.
    pub fn visitor(&self, identity: &str, name: &str) -> Result<String, TokenError> {
        let grants = VideoGrants {
            can_publish: Some(true),
            can_publish_data: Some(true),
            can_subscribe: Some(true),
            ..self.join()
        };
        Ok(self.base(identity, name, VISITOR_TTL).with_grants(grants).to_jwt()?)
    }

    pub fn room(&self) -> &str {
        &self.room
    }

    fn base(&self, identity: &str, name: &str, ttl: Duration) -> AccessToken {
        AccessToken::with_api_key(&self.keys.key, &self.keys.secret)
            .with_identity(identity)
            .with_name(name)
            .with_ttl(ttl)
    }

    fn join(&self) -> VideoGrants {
        VideoGrants { room_join: true, room: self.room.clone(), ..VideoGrants::default() }
    }
}

#[cfg(test)]
mod tests {
    use livekit_api::access_token::TokenVerifier;

    use super::*;

    fn mint() -> Mint {
        let secret = "a-secret-that-is-long-enough-for-hs256".to_owned();
        Mint::new(Keys { key: "key".to_owned(), secret }, "den")
    }

    fn claims(token: &str) -> livekit_api::access_token::Claims {
        let keys = mint().keys;
        TokenVerifier::with_api_key(&keys.key, &keys.secret).verify(token).expect("our own token")
    }

    #[test]
    fn the_listener_is_a_hidden_agent_that_cannot_publish() {
        let claims = claims(&mint().listener().expect("a token"));
        assert_eq!(claims.kind, "agent");
        assert!(claims.video.hidden && claims.video.can_subscribe());
        assert!(!claims.video.can_publish());
        assert_eq!(claims.video.room, "den");
    }

    #[test]
    fn a_persona_is_a_visible_agent_without_ears() {
        let claims = claims(&mint().persona(&PersonaId::new("ada"), "Ada").expect("a token"));
        assert_eq!((claims.kind.as_str(), claims.sub.as_str()), ("agent", "ada"));
        assert!(!claims.video.hidden && !claims.video.can_subscribe());
        assert!(claims.video.can_publish() && claims.video.can_update_own_metadata());
        assert_eq!(claims.attributes["lk.agent.state"], "initializing");
    }

    #[test]
    fn a_visitor_is_bound_to_the_room_and_cannot_pose_as_an_agent() {
        let claims = claims(&mint().visitor("tom-1", "Tom").expect("a token"));
        assert_eq!(claims.video.room, "den");
        assert!(claims.kind.is_empty() || claims.kind == "standard");
        assert!(!claims.video.hidden && !claims.video.room_admin);
        assert!(!claims.video.can_update_own_metadata());
    }

    #[test]
    fn debug_output_has_no_secret() {
        assert!(!format!("{:?}", mint()).contains("a-secret"));
    }
}
