// The language of the page: zh or en. A choice made with the switch or asked for in the query (`?lang=`) is kept in
// the cookie `sandbox_lang` and wins over every default.

import { asked, cookie, remember } from "./memory.js";

const COOKIE = "sandbox_lang";
const TAGS = { zh: "zh-CN", en: "en" };
const listeners = [];

/** `zh` or `en`, whichever a tag such as `zh-CN` or `zh_cn` means; undefined for others. */
export function languageOf(tag) {
  const primary = (tag ?? "").toLowerCase().split(/[-_]/)[0];
  return Object.hasOwn(TAGS, primary) ? primary : undefined;
}

export function language() {
  return languageOf(document.documentElement.lang) ?? "en";
}

/** Calls `listener` whenever the language changes. */
export function onLanguage(listener) {
  listeners.push(listener);
}

function show(lang) {
  const changed = lang !== language();
  document.documentElement.lang = TAGS[lang];
  for (const element of document.querySelectorAll("[data-zh]")) element.textContent = element.dataset[lang];
  for (const button of document.querySelectorAll("[data-lang]")) {
    button.setAttribute("aria-pressed", String(button.dataset.lang === lang));
  }
  if (changed) listeners.forEach((listener) => listener());
}

/** Shows the page in the first language known of: the chosen one, then `defaults` in their order. */
export function useDefaults(...defaults) {
  if (languageOf(asked("lang"))) remember(COOKIE, "lang", languageOf(asked("lang")));
  show([cookie(COOKIE), ...defaults].map(languageOf).find(Boolean) ?? "en");
}

for (const button of document.querySelectorAll("[data-lang]")) {
  button.addEventListener("click", () => {
    remember(COOKIE, "lang", button.dataset.lang);
    show(button.dataset.lang);
  });
}
document.querySelectorAll(".switch").forEach((element) => (element.hidden = false));
