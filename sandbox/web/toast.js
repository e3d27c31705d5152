// Short notices at the top centre. They leave by themselves and let taps through to what is under them.

import { languageOf, language } from "./lang.js";
import { el } from "./dom.js";
import { problem, word } from "./words.js";

const SIGNS = { success: "✓", error: "!", warning: "!", info: "i" };
const STAY_MS = { success: 4000, info: 4000, warning: 6000, error: 8000 };
const AT_ONCE = 3;

/** The text of a toast in the language of the page. */
export function toastText({ content, i18n }) {
  const fitting = Object.keys(i18n ?? {}).find((key) => languageOf(key) === language());
  return (fitting && i18n[fitting]) || content || "";
}

function show(type, text, code) {
  const kind = type in SIGNS ? type : "info";
  const sign = el("span", { class: "toast-sign", "aria-hidden": "true" }, SIGNS[kind]);
  const close = el("button", { type: "button", class: "toast-close", "aria-label": word("close") }, "×");
  const toast = el(
    "div",
    { class: "toast", role: "status", "data-type": kind, "data-code": code },
    sign,
    el("span", { class: "toast-text" }, text, code !== undefined && el("code", {}, String(code))),
    close,
  );
  close.addEventListener("click", () => toast.remove());
  const tray = document.querySelector(".toasts");
  tray.append(toast);
  while (tray.children.length > AT_ONCE) tray.firstElementChild.remove();
  setTimeout(() => toast.remove(), STAY_MS[kind]);
}

/** What the app answered to a tap. */
export function showToast(toast) {
  show(toast.type, toastText(toast));
}

/** A tap that failed: `{code, text}`. */
export function showError(error) {
  show("error", problem(error), error.code);
}
