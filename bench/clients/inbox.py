"""What the Python clients do with an event: nothing, or one row in a table like Cardkey's inbox, on the disk before the
handler returns (and so before the event is acknowledged)."""

import argparse
import sqlite3
import time

TABLE = """CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, app_id TEXT NOT NULL, event_id TEXT NOT NULL,
    event_type TEXT NOT NULL, received_at INTEGER NOT NULL)"""
INSERT = "INSERT INTO inbox (app_id, event_id, event_type, received_at) VALUES (?, ?, ?, ?)"


def forgetting(_app_id, _event_id, _event_type):
    """Takes an event and keeps nothing of it."""


def inserting(path):
    """Takes an event and has it on the disk when it returns: without a transaction, each statement is one."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(TABLE)

    def take(app_id, event_id, event_type):
        database.execute(INSERT, (app_id, event_id, event_type, time.time_ns() // 1000))

    return take


def asked(description):
    """What the command line wants done with an event."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--sqlite", metavar="PATH", help="insert each event into this database")
    path = parser.parse_args().sqlite
    return inserting(path) if path else forgetting
