"""Conformance of webhooks, official Python SDK (lark-oapi): its handlers take what is posted.
env: ENCRYPT_KEY VERIFICATION_TOKEN LETTERS
     LETTERS is a JSON list of {"name", "form": "event" | "old_click", "headers": [[name, value], …], "body"}
out: for each letter {"check": name, "status": HTTP status, "body": the SDK's answer}
exit: 0 each was taken, 2 one was not"""
import json, os, sys
import lark_oapi as lark
from lark_oapi.core.log import logger
from lark_oapi.core.model import RawRequest
from lark_oapi.event.callback.model.p2_card_action_trigger import P2CardActionTriggerResponse

for handler in logger.handlers:  # stdout is for JSON lines
    if hasattr(handler, "setStream"):
        handler.setStream(sys.stderr)

KEY, TOKEN = os.environ["ENCRYPT_KEY"], os.environ["VERIFICATION_TOKEN"]
EVENTS = (
    lark.EventDispatcherHandler.builder(KEY, TOKEN)
    .register_p2_im_message_receive_v1(lambda event: None)
    .register_p1_customized_event("app_status_change", lambda event: None)
    .register_p2_card_action_trigger(lambda event: P2CardActionTriggerResponse({"toast": {"content": event.event.operator.open_id}}))
    .build()
)
OLD_CLICKS = lark.CardActionHandler.builder(KEY, TOKEN).register(lambda card: {"toast": {"content": card.open_id}}).build()

taken = True
for letter in json.loads(os.environ["LETTERS"]):
    request = RawRequest()
    request.uri, request.body = "/", letter["body"].encode()
    # The SDK looks headers up by these names; HTTP does not care.
    request.headers = {name.title(): value for name, value in letter["headers"]}
    answer = (OLD_CLICKS if letter["form"] == "old_click" else EVENTS).do(request)
    print(json.dumps({"check": letter["name"], "status": answer.status_code, "body": json.loads(answer.content)}, ensure_ascii=False))
    taken = taken and answer.status_code == 200
sys.exit(0 if taken else 2)
