"""The official Python client (lark-oapi), as its documentation shows it, for comparison in `make bench-events`.

Its handlers do nothing, or, with --sqlite, insert one row into a table like Cardkey's inbox and commit it to the disk
before they return (and so before the event is acknowledged).

environment: BASE_URL APP_ID APP_SECRET
"""

import argparse
import os
import sqlite3
import time

import lark_oapi as lark
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

TABLE = """CREATE TABLE IF NOT EXISTS inbox (seq INTEGER PRIMARY KEY, app_id TEXT NOT NULL, event_id TEXT NOT NULL,
    event_type TEXT NOT NULL, received_at INTEGER NOT NULL)"""
INSERT = "INSERT INTO inbox (app_id, event_id, event_type, received_at) VALUES (?, ?, ?, ?)"


def forgetting():
    """Takes an event and keeps nothing of it."""
    return lambda event: None


def inserting(path):
    """Takes an event and has it on the disk when it returns: without a transaction, each statement is one."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(TABLE)

    def take(event):
        head = event.header
        database.execute(INSERT, (head.app_id, head.event_id, head.event_type, time.time_ns() // 1000))

    return take


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sqlite", metavar="PATH", help="insert each event into this database")
    arguments = parser.parse_args()
    take = inserting(arguments.sqlite) if arguments.sqlite else forgetting()

    def on_card(event):
        take(event)
        return P2CardActionTriggerResponse({})

    handlers = (lark.EventDispatcherHandler.builder("", "")
                .register_p2_im_message_receive_v1(take)
                .register_p2_card_action_trigger(on_card)
                .build())
    lark.ws.Client(os.environ["APP_ID"], os.environ["APP_SECRET"], event_handler=handlers,
                   domain=os.environ["BASE_URL"], log_level=lark.LogLevel.ERROR).start()


if __name__ == "__main__":
    main()
