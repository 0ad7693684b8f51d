//! A LiveKit server for one test.

use std::{
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use livekit_api::access_token::{AccessToken, VideoGrants};

const KEY: &str = "devkey";
const SECRET: &str = "a-secret-of-the-tests-0123456789";

pub(crate) struct Server {
    child: Child,
    port: u16,
    config: PathBuf,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(crate) fn start() -> Self {
        let port = free_tcp_port();
        let config = std::env::temp_dir().join(format!("libwebrtc-test-{port}.yaml"));
        let (tcp, udp) = (free_tcp_port(), free_udp_port());
        let text = format!(
            "port: {port}\nbind_addresses: [127.0.0.1]\nkeys:\n  {KEY}: {SECRET}\nrtc:\n  \
             tcp_port: {tcp}\n  udp_port: {udp}\n  node_ip: 127.0.0.1\n  use_external_ip: false\n  \
             enable_loopback_candidate: true\n  ips:\n    includes: [127.0.0.1/32]\n\
             logging:\n  level: warn\n  pion_level: error\n"
        );
        std::fs::write(&config, text).unwrap();
        let child = spawn(&config);
        let server = Self { child, port, config };
        server.wait();
        server
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "the server does not listen after 20 s");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the server as a crash would, and starts another on the same ports.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.config);
        self.wait();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    pub(crate) fn token(&self, room: &str, identity: &str) -> String {
        AccessToken::with_api_key(KEY, SECRET)
            .with_identity(identity)
            .with_grants(VideoGrants {
                room_join: true,
                room: room.to_owned(),
                can_update_own_metadata: Some(true),
                ..Default::default()
            })
            .to_jwt()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.config);
    }
}

fn spawn(config: &std::path::Path) -> Child {
    let program = std::env::var_os("LIVEKIT_SERVER_BIN")
        .expect("LIVEKIT_SERVER_BIN must name a livekit-server: these tests cannot do without");
    Command::new(&program)
        .arg("--config")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program:?} cannot be started: {error}"))
}

fn free_tcp_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn free_udp_port() -> u16 {
    UdpSocket::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
