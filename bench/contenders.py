"""Who is compared: Cardkey as it is shipped, and the official clients, each with an empty handler and with one that
inserts into SQLite."""

import base64
import os
import sqlite3
import subprocess
from pathlib import Path

from stand import CLIENT_CORE, DINGTALK, FEISHU, Process, Sandbox, call, free_port, until

HERE = Path(__file__).resolve().parent

CONFIG = """[server]
listen = "{api}"
public_url = "http://{api}"

[metrics]
port = {metrics_port}

[database]
url = "sqlite://{database}"

[vault]
master_key_file = "{key}"

[[apps]]
platform = "{platform}"
app_id = "{app_id}"
app_secret = "{app_secret}"
name = "Benchmark"
open_url = "{sandbox}"
accounts_url = "{sandbox}"
{lines}"""


class Rows:
    """The inbox of a contender, read from outside."""

    def __init__(self, path):
        self.path, self.last = path, 0

    def new(self):
        """How many rows were committed since the last call."""
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        try:
            count, last = database.execute(
                "SELECT count(*), coalesce(max(seq), 0) FROM inbox WHERE seq > ?", (self.last,)).fetchone()
        finally:
            database.close()
        self.last = max(self.last, last)
        return count


class Contender:
    """A client with a sandbox of its own. Subclasses say how the client is started and how many links it opens."""

    platform = FEISHU
    links = 1
    stores = False

    def __init__(self, name, title, binaries, folder):
        self.name, self.title, self.folder = name, title, Path(folder)
        self.database = self.folder / f"{name}.db"
        self.sandbox = Sandbox(binaries / "cardkey-sandbox", folder, name, self.platform)
        self.process = None
        self.rows = Rows(self.database) if self.stores else None

    def start(self):
        """Starts the client and waits until it is connected."""
        self.process = Process(self.name, self.command(), self.folder / f"{self.name}.log", CLIENT_CORE,
                               self.environment())
        self.sandbox.wait_for_links(self.links, self.process)

    def command(self):
        """The command line."""
        raise NotImplementedError

    def environment(self):
        """What the client reads from its environment."""
        return {"BASE_URL": self.sandbox.url, "APP_ID": self.platform.app_id, "APP_SECRET": self.platform.app_secret}

    def stop(self):
        """Ends both processes."""
        for process in (self.process, self.sandbox.process):
            if process is not None:
                process.stop()


class Cardkey(Contender):
    """The gateway: default settings, one app, SQLite."""

    stores = True
    links = 2

    def __init__(self, name, title, binaries, folder):
        super().__init__(name, title, binaries, folder)
        self.binary = binaries / "cardkey"
        self.api = f"127.0.0.1:{free_port()}"
        self.config = self.folder / f"{name}.toml"
        key = self.folder / f"{name}.key"
        key.write_text(f"bench:{base64.b64encode(os.urandom(32)).decode()}\n")
        key.chmod(0o600)
        self.config.write_text(CONFIG.format(
            api=self.api, metrics_port=free_port(), database=self.database, key=key, platform=self.platform.name,
            app_id=self.platform.app_id, app_secret=self.platform.app_secret, sandbox=self.sandbox.url,
            lines=self.platform.lines))

    def command(self):
        return [self.binary, "serve", "--demo", "--config", self.config]

    def environment(self):
        return {}

    def start_to_ready_ms(self):
        """Starts the gateway; the time from there to the first 200 of /readyz, in milliseconds."""
        self.process = Process(self.name, self.command(), self.folder / f"{self.name}.log", CLIENT_CORE)
        until("cardkey is ready", self.is_ready, pause=0.001, process=self.process)
        return self.process.age_ms()

    def is_ready(self):
        """Whether /readyz says so."""
        return call(f"http://{self.api}/readyz")[0] == 200


class CardkeyDingTalk(Cardkey):
    """The gateway with an app of DingTalk's in place of Feishu's."""

    platform = DINGTALK


class Python(Contender):
    """lark-oapi with an empty handler."""

    client = "python_client.py"

    def __init__(self, name, title, binaries, folder, python):
        super().__init__(name, title, binaries, folder)
        self.python = python

    def command(self):
        return [self.python, HERE / "clients" / self.client, *self.options()]

    def options(self):
        """Further arguments."""
        return ["--sqlite", self.database] if self.stores else []


class PythonSqlite(Python):
    """lark-oapi with a handler that inserts."""

    stores = True


class PythonDingTalk(Python):
    """dingtalk-stream with an empty handler."""

    platform = DINGTALK
    client = "dingtalk_client.py"


class PythonDingTalkSqlite(PythonDingTalk):
    """dingtalk-stream with a handler that inserts."""

    stores = True


class Node(Contender):
    """node-sdk with an empty handler."""

    def command(self):
        return ["node", HERE / "clients/node_client.js", *self.options()]

    def options(self):
        """Further arguments."""
        return ["--sqlite", self.database] if self.stores else []


class NodeSqlite(Node):
    """node-sdk with a handler that inserts."""

    stores = True


def line_up(binaries, folder, python, only=None):
    """All contenders that can run here, not started yet, and the reasons why others are missing."""
    makers = {
        "cardkey": lambda name: Cardkey(name, "Cardkey, durable inbox (SQLite)", binaries, folder),
        "python": lambda name: Python(name, "Python lark-oapi, empty handler", binaries, folder, python),
        "python-sqlite": lambda name: PythonSqlite(name, "Python lark-oapi + SQLite", binaries, folder, python),
        "node": lambda name: Node(name, "Node node-sdk, empty handler", binaries, folder),
        "node-sqlite": lambda name: NodeSqlite(name, "Node node-sdk + SQLite", binaries, folder),
        "dingtalk-cardkey": lambda name: CardkeyDingTalk(
            name, "DingTalk: Cardkey, durable inbox (SQLite)", binaries, folder),
        "dingtalk-python": lambda name: PythonDingTalk(
            name, "DingTalk: Python dingtalk-stream, empty handler", binaries, folder, python),
        "dingtalk-python-sqlite": lambda name: PythonDingTalkSqlite(
            name, "DingTalk: Python dingtalk-stream + SQLite", binaries, folder, python),
    }
    wanted = [name for name in makers if only is None or name in only]
    missing = {name: why for name in wanted if (why := obstacle(name, python))}
    return [makers[name](name) for name in wanted if name not in missing], missing


def obstacle(name, python):
    """Why this contender cannot run here, if so."""
    lark, ding = [python, "-c", "import lark_oapi.ws"], [python, "-c", "import dingtalk_stream"]
    probes = {
        "python": lark,
        "python-sqlite": lark,
        "dingtalk-python": ding,
        "dingtalk-python-sqlite": ding,
        "node": ["node", "-e", "require('@larksuiteoapi/node-sdk')"],
        "node-sqlite": ["node", "-e", "new (require('better-sqlite3'))(':memory:')"],
    }
    probe = probes.get(name)
    if probe is None:
        return None
    try:
        ran = subprocess.run(probe, cwd=HERE, capture_output=True, text=True, timeout=60, check=False)
    except OSError as error:
        return str(error)
    errors = [line for line in ran.stderr.splitlines() if "Error" in line]
    return None if ran.returncode == 0 else (errors or ["it does not start"])[-1].strip()
