"""What the figures were measured on: the machine and the versions. No path, no host name, no user."""

import json
import os
import platform
import sqlite3
import subprocess
from pathlib import Path


def facts(root, options):
    """Everything that a reader of the figures has to know."""
    return {
        "cpu": cpu_model(), "cores": os.cpu_count(), "memory_gb": memory_gb(), "kernel": platform.release(),
        "file_system": file_system(root), "load_average": os.getloadavg()[0], "versions": versions(root, options),
    }


def versions(root, options):
    """Of what is compared and of what it runs on."""
    package = "const p = require('./node_modules/%s/package.json'); console.log(p.version)"
    sqlite = "const D = require('better-sqlite3'); " \
             "console.log(new D(':memory:').prepare('select sqlite_version()').pluck().get())"
    return {
        "Cardkey": f"{says([options.bin / 'cardkey', '--version']).split()[-1]} ({commit(root)})",
        "Python": platform_python(options.python),
        "lark-oapi": says([options.python, "-c", "from importlib.metadata import version; print(version('lark-oapi'))"]),
        "dingtalk-stream": says(
            [options.python, "-c", "from importlib.metadata import version; print(version('dingtalk-stream'))"]),
        "Python's SQLite": says([options.python, "-c", "import sqlite3; print(sqlite3.sqlite_version)"]),
        "Node": says(["node", "--version"]),
        "@larksuiteoapi/node-sdk": says(["node", "-e", package % "@larksuiteoapi/node-sdk"], root / "bench"),
        "better-sqlite3": says(["node", "-e", package % "better-sqlite3"], root / "bench"),
        "better-sqlite3's SQLite": says(["node", "-e", sqlite], root / "bench"),
    }


def says(command, folder=None):
    """What a program prints, or a question mark."""
    try:
        ran = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=60,
                             check=True)
    except (OSError, subprocess.SubprocessError):
        return "?"
    return ran.stdout.strip() or "?"


def platform_python(python):
    """The version of that interpreter."""
    return says([python, "-c", "import platform; print(platform.python_version())"])


def commit(root):
    """The commit that is checked out, and whether files differ from it."""
    changed = says(["git", "status", "--porcelain", "--untracked-files=no"], root)
    return says(["git", "rev-parse", "--short", "HEAD"], root) + ("" if changed == "?" else ", with changes")


def cpu_model():
    """As the kernel names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gb():
    """In 10^9 bytes, rounded."""
    line = Path("/proc/meminfo").read_text().splitlines()[0]
    return round(int(line.split()[1]) * 1024 / 1e9)


def file_system(path):
    """The kind of file system that the databases are on."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(mount[1]), mount[2]) for mount in mounts
               if os.path.commonpath([mount[1], str(path)]) == mount[1]]
    return max(holding)[1] if holding else "?"
