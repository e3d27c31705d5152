// Draws a card (JSON 2.0) as a chat client would.
//
// A card is alive through its context: `{tap(action)}`, to which a form adds `form` for what is inside it.

import { el } from "./dom.js";
import { drawButton } from "./card_button.js";
import { drawForm, drawInput } from "./card_form.js";
import { drawText, textOf } from "./card_text.js";
import { colorName } from "./colors.js";
import { word } from "./words.js";

const FLOWS = new Set(["stretch", "flow", "bisect", "trisect"]);

function column(node, context) {
  const weight = node.width === "weighted" ? Math.min(5, Math.max(1, node.weight ?? 1)) : undefined;
  const width = weight ? `weight-${weight}` : "width-auto";
  const align = ["center", "bottom"].includes(node.vertical_align) ? ` v-${node.vertical_align}` : "";
  return el("div", { class: `card-column ${width}${align}` }, drawAll(node.elements, context));
}

function columns(node, context) {
  const flow = FLOWS.has(node.flex_mode) ? ` flow-${node.flex_mode}` : "";
  const backed = node.background_style && node.background_style !== "default" ? " backed" : "";
  return el("div", { class: `card-columns${flow}${backed}` }, (node.columns ?? []).map((one) => column(one, context)));
}

function unknown(node) {
  return el("p", { class: "card-unknown" }, el("code", {}, node.tag ?? "?"), ` ${word("unknown")}`);
}

const DRAW = {
  markdown: drawText,
  plain_text: drawText,
  lark_md: drawText,
  div: (node) => drawText({ ...node.text, tag: node.text?.tag ?? "plain_text" }),
  hr: () => el("hr"),
  img: () => undefined,
  button: drawButton,
  input: drawInput,
  column_set: columns,
  column,
  form: (node, context) => drawForm(node, context, drawAll),
};

function drawAll(nodes, context) {
  return (nodes ?? []).map((node) => (DRAW[node.tag] ?? unknown)(node, context)).filter(Boolean);
}

function tag(node) {
  return el("span", { class: `card-tag ink-${colorName(node.color) ?? "blue"}` }, textOf(node.text));
}

function header(node) {
  const title = el("h2", { class: "card-title" }, textOf(node.title), (node.text_tag_list ?? []).map(tag));
  const subtitle = node.subtitle && textOf(node.subtitle);
  return el("header", { class: "card-head" }, title, subtitle && el("p", {}, subtitle));
}

/** The card as an element. */
export function drawCard(card, context) {
  const template = colorName(card.header?.template) ?? "default";
  const head = card.header && header(card.header);
  const body = el("div", { class: "card-body" }, drawAll(card.body?.elements, context));
  return el("section", { class: `card theme-${template}` }, head, body);
}
