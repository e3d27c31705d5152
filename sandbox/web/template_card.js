// Draws a card from the variables of the sandbox's own DingTalk template, and the plain texts of a robot.
//
// Variables are strings. A text may have a twin with the suffix `_en` for readers of English. `buttons` is a JSON list of
// `{id, text, text_en, color, url, params, disabled}`: with `url` a button opens it, otherwise it reports `id` and `params`.

import { el } from "./dom.js";
import { language } from "./lang.js";
import { markdown } from "./markdown.js";
import { colorName } from "./colors.js";
import { safeAddress } from "./address.js";
import { word } from "./words.js";

const COLORS = { blue: "primary_filled", red: "danger", gray: "default" };

function said(variables, name) {
  return (language() === "en" && variables[`${name}_en`]) || variables[name] || "";
}

function buttonsOf(variables) {
  try {
    const list = JSON.parse(variables.buttons || "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function drawButton(button, tap) {
  const href = button.url && safeAddress(button.url);
  const look = { class: `card-button type-${COLORS[button.color] ?? "default"}`, "data-name": button.id };
  const label = el("span", {}, said(button, "text"));
  if (href && !button.disabled) {
    return el("a", { ...look, href, target: "_blank", rel: "noopener" }, label, el("span", { class: "unseen" }, word("newTab")));
  }
  const element = el("button", { ...look, type: "button", disabled: Boolean(button.disabled) }, label);
  element.addEventListener("click", async () => {
    if (element.getAttribute("aria-busy")) return;
    element.setAttribute("aria-busy", "true");
    await tap({ action_ids: [button.id], params: button.params ?? {} });
    element.removeAttribute("aria-busy");
  });
  return element;
}

function unknownTemplate({ template, variables }) {
  const rows = Object.entries(variables).map(([name, value]) => el("li", {}, el("code", {}, name), ` ${value}`));
  return [el("p", { class: "card-unknown" }, el("code", {}, template), ` ${word("unknown")}`), el("ul", {}, rows)];
}

/** Whether a message's card is one of these. */
export function isTemplateCard(card) {
  return Boolean(card.variables) || typeof card.text === "string";
}

/** The card as an element; `context.tap(action)` reports to the app. */
export function drawTemplateCard(card, context) {
  if (typeof card.text === "string") return el("section", { class: "card bubble" }, el("div", { class: "card-text" }, markdown(card.text)));
  const { variables } = card;
  const [title, status, body, note] = ["title", "status", "body", "note"].map((name) => said(variables, name));
  const theme = colorName(variables.theme) ?? "blue";
  if (!title && !body) return el("section", { class: "card theme-default" }, el("div", { class: "card-body" }, unknownTemplate(card)));
  const buttons = buttonsOf(variables).map((button) => drawButton(button, context.tap));
  return el(
    "section",
    { class: `card theme-${theme}` },
    el("header", { class: "card-head" }, el("h2", { class: "card-title" }, title), status && el("span", { class: `card-tag ink-${theme}` }, status)),
    el(
      "div",
      { class: "card-body" },
      body && el("div", { class: "card-text" }, markdown(body)),
      buttons.length > 0 && el("div", { class: "template-buttons" }, buttons),
      note && el("p", { class: "card-text size-notation" }, note),
    ),
  );
}
