// A card's button. It may open a link, report the tap to the app, or both at once; a button that only opens a link
// reports nothing, as on the platform.

import { el } from "./dom.js";
import { textOf } from "./card_text.js";
import { confirmed } from "./confirm.js";
import { safeAddress, unwrapped } from "./address.js";
import { word } from "./words.js";

const TYPES = new Set(["default", "primary", "danger", "text", "primary_text", "danger_text", "primary_filled", "danger_filled", "laser"]);
const SIZES = new Set(["tiny", "small", "medium", "large"]);
const SWITCHED_OFF = "lark://msgcard/unsupported_action";

function behavior(node, type) {
  return node.behaviors?.find((one) => one.type === type);
}

function platformField() {
  if (/android/i.test(navigator.userAgent)) return "android_url";
  return /iphone|ipad/i.test(navigator.userAgent) ? "ios_url" : "pc_url";
}

/** Where the button leads on this device: `{href}`, `{off: true}` if switched off here, or nothing. */
function linkOf(node) {
  const open = behavior(node, "open_url");
  const urls = open ? { ...open, url: open.default_url } : { ...node.multi_url, url: node.multi_url?.url ?? node.url };
  const address = urls[platformField()] || urls.url;
  if (address === SWITCHED_OFF) return { off: true };
  const href = address && safeAddress(address);
  return { href: href && unwrapped(href) };
}

/** What the app is told: undefined if the button does not report. */
function reportOf(node, submits) {
  const callback = behavior(node, "callback");
  if (callback || submits) return callback?.value ?? node.value ?? {};
  return node.value;
}

function action(node, value, form) {
  const told = { tag: "button", value };
  if (node.name) told.name = node.name;
  if (form) told.form_value = form.values();
  return told;
}

async function report(element, tap, told) {
  element.setAttribute("aria-busy", "true");
  await tap(told);
  element.removeAttribute("aria-busy");
}

function element(node, href, disabled) {
  const type = TYPES.has(node.type) ? node.type : "default";
  const size = SIZES.has(node.size) ? node.size : "medium";
  const look = {
    class: `card-button type-${type} size-${size}${node.width === "fill" ? " fill" : ""}`,
    "data-name": node.name ?? node.element_id ?? "",
    title: textOf(disabled ? (node.disabled_tips ?? node.hover_tips) : node.hover_tips) || undefined,
  };
  const label = el("span", {}, textOf(node.text));
  if (!href || disabled) return el("button", { ...look, type: "button", disabled }, label);
  return el("a", { ...look, href, target: "_blank", rel: "noopener" }, label, el("span", { class: "unseen" }, word("newTab")));
}

/** Draws a button. `context.tap(action)` reports to the app; `context.form` is the form around it, if any. */
export function drawButton(node, context) {
  const { href, off } = linkOf(node);
  const formAction = context.form && (node.form_action_type ?? node.action_type?.replace("form_", ""));
  const value = reportOf(node, formAction === "submit");
  const button = element(node, href, Boolean(node.disabled) || off);
  if (formAction === "submit") button.dataset.submit = "";
  button.addEventListener("click", async (event) => {
    if (button.getAttribute("aria-busy")) return event.preventDefault();
    if (formAction === "reset") return context.form.reset();
    if (formAction === "submit" && !context.form.check()) return event.preventDefault();
    if (node.confirm) {
      event.preventDefault();
      if (!(await confirmed(node.confirm))) return;
      if (href) window.open(href, "_blank", "noopener");
    }
    if (value !== undefined) await report(button, context.tap, action(node, value, formAction === "submit" && context.form));
  });
  return button;
}
