// The list of people one can be.

import { el, avatar } from "./dom.js";
import { languageOf, onLanguage } from "./lang.js";
import { word } from "./words.js";

const list = document.querySelector(".people-list");
const find = document.querySelector(".people-find");
const SEARCH_FROM = 9;
const SHOWN = 200;

function row(person, picked, pick) {
  const lang = languageOf(person.locale);
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "person", "data-open-id": person.open_id, "aria-current": picked && "true", onclick: () => pick(person) },
      avatar(person.name, person.color),
      el("span", { class: "person-name" }, person.name),
      lang && el("span", { class: "person-lang" }, lang === "zh" ? "中文" : "EN"),
    ),
  );
}

/** Draws the list and calls `picked(person)` when one is tapped. */
export function peoplePicker(picked) {
  let people = [];
  let current;

  function draw() {
    const wanted = find.querySelector("input").value.trim().toLowerCase();
    const fits = people.filter(({ name, open_id }) => `${name} ${open_id}`.toLowerCase().includes(wanted));
    const rows = fits.slice(0, SHOWN).map((person) => row(person, person.open_id === current, picked));
    list.replaceChildren(...rows);
    if (!rows.length && wanted) list.append(el("li", { class: "people-none" }, word("nobody")));
    find.hidden = people.length < SEARCH_FROM;
  }

  find.addEventListener("input", draw);
  onLanguage(draw);
  return {
    show(all) {
      people = all;
      draw();
    },
    mark(openId) {
      current = openId;
      for (const button of list.querySelectorAll(".person")) {
        if (button.dataset.openId === openId) button.setAttribute("aria-current", "true");
        else button.removeAttribute("aria-current");
      }
    },
  };
}
