"""The test stand: processes with a core of their own, a sandbox for each client, and what the kernel says about them."""

import http.client
import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Platform:
    """A simulated platform: where it is controlled, and its default app. The secrets are public and open nothing but the
    sandbox."""

    name: str
    control: str
    app_id: str
    app_secret: str
    # Further lines of an app's configuration.
    lines: str = ""


FEISHU = Platform("feishu", "/control", "cli_a1b2c3d4e5f60718", "sandbox-secret-5f60718a1b2c3d4e")
DINGTALK = Platform("dingtalk", "/dingtalk/control", "dinga1b2c3d4e5f60718a1b2",
                    "sandbox-secret-dingtalk-5f60718a1b2c3d4e",
                    'card_template_id = "6f1c0a3e-5b7d-4a52-9d0e-2f8b61c4d7aa.schema"\n')

TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
# The client under test has the second core alone, its sandbox the first; with one core they have to share it.
SANDBOX_CORE, CLIENT_CORE = CORES[0], CORES[min(1, len(CORES) - 1)]


class StandError(Exception):
    """Something did not start or did not answer."""


def free_port():
    """A port of loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(url, body=None, timeout=5.0):
    """GET, or POST of JSON; returns status and text. Connects directly, whatever the environment says of proxies."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        if body is None:
            connection.request("GET", parts.path)
        else:
            connection.request("POST", parts.path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def until(what, condition, patience=30.0, pause=0.02, process=None):
    """Asks until the answer is true; a dead process or the end of patience is an error."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            answer = condition()
        except OSError:
            answer = None
        if answer:
            return answer
        if process is not None and process.gone():
            raise StandError(f"{what}: {process.name} ended; the end of its log:\n{process.log_end()}")
        time.sleep(pause)
    raise StandError(f"{what}: not within {patience:.0f} s")


class Process:
    """A child process on one core, with its output in a file."""

    def __init__(self, name, command, log, core, environment=None):
        self.name, self.log = name, Path(log)
        clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        with open(self.log, "ab") as output:
            self.started = time.monotonic()
            self.child = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=clean | (environment or {}), preexec_fn=lambda: os.sched_setaffinity(0, {core}))

    def age_ms(self):
        """Milliseconds since it was started."""
        return (time.monotonic() - self.started) * 1000

    def gone(self):
        """Whether it has ended."""
        return self.child.poll() is not None

    def log_end(self):
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def rss_mb(self, field="VmRSS"):
        """Resident memory in MB (10^6 bytes)."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(field + ":"))
        return int(line.split()[1]) * 1024 / 1e6

    def cpu_seconds(self):
        """Processor time used so far, in user and kernel mode."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def kill(self):
        """kill -9."""
        self.child.kill()
        self.child.wait()

    def stop(self, patience=10.0):
        """SIGTERM, and SIGKILL if that does not help."""
        if self.gone():
            return
        self.child.terminate()
        try:
            self.child.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()


class Sandbox:
    """A running sandbox, of which one platform is used."""

    def __init__(self, binary, folder, name, platform=FEISHU, core=SANDBOX_CORE):
        self.platform = platform
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [binary, "serve", "--listen", self.url.removeprefix("http://")]
        self.process = Process(f"sandbox of {name}", command, Path(folder) / f"{name}-sandbox.log", core)
        until("the sandbox starts", lambda: self.links() is not None, process=self.process)

    def links(self):
        """How many long connections are open."""
        return self._control("stream")["connections"]

    def wait_for_links(self, count, process):
        """Waits until a client has opened that many."""
        until(f"{process.name} connects", lambda: self.links() >= count, process=process)

    def flood(self, seconds, window=128, event_bytes=1000, card_every=10, seed=1, events=None):
        """Floods the first connection and returns the sandbox's report."""
        spec = {"connection": "first", "seconds": seconds, "window": window, "event_bytes": event_bytes,
                "card_every": card_every, "seed": seed, "events": events}
        return self._control("flood", spec, timeout=seconds + 60)

    def _control(self, path, body=None, timeout=5.0):
        status, text = call(f"{self.url}{self.platform.control}/{path}", body, timeout)
        if status != 200:
            raise StandError(f"the sandbox answers {status} to {path}: {text[:200]}")
        return json.loads(text)


def busy_cpu_seconds():
    """Processor time used by everybody since the machine started, time taken by other virtual machines included."""
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def fdatasync_ms(folder, times=100):
    """How long the disk takes to keep 4 KiB, in milliseconds, each time."""
    path = Path(folder) / "fdatasync.probe"
    took = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            before = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - before) * 1000)
    path.unlink()
    return took
