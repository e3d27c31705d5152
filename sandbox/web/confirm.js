// The page's one "are you sure" dialog, for buttons that ask first.

import { textOf } from "./card_text.js";

const dialog = document.querySelector("dialog.confirm");
let answer = () => {};

// The answer is taken from the tap itself: a tab in the background may hear of the closing only much later.
dialog.querySelector("form").addEventListener("submit", ({ submitter }) => answer(submitter?.value === "ok"));
dialog.addEventListener("close", () => {
  if (!dialog.open) answer(false);
});

/** Asks with a card's `{title, text}`; true if the person agreed. A new question answers an older one with no. */
export function confirmed({ title, text }) {
  answer(false);
  dialog.querySelector("h2").textContent = textOf(title);
  dialog.querySelector("p").textContent = textOf(text);
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => (answer = resolve));
}
