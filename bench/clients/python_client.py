"""The official Python client of Feishu (lark-oapi), as its documentation shows it, for comparison in `make bench-events`.

Its handlers do nothing, or, with --sqlite, keep the event: see inbox.py.

environment: BASE_URL APP_ID APP_SECRET
"""

import os

import lark_oapi as lark
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

import inbox


def main():
    take = inbox.asked(__doc__)

    def on_event(event):
        head = event.header
        take(head.app_id, head.event_id, head.event_type)

    def on_card(event):
        on_event(event)
        return P2CardActionTriggerResponse({})

    handlers = (lark.EventDispatcherHandler.builder("", "")
                .register_p2_im_message_receive_v1(on_event)
                .register_p2_card_action_trigger(on_card)
                .build())
    lark.ws.Client(os.environ["APP_ID"], os.environ["APP_SECRET"], event_handler=handlers,
                   domain=os.environ["BASE_URL"], log_level=lark.LogLevel.ERROR).start()


if __name__ == "__main__":
    main()
