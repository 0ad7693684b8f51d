"""A LiveKit server of the test's own, whose keys the test knows: it can do to the room what an
operator can."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import subprocess
import time
import urllib.request

from household import free_port

START_S_MAX = 20


def token(key: str, secret: str, grants: dict, identity: str = "") -> str:
    """A LiveKit access token: a JWT signed with HS256, good for ten minutes."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    claims = {"iss": key, "exp": int(time.time()) + 600, "video": grants}
    if identity:
        claims["sub"] = identity
    head = ".".join(part(json.dumps(p).encode()) for p in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{head}.{part(hmac.new(secret.encode(), head.encode(), hashlib.sha256).digest())}"


class Server:
    """Started on entering, ended on leaving."""

    def __init__(self) -> None:
        self.port = free_port()
        self.key, self.secret = "test", secrets.token_hex(32)
        config = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {self.key: self.secret},
            "rtc": {
                "tcp_port": free_port(),
                "udp_port": free_port(),
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "ips": {"includes": ["127.0.0.1/32"]},
            },
            "logging": {"level": "error", "pion_level": "error"},
        }
        # YAML takes JSON.
        environment = {**os.environ, "LIVEKIT_CONFIG": json.dumps(config)}
        program = os.environ.get("LIVEKIT_SERVER_BIN", "livekit-server")
        self.process = subprocess.Popen([program], env=environment, stdin=subprocess.DEVNULL)

    @property
    def environment(self) -> dict[str, str]:
        """What `troupe` reads to join it."""
        return {
            "LIVEKIT_URL": f"ws://127.0.0.1:{self.port}",
            "LIVEKIT_API_KEY": self.key,
            "LIVEKIT_API_SECRET": self.secret,
        }

    def __enter__(self) -> Server:
        deadline = time.monotonic() + START_S_MAX
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1):
                    return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    raise
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def remove(self, room: str, identity: str) -> None:
        """Throws a participant out of a room."""
        pass_ = token(self.key, self.secret, {"roomAdmin": True, "room": room})
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/twirp/livekit.RoomService/RemoveParticipant",
            data=json.dumps({"room": room, "identity": identity}).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {pass_}"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            answer.read()
