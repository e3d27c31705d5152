// The chat: pick a person, see their cards, tap. This file joins the parts; each part knows nothing of the others.

import { onLanguage, useDefaults } from "./lang.js";
import { asked, cookie, remember } from "./memory.js";
import { avatar } from "./dom.js";
import { peoplePicker } from "./people.js";
import { messageThread } from "./thread.js";
import { showError, showToast } from "./toast.js";
import { word } from "./words.js";
import * as api from "./api.js";

const COOKIE = "sandbox_person";
const WAIT_S = 25;
const RETRY_MS = [500, 1000, 2000, 5000];

const shell = document.querySelector(".shell");
const live = document.querySelector(".live");
const picker = peoplePicker((person) => become(person));
const thread = messageThread((message) => ({ tap: (action) => tap(message, action) }));

let people = [];
let me;
let polling = new AbortController();

function setLive(state) {
  live.dataset.live = state;
  live.textContent = word(state);
}

async function tap(message, action) {
  try {
    const { toast, error } = await api.tap(me.open_id, message.message_id, action);
    if (error) showError(error);
    else if (toast) showToast(toast);
  } catch {
    showError({ text: word("unreachable") });
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Follows one person's messages until another is picked. An answer holds what changed after the version asked for;
 * after a failure everything is asked for anew, since a restarted server counts from the start again.
 */
async function follow(person, signal) {
  const known = new Map();
  let after = 0;
  let wait = 0;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const { version, messages } = await api.messages(person.open_id, after, wait, signal);
      if (signal.aborted) return;
      if (after === 0) known.clear();
      messages.forEach((message) => known.set(message.message_id, message));
      thread.show([...known.values()]);
      setLive("live");
      [after, wait, failures] = [version, WAIT_S, 0];
    } catch {
      if (signal.aborted) return;
      setLive("lost");
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
      [after, wait, failures] = [0, 0, failures + 1];
    }
  }
}

function showMe(person) {
  document.querySelector(".talk-top").hidden = false;
  document.querySelector(".welcome").hidden = true;
  document.querySelector(".talk-avatar").replaceChildren(avatar(person.name, person.color));
  document.querySelector(".talk-who b").textContent = person.name;
  document.querySelector(".talk-who code").textContent = person.open_id;
  shell.dataset.view = "talk";
  if (!document.activeElement?.checkVisibility()) document.querySelector(".scroll").focus({ preventScroll: true });
}

function become(person) {
  if (me?.open_id === person.open_id) return showMe(person);
  polling.abort();
  polling = new AbortController();
  me = person;
  remember(COOKIE, "person", person.open_id);
  thread.clear();
  useDefaults(navigator.language, person.locale);
  picker.mark(person.open_id);
  showMe(person);
  setLive("wait");
  follow(person, polling.signal);
}

function wanted() {
  const wish = asked("person") ?? cookie(COOKIE);
  return people.find(({ open_id }) => open_id === wish);
}

async function begin() {
  for (let failures = 0; ; failures += 1) {
    try {
      ({ people } = await api.state());
      break;
    } catch {
      if (!failures) showError({ text: word("unreachable") });
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]);
    }
  }
  picker.show(people);
  const person = wanted();
  if (person) become(person);
}

onLanguage(() => {
  if (me) setLive(live.dataset.live);
  thread.redraw();
});
document.querySelector(".back").addEventListener("click", () => {
  shell.dataset.view = "people";
  document.querySelector(`.person[aria-current]`)?.focus();
});

useDefaults(navigator.language);
begin();
