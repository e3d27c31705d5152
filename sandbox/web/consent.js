// The consent pages: they work without this script; it adds the language switch and small comforts.

import { useDefaults } from "./lang.js";

useDefaults(document.documentElement.lang);

const form = document.querySelector("form[data-consent]");

form?.addEventListener("change", ({ target }) => {
  if (target.name === "as") form.querySelector("[data-signed-in]").textContent = target.dataset.person;
});

// A second tap on Allow must not send the decision twice.
form?.addEventListener("submit", (event) => {
  if (form.classList.contains("sending")) event.preventDefault();
  form.classList.add("sending");
});
window.addEventListener("pageshow", () => form?.classList.remove("sending"));

form?.querySelector(".choice:has(:checked)")?.scrollIntoView({ block: "nearest" });
