//! Who may see what.

use std::net::SocketAddr;
use std::sync::Arc;

use troupe::admin::state::open;
use troupe::admin::{Error, Options, Server};

use super::client::{ask, get};
use super::house::{Stage, status};

const TOKEN: &str = "a-token-of-the-test";

async fn bind(listen: &str, token: Option<&str>) -> Result<Server, Error> {
    let (_, _, house) = open(status(), Arc::new(|_| Err("nobody comes in".to_owned())));
    let listen = listen.parse().expect("an address");
    Server::bind(Options { listen, token: token.map(str::to_owned) }, house).await
}

#[tokio::test]
async fn the_network_is_not_served_without_a_token() {
    let refused = bind("0.0.0.0:0", None).await.err().expect("it is refused");
    assert!(matches!(refused, Error::Open(_)), "{refused}");
    assert!(refused.to_string().contains("set TROUPE_TOKEN"), "{refused}");
    assert!(bind("0.0.0.0:0", Some(TOKEN)).await.is_ok());
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_mend() {
    let first = bind("127.0.0.1:0", None).await.expect("a free port");
    let again = bind(&first.address().to_string(), None).await.err().expect("it is taken");
    assert!(matches!(again, Error::PortTaken(at) if at == first.address()));
    assert!(again.to_string().contains("--listen"), "{again}");
}

#[tokio::test]
async fn another_name_for_this_machine_gets_nothing() {
    let stage = Stage::open().await;
    let rebound = ask(stage.at, "GET", "/api/status", &[("host", "evil.example")], "").await;
    assert_eq!(rebound.status, 421);
    assert!(!rebound.body.contains("demo"));
    let local = format!("localhost:{}", stage.at.port());
    assert_eq!(ask(stage.at, "GET", "/api/status", &[("host", &local)], "").await.status, 200);
    stage.close().await;
}

#[tokio::test]
async fn pages_of_other_sites_cannot_give_orders() {
    let mut stage = Stage::open().await;
    let own = format!("http://{}", stage.at);
    let from = async |headers: &[(&str, &str)]| {
        ask(stage.at, "POST", "/api/personas/ada/hush", headers, "").await.status
    };
    assert_eq!(from(&[("origin", "http://evil.example")]).await, 403);
    assert_eq!(from(&[("origin", "null")]).await, 403);
    assert_eq!(from(&[("sec-fetch-site", "cross-site")]).await, 403);
    assert_eq!(from(&[("sec-fetch-site", "same-site")]).await, 403);
    assert_eq!(from(&[("origin", &own)]).await, 202);
    assert!(stage.commands.recv().await.is_some());
    assert!(stage.commands.try_recv().is_err());
    stage.close().await;
}

#[tokio::test]
async fn every_answer_forbids_what_the_pages_do_not_need() {
    let stage = Stage::open().await;
    for path in ["/", "/admin", "/api/status", "/nope"] {
        let answer = get(stage.at, path).await;
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        let rooms = "connect-src 'self' ws://127.0.0.1:7880 http://127.0.0.1:7880;";
        assert!(policy.contains(rooms), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    assert_eq!(get(stage.at, "/api/status").await.header("cache-control"), "no-store");
    stage.close().await;
}

#[tokio::test]
async fn the_token_opens_everything_in_three_ways() {
    let stage = Stage::with(Some(TOKEN)).await;
    assert_eq!(get(stage.at, "/api/status").await.status, 401);
    assert_eq!(get(stage.at, "/metrics").await.status, 401);
    assert_eq!(get(stage.at, "/").await.status, 401);
    assert_eq!(get(stage.at, "/healthz").await.status, 200);
    assert_eq!(get(stage.at, "/readyz").await.status, 200);
    let with = async |name: &str, value: &str| {
        ask(stage.at, "GET", "/api/status", &[(name, value)], "").await.status
    };
    assert_eq!(with("authorization", &format!("Bearer {TOKEN}")).await, 200);
    assert_eq!(with("authorization", "Bearer a-token-of-the-tesu").await, 401);
    assert_eq!(with("cookie", "troupe_token=wrong").await, 401);
    let link = get(stage.at, path_of(&stage.admin_url, stage.at)).await;
    assert_eq!((link.status, link.header("location")), (303, "/admin"));
    let cookie = link.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let pair = cookie.split(';').next().expect("name=value");
    assert_eq!(with("cookie", &format!("other=1; {pair}")).await, 200);
    stage.close().await;
}

#[tokio::test]
async fn the_link_to_share_opens_the_join_page_only() {
    let stage = Stage::with(Some(TOKEN)).await;
    assert!(!stage.join_url.contains(TOKEN));
    let link = get(stage.at, path_of(&stage.join_url, stage.at)).await;
    assert_eq!((link.status, link.header("location")), (303, "/"));
    let cookie = link.header("set-cookie").split(';').next().expect("name=value").to_owned();
    let with = async |method: &str, path: &str, body: &str| {
        let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
        ask(stage.at, method, path, &headers, body).await
    };
    assert_eq!(with("GET", "/", "").await.status, 200);
    assert_eq!(with("GET", "/assets/css/base.css", "").await.status, 200);
    assert_eq!(with("GET", "/api/personas/ada/face.png", "").await.status, 200);
    let pass = with("POST", "/api/token", r#"{"name":"Tom"}"#).await;
    assert_eq!((pass.status, &pass.json()["admin"]), (200, &serde_json::json!(false)));
    for path in ["/admin", "/api/status", "/api/events", "/api/turns/t1/audio", "/metrics"] {
        assert_eq!(with("GET", path, "").await.status, 403, "{path}");
    }
    assert_eq!(with("POST", "/api/personas/ada/hush", "").await.status, 403);
    assert_eq!(with("POST", "/api/recording", r#"{"on":true}"#).await.status, 403);
    stage.close().await;
}

fn path_of(url: &str, at: SocketAddr) -> &str {
    url.strip_prefix(&format!("http://{at}")).expect("an address of the stage")
}
