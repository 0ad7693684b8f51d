"""Starts `troupe up` for a test, talks to its pages, and takes it down."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from sound import ROOT

# Models load and seats warm up; on two busy cores that takes a while.
READY_S_MAX = 120
# It says goodbye in the room and lets its children end.
STOP_S_MAX = 15


def troupe_binary() -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return Path(os.environ.get("TROUPE_BIN", target / "release" / "troupe"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Household:
    """One running host; with its own LiveKit server, unless `livekit` names another's address and
    keys as `LIVEKIT_*` variables."""

    def __init__(self, name: str, *arguments: str, livekit: dict[str, str] | None = None) -> None:
        self.base = f"http://127.0.0.1:{free_port()}"
        self.room = f"{name}-{os.getpid()}-{int(time.time())}"
        self.log = Path(tempfile.gettempdir()) / f"{self.room}.log"
        command = [str(troupe_binary()), "up", "--livekit", "auto", "--room", self.room]
        command += ["--listen", self.base.removeprefix("http://"), *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LIVEKIT_")}
        if server := os.environ.get("LIVEKIT_SERVER_BIN"):
            environment["LIVEKIT_SERVER_BIN"] = server
        environment.update(livekit or {})
        self._output = self.log.open("w")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env=environment,
            cwd=tempfile.gettempdir(),
        )

    def __enter__(self) -> Household:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        self.stop()
        if failed:
            print(f"the last lines of {self.log}:")
            print("\n".join(self.log.read_text().splitlines()[-25:]))
        else:
            self.log.unlink()

    def stop(self) -> int:
        """Asks it to end; returns its exit code, 0 after an orderly end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self._output.close()

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.base + path, timeout=5) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(
            self.base + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def code(self, path: str) -> int:
        """The HTTP status; 0 while nobody listens."""
        try:
            with urllib.request.urlopen(self.base + path, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    async def ready(self, timeout_s: float = READY_S_MAX) -> float:
        """Waits for the cast; returns how long that took."""
        began = time.monotonic()
        while self.code("/readyz") != 200:
            if self.process.poll() is not None:
                raise RuntimeError(f"troupe ended with exit code {self.process.returncode}")
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(f"the cast was not hosted within {timeout_s:g} s")
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    def pass_for(self, name: str) -> tuple[str, str]:
        """Address and token, as the join page gets them."""
        answer = self.post("/api/token", {"name": name})
        return answer["url"], answer["token"]

    def turns(self) -> list[dict]:
        return self.get("/api/turns?limit=1000")["turns"]

    def family(self) -> dict[int, str]:
        """The host's process and its children: program names by process id."""
        parents, names = {}, {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            name, rest = stat[stat.index("(") + 1 :].rsplit(")", 1)
            names[int(entry.name)], parents[int(entry.name)] = name, int(rest.split()[1])
        members = {self.process.pid}
        while grown := {p for p, parent in parents.items() if parent in members} - members:
            members |= grown
        return {pid: names[pid] for pid in members if pid in names}

    def child(self, name: str) -> int:
        """The process id of the child whose name begins so (Linux keeps 15 characters)."""
        for pid, its in self.family().items():
            if its.startswith(name[:15]) and pid != self.process.pid:
                return pid
        raise LookupError(f"the host has no child {name}; it has {self.family()}")

    def rss_mib(self) -> dict[str, float]:
        """Resident memory by program name."""
        page_mib = os.sysconf("SC_PAGE_SIZE") / 2**20
        sums: dict[str, float] = {}
        for pid, name in self.family().items():
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
            sums[name] = round(sums.get(name, 0.0) + pages * page_mib, 1)
        return sums

    def cpu_s(self, only: str | None = None) -> float:
        """Processor seconds that the whole family has used, or its members of one name."""
        ticks = 0
        for pid, name in self.family().items():
            if only and not name.startswith(only[:15]):
                continue
            try:
                stat = Path(f"/proc/{pid}/stat").read_text()
            except OSError:
                continue
            fields = stat.rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")
