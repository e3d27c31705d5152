#!/usr/bin/env python3
"""What "durable" means: Cardkey is flooded and killed with SIGKILL in the middle of it, several times.

Each time: every event that the sandbox saw acknowledged has to be in the database (read by another program, before
Cardkey is started again), once; and after the restart the same events, sent again, have to be recognised: acknowledged,
and not stored a second time. That the kernel has the row is what a kill can show; that the disk has it is what
synchronous=FULL adds (a count of fdatasync calls beside the acknowledgements is printed where strace is installed).
"""

import argparse
import datetime
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

from contenders import Cardkey
from stand import StandError

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
# Longer than any flood is left alive.
FLOOD_SECONDS = 30.0


class Flood(threading.Thread):
    """A flood that runs beside us."""

    def __init__(self, sandbox, **spec):
        super().__init__(daemon=True)
        self.sandbox, self.spec, self.told = sandbox, spec, None
        self.start()

    def run(self):
        self.told = self.sandbox.flood(**self.spec)

    def report(self):
        """Waits for the end."""
        self.join(FLOOD_SECONDS + 90)
        if self.told is None:
            raise StandError("the flood gave no report")
        return self.told


def stored(path):
    """The event ids in the database, in the order of their coming."""
    database = sqlite3.connect(path, timeout=10)
    try:
        return [row[0] for row in database.execute("SELECT event_id FROM inbox ORDER BY seq")]
    finally:
        database.close()


def killed_once(cardkey, alive_seconds, seed):
    """One flood and one kill; what was found."""
    cardkey.start()
    # The first event waits until the inbox has been read; a kill before any acknowledgement would show nothing.
    cardkey.sandbox.flood(FLOOD_SECONDS, seed=500_000 + seed, events=1)
    known = len(stored(cardkey.database))
    flood = Flood(cardkey.sandbox, seconds=FLOOD_SECONDS, seed=seed)
    time.sleep(alive_seconds)
    cardkey.process.kill()
    told = flood.report()
    after = stored(cardkey.database)
    return {
        "alive": alive_seconds, "sent": told["sent"], "acked": told["acked"], "refused": told["ack_errors"],
        "rows": len(after) - known, "twice": len(after) - len(set(after)),
        "lost": len(set(told["last_acked_event_ids"]) - set(after)),
        **sent_again(cardkey, seed, told["acked"]),
    }


def sent_again(cardkey, seed, events):
    """Restarts, and sends the same events again: those that were acknowledged are no news."""
    before = len(stored(cardkey.database))
    cardkey.start()
    told = cardkey.sandbox.flood(FLOOD_SECONDS, seed=seed, events=max(1, events))
    cardkey.process.stop()
    return {"again": told["acked"], "again_rows": len(stored(cardkey.database)) - before}


def is_right(found):
    """Nothing lost, nothing double, nothing refused, and something happened at all."""
    return (found["rows"] >= found["acked"] > 0 and found["again"] == found["acked"]
            and not any(found[name] for name in ("lost", "twice", "refused", "again_rows")))


def line(number, found):
    """One kill in words."""
    return (f"kill {number}: after {found['alive']:.2f} s; {found['sent']:,} sent, {found['acked']:,} acknowledged, "
            f"{found['rows']:,} rows, {found['lost']} of the last acknowledged missing, {found['twice']} stored twice; "
            f"sent again: {found['again']:,} acknowledged, {found['again_rows']} stored again: "
            f"{'right' if is_right(found) else 'WRONG'}")


def syncs(cardkey):
    """Acknowledgements and fdatasync calls of two seconds under strace (which slows both)."""
    cardkey.start()
    log = cardkey.folder / "strace.txt"
    command = ["strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", str(log), "-p", str(cardkey.process.child.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(1)
    told = cardkey.sandbox.flood(2.0, seed=99)
    tracer.terminate()
    tracer.wait()
    cardkey.process.stop()
    calls = [int(parts[3]) for parts in map(str.split, log.read_text().splitlines())
             if parts and parts[-1] in {"fdatasync", "fsync"}]
    return told["acked"], sum(calls)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="folder of the binaries")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the moments of the kills")
    options = parser.parse_args()
    folder = RESULTS / datetime.datetime.now().strftime("kill-%Y%m%d-%H%M%S")
    folder.mkdir(parents=True, mode=0o700)
    moments = random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    cardkey = Cardkey("cardkey", "Cardkey", options.bin.resolve(), folder)
    right = True
    try:
        for number in range(1, options.times + 1):
            found = killed_once(cardkey, moments.uniform(0.3, 3.0), seed=1_000 + number)
            right &= is_right(found)
            print(line(number, found), flush=True)
        if shutil.which("strace"):
            acked, calls = syncs(cardkey)
            print(f"under strace: {acked:,} acknowledged, {calls:,} calls of fdatasync "
                  f"({acked / max(1, calls):.0f} events per call)")
            right &= calls > 0
    finally:
        cardkey.stop()
    shutil.rmtree(folder)
    return 0 if right else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StandError as error:
        sys.exit(f"bench: {error}")
