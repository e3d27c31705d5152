#!/usr/bin/env python3
"""Acknowledged events per second: Cardkey with its durable inbox, and the official clients, in one run, interleaved.

Each client has a sandbox of its own; all of them run all the time, and one at a time is flooded over one connection. What
is measured, and how to read it, is in bench/README.md. Raw figures go to bench/results/, the report to
docs/reports/bench-events.md (only of a whole run: all clients, at least seven rounds of at least ten seconds).
"""

import argparse
import datetime
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

import machine
import report
from contenders import line_up
from stand import CLIENT_CORE, SANDBOX_CORE, StandError, busy_cpu_seconds, fdatasync_ms

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
REPORT = ROOT / "docs/reports/bench-events.md"
STARTS = 7


def flood(contender, seconds, options, seed):
    """One flood, with what it cost and what it left. The disk is asked just before whoever needs it."""
    disk = median(fdatasync_ms(contender.folder, 20)) if contender.rows else None
    before, busy, began = contender.process.cpu_seconds(), busy_cpu_seconds(), time.monotonic()
    sandbox_before = contender.sandbox.process.cpu_seconds()
    told = contender.sandbox.flood(seconds, options.window, options.event_bytes, options.card_every, seed)
    took = time.monotonic() - began
    cpu = contender.process.cpu_seconds() - before
    sandbox_cpu = contender.sandbox.process.cpu_seconds() - sandbox_before
    others = max(0.0, busy_cpu_seconds() - busy - cpu - sandbox_cpu) / took / os.cpu_count()
    told.pop("last_acked_event_ids")
    told |= {"cpu_seconds": cpu, "sandbox_cpu_seconds": sandbox_cpu, "others_cpu_share": others}
    if contender.rows:
        told |= {"rows": contender.rows.new(), "fdatasync_ms": disk}
    return told


def start_times(cardkey):
    """How long Cardkey takes to be ready, each time; the first time it also makes its database."""
    took = []
    for _ in range(STARTS + 1):
        took.append(cardkey.start_to_ready_ms())
        cardkey.process.stop()
    return {"with_new_database_ms": took[0], "ms": took[1:]}


def warm_up(contenders, options):
    """Starts everybody; resident memory idle, then a first flood that is not counted."""
    idle = {}
    for contender in contenders:
        contender.start()
    time.sleep(2)
    for contender in contenders:
        idle[contender.name] = contender.process.rss_mb()
    for contender in contenders:
        flood(contender, options.warm_up, options, seed=1)
    return idle


def rounds(contenders, options):
    """The floods that count, interleaved."""
    results = {contender.name: [] for contender in contenders}
    for number in range(1, options.rounds + 1):
        for contender in contenders:
            told = flood(contender, options.seconds, options, seed=1 + number)
            results[contender.name].append(told)
            rows = f"{told['rows']:>9} rows" if "rows" in told else ""
            print(f"round {number}  {contender.name:<22}{told['acks_per_second']:>10.0f}/s  "
                  f"p50 {told['p50_ms']:>7.2f} ms  p99 {told['p99_ms']:>7.2f} ms {rows}", flush=True)
            time.sleep(0.5)
    return results


def measure(options, folder):
    """The whole benchmark; everything it found."""
    contenders, missing = line_up(options.bin, folder, options.python, options.only)
    for name, why in missing.items():
        print(f"{name} is left out: {why}", flush=True)
    found = {
        "date": datetime.date.today().isoformat(), "spec": spec(options), "missing": missing,
        "titles": {contender.name: contender.title for contender in contenders},
        "machine": machine.facts(ROOT, options),
    }
    try:
        for contender in contenders:
            if contender.name == report.OURS:
                found["start"] = start_times(contender)
        found["idle_rss_mb"] = warm_up(contenders, options)
        found["rounds"] = rounds(contenders, options)
        found["peak_rss_mb"] = {contender.name: contender.process.rss_mb("VmHWM") for contender in contenders}
    finally:
        for contender in contenders:
            contender.stop()
    return found


def spec(options):
    """What the load is."""
    return {"rounds": options.rounds, "seconds": options.seconds, "warm_up_seconds": options.warm_up,
            "window": options.window, "event_bytes": options.event_bytes, "card_every": options.card_every,
            "client_core": CLIENT_CORE, "sandbox_core": SANDBOX_CORE}


def is_whole(options):
    """Whether the run is worth a report."""
    return not options.only and options.rounds >= 7 and options.seconds >= 10


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="folder of the release binaries")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="a Python that has the official clients")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=3.0)
    parser.add_argument("--window", type=int, default=128, help="unacknowledged events at most")
    parser.add_argument("--event-bytes", type=int, default=1000)
    parser.add_argument("--card-every", type=int, default=10, help="every so many-th event is a tap on a card")
    parser.add_argument("--only", nargs="+", help="names of contenders")
    return parser.parse_args()


def main():
    options = arguments()
    options.bin = options.bin.resolve()
    name = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = RESULTS / name
    folder.mkdir(parents=True, mode=0o700)
    found = measure(options, folder)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
    text = report.text(found)
    print("\n" + text)
    if is_whole(options):
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(text)
    clear(folder)
    return 0 if report.is_correct(found) else 1


def clear(folder):
    """The databases can be large; logs stay."""
    for path in folder.iterdir():
        if path.suffix not in {".log", ".toml"}:
            path.unlink()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StandError as error:
        sys.exit(f"bench: {error}")
