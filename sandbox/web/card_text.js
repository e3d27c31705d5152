// The text of a card's element in the language of the page, and how it is drawn.

import { el } from "./dom.js";
import { language, languageOf } from "./lang.js";
import { colorName } from "./colors.js";
import { markdown } from "./markdown.js";

const SIZES = new Set(["heading", "notation", "normal"]);
const ALIGNS = new Set(["left", "center", "right"]);

/** What an element says: its translation if it has one for the page's language, else its `content`. */
export function textOf(node) {
  const translations = node?.i18n_content ?? node?.i18n ?? {};
  const fitting = Object.keys(translations).find((key) => languageOf(key) === language());
  return (fitting && translations[fitting]) || node?.content || "";
}

function style(node, kind) {
  const size = (node.text_size ?? "").split(/[-_]/)[0];
  const names = ["card-text", kind];
  if (SIZES.has(size)) names.push(`size-${size}`);
  if (ALIGNS.has(node.text_align)) names.push(`align-${node.text_align}`);
  if (colorName(node.text_color)) names.push(`ink-${colorName(node.text_color)}`);
  return names.join(" ");
}

/** A `markdown`, `lark_md` or `plain_text` node as a block. */
export function drawText(node) {
  if (node.tag === "plain_text") return el("p", { class: style(node, "card-plain") }, textOf(node));
  return el("div", { class: style(node, "card-markdown") }, markdown(textOf(node)));
}
