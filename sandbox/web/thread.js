// The messages of one person, kept in step with the server: new ones appear, changed ones are redrawn in place.

import { el, avatar } from "./dom.js";
import { word, clockTime } from "./words.js";
import { drawCard } from "./card.js";
import { drawTemplateCard, isTemplateCard } from "./template_card.js";

const scroll = document.querySelector(".scroll");
const thread = document.querySelector(".thread");

function article(message, context) {
  const who = el(
    "header",
    { class: "message-who" },
    el("b", {}, message.bot_name),
    el("span", { class: "message-bot" }, word("bot")),
    el("time", { datetime: new Date(message.create_time_ms).toISOString() }, clockTime(message.create_time_ms)),
    message.updated && el("span", { class: "message-updated" }, word("updated")),
  );
  const card = (isTemplateCard(message.card) ? drawTemplateCard : drawCard)(message.card, context);
  return el("article", { class: "message", "data-message-id": message.message_id }, avatar(message.bot_name), el("div", { class: "message-body" }, who, card));
}

function empty() {
  const hint = el("p", {}, word("emptyHint"));
  const shape = el("div", { class: "empty-card", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
  return el("div", { class: "empty" }, shape, el("b", {}, word("empty")), hint);
}

/** Whoever fills in a card is not carried away from it. */
function typing() {
  return Boolean(document.activeElement?.closest(".card-control"));
}

/** A card that changes under the reader's hands keeps the focus. */
function focus(element) {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/** `contextFor(message)` gives what a card needs to be alive: see card.js. */
export function messageThread(contextFor) {
  let drawn = new Map();
  let last;

  function place(message, previous) {
    const known = drawn.get(message.message_id);
    const face = JSON.stringify(message);
    if (known?.face === face) return known;
    const element = article(message, contextFor(message));
    if (known) {
      element.classList.add("changed");
      const focused = known.element.contains(document.activeElement);
      known.element.replaceWith(element);
      if (focused) focus(element);
    } else {
      if (!previous.first) element.classList.add("arrived");
      thread.append(element);
    }
    return { face, element };
  }

  function show(messages) {
    last = messages;
    const first = drawn.size === 0 && !thread.querySelector(".empty");
    const before = drawn.size;
    thread.querySelector(".empty")?.remove();
    const sorted = [...messages].sort((a, b) => a.create_time_ms - b.create_time_ms);
    const next = new Map(sorted.map((message) => [message.message_id, place(message, { first })]));
    for (const [id, { element }] of drawn) if (!next.has(id)) element.remove();
    drawn = next;
    if (!drawn.size) thread.append(empty());
    if (first || (drawn.size > before && !typing())) scroll.scrollTo({ top: scroll.scrollHeight, behavior: first ? "instant" : "smooth" });
  }

  function clear() {
    last = undefined;
    drawn = new Map();
    thread.replaceChildren();
  }

  /** Draws everything anew, in the language of now. */
  function redraw() {
    const [messages, top] = [last, scroll.scrollTop];
    if (!messages) return;
    clear();
    show(messages);
    scroll.scrollTop = top;
  }

  return { show, clear, redraw };
}
