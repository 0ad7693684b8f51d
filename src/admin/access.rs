//! Who may see what: the operator's token, and the visitors' key that is made from it.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

use super::{Error, Options};

const TOKEN_CHARS_MIN: usize = 16;
/// Hex digits of the visitors' key: 128 bits.
const KEY_CHARS: usize = 32;

/// What a secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// The join page and its token.
    Visitor,
    /// Everything.
    Operator,
}

/// The secrets of this run. Without a token everybody on this machine is the operator.
pub(super) struct Access {
    secrets: Option<Secrets>,
    listen: IpAddr,
}

struct Secrets {
    token: String,
    key: String,
}

impl Access {
    pub(super) fn new(options: &Options) -> Result<Self, Error> {
        let listen = options.listen.ip();
        let Some(token) = options.token.clone() else {
            if listen.is_loopback() {
                return Ok(Self { secrets: None, listen });
            }
            return Err(Error::Open(options.listen));
        };
        if token.len() < TOKEN_CHARS_MIN {
            return Err(Error::ShortToken);
        }
        // These stand in cookies and addresses as they are.
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)) {
            return Err(Error::TokenCharacters);
        }
        let key = visitor_key(&token);
        Ok(Self { secrets: Some(Secrets { token, key }), listen })
    }

    /// What `secret` opens; none when it is wrong or missing.
    pub(super) fn level(&self, secret: Option<&str>) -> Option<Level> {
        let Some(secrets) = &self.secrets else { return Some(Level::Operator) };
        let secret = secret?;
        if same(secret, &secrets.token) {
            Some(Level::Operator)
        } else if same(secret, &secrets.key) {
            Some(Level::Visitor)
        } else {
            None
        }
    }

    /// Whether a browser may call this server by `host` (the Host header). With a token any name
    /// will do, since a stranger's page has no cookie under its own name; without one only this
    /// machine's names are taken, so that no page can make its own name point here.
    pub(super) fn knows_host(&self, host: &str) -> bool {
        if self.secrets.is_some() {
            return true;
        }
        let name = host_name(host);
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == self.listen)
    }

    pub(super) fn join_url(&self, at: SocketAddr) -> String {
        self.url(at, "/", self.secrets.as_ref().map(|s| s.key.as_str()))
    }

    pub(super) fn admin_url(&self, at: SocketAddr) -> String {
        self.url(at, "/admin", self.secrets.as_ref().map(|s| s.token.as_str()))
    }

    fn url(&self, at: SocketAddr, path: &str, secret: Option<&str>) -> String {
        match secret {
            Some(secret) => format!("http://{at}{path}?token={secret}"),
            None => format!("http://{at}{path}"),
        }
    }
}

fn visitor_key(token: &str) -> String {
    let digest = Sha256::digest(format!("troupe visitor key\n{token}"));
    let mut key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    key.truncate(KEY_CHARS);
    key
}

/// Compares digests, so that the time taken tells nothing about the secret.
fn same(left: &str, right: &str) -> bool {
    let (left, right) = (Sha256::digest(left), Sha256::digest(right));
    left.iter().zip(right).fold(0, |differ, (l, r)| differ | (l ^ r)) == 0
}

/// The name in a Host header: without port and brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(listen: &str, token: Option<&str>) -> Result<Access, Error> {
        let listen = listen.parse().expect("an address");
        Access::new(&Options { listen, token: token.map(str::to_owned) })
    }

    #[test]
    fn other_addresses_than_loopback_need_a_good_token() {
        assert!(access("127.0.0.1:0", None).is_ok());
        assert!(access("[::1]:0", None).is_ok());
        assert!(matches!(access("0.0.0.0:0", None), Err(Error::Open(_))));
        assert!(matches!(access("0.0.0.0:0", Some("short")), Err(Error::ShortToken)));
        let odd = Some("0123456789abcdef;x");
        assert!(matches!(access("0.0.0.0:0", odd), Err(Error::TokenCharacters)));
        assert!(access("0.0.0.0:0", Some("0123456789abcdef")).is_ok());
    }

    #[test]
    fn only_names_of_this_machine_are_known_without_a_token() {
        let open = access("127.0.0.1:0", None).expect("loopback");
        for name in ["127.0.0.1:7878", "localhost", "LOCALHOST:1", "[::1]:7878", "127.8.8.8"] {
            assert!(open.knows_host(name), "{name}");
        }
        for name in ["evil.example", "evil.example:7878", "10.0.0.1:7878", "", "[evil]:1"] {
            assert!(!open.knows_host(name), "{name}");
        }
        let shut = access("127.0.0.1:0", Some("0123456789abcdef")).expect("a good token");
        assert!(shut.knows_host("troupe.example"));
    }

    #[test]
    fn the_visitors_key_opens_less_than_the_token() {
        let shut = access("127.0.0.1:0", Some("0123456789abcdef")).expect("a good token");
        let join = shut.join_url("127.0.0.1:1".parse().expect("an address"));
        let key = join.rsplit('=').next().expect("a key");
        assert_eq!(shut.level(Some(key)), Some(Level::Visitor));
        assert_eq!(shut.level(Some("0123456789abcdef")), Some(Level::Operator));
        assert_eq!(shut.level(Some("0123456789abcdeg")), None);
        assert_eq!(shut.level(None), None);
    }
}
