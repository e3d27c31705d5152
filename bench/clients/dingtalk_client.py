"""The official Python client of DingTalk (dingtalk-stream), as its documentation shows it, for comparison in
`make bench-events`.

Its handlers do nothing, or, with --sqlite, keep the event: see inbox.py.

environment: BASE_URL APP_ID APP_SECRET
"""

import logging
import os

# Read when the client is imported.
os.environ["DINGTALK_OPENAPI_ENDPOINT"] = os.environ["BASE_URL"]
import dingtalk_stream as ding

import inbox

APP_ID = os.environ["APP_ID"]


class OnEvent(ding.EventHandler):
    """Takes events."""

    def __init__(self, take):
        super().__init__()
        self.take = take

    async def process(self, event):
        self.take(APP_ID, event.headers.event_id, event.headers.event_type)
        return ding.AckMessage.STATUS_OK, "OK"


class OnCard(ding.CallbackHandler):
    """Takes taps on cards."""

    def __init__(self, take):
        super().__init__()
        self.take = take

    async def process(self, message):
        self.take(APP_ID, message.headers.message_id, message.headers.topic)
        return ding.AckMessage.STATUS_OK, {}


def main():
    take = inbox.asked(__doc__)
    client = ding.DingTalkStreamClient(ding.Credential(APP_ID, os.environ["APP_SECRET"]))
    client.register_all_event_handler(OnEvent(take))
    client.register_callback_handler(ding.CallbackHandler.TOPIC_CARD_CALLBACK, OnCard(take))
    # The client sets its loggers to "info" when they are made.
    for name in ("dingtalk_stream.client", "dingtalk_stream.handler"):
        logging.getLogger(name).setLevel(logging.ERROR)
    client.start_forever()


if __name__ == "__main__":
    main()
