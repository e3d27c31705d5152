// A card's form: its inputs, what they hold, and whether they may be sent.

import { el } from "./dom.js";
import { textOf } from "./card_text.js";
import { word } from "./words.js";

let count = 0;

function control(node, id) {
  const shared = {
    id,
    class: "card-control",
    name: node.name,
    placeholder: textOf(node.placeholder) || undefined,
    maxlength: node.max_length,
    disabled: Boolean(node.disabled),
    required: Boolean(node.required),
    autocomplete: "off",
  };
  if (node.input_type === "multiline_text") return el("textarea", { ...shared, rows: node.rows ?? 3 }, node.default_value ?? "");
  return el("input", { ...shared, type: node.input_type === "password" ? "password" : "text", value: node.default_value });
}

/** An `input` element with its label; without one, its placeholder names it. */
export function drawInput(node) {
  count += 1;
  const id = `input-${count}`;
  const input = control(node, id);
  const text = textOf(node.label);
  if (!text) input.setAttribute("aria-label", textOf(node.placeholder) || node.name || "");
  const label = text && el("label", { for: id }, text, node.required && el("span", { class: "card-must", "aria-hidden": "true" }, " *"));
  const complaint = el("p", { class: "card-complaint", id: `${id}-complaint`, hidden: true }, word("required"));
  input.setAttribute("aria-describedby", complaint.id);
  input.addEventListener("input", () => complain(input, false));
  return el("div", { class: "card-input" }, label, input, complaint);
}

function complain(input, wrong) {
  input.setAttribute("aria-invalid", String(wrong));
  input.parentElement.querySelector(".card-complaint").hidden = !wrong;
}

/** The form as its buttons see it. */
function scope(form) {
  const controls = () => [...form.querySelectorAll(".card-control")];
  return {
    values: () => Object.fromEntries(controls().map(({ name, value }) => [name, value])),
    reset: () => {
      form.reset();
      controls().forEach((input) => complain(input, false));
    },
    check: () => {
      const missing = controls().filter((input) => input.required && !input.value.trim());
      missing.forEach((input) => complain(input, true));
      missing[0]?.focus();
      return missing.length === 0;
    },
  };
}

/** Draws a `form`; `drawAll(elements, context)` draws what is inside. Enter in an input taps the submit button. */
export function drawForm(node, context, drawAll) {
  const form = el("form", { class: "card-form", "data-name": node.name, novalidate: true });
  form.append(...drawAll(node.elements, { ...context, form: scope(form) }));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input")) return;
    event.preventDefault();
    form.querySelector("[data-submit]")?.click();
  });
  return form;
}
