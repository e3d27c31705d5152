// A mini-program: the person logs in, the page hands the code to its service and shows what the service says.

import { language, onLanguage, useDefaults } from "./lang.js";
import { asked, cookie, remember } from "./memory.js";
import { avatar, el } from "./dom.js";
import { peoplePicker } from "./people.js";

const COOKIE = "sandbox_person";
const WAIT_S = 25;

const WORDS = {
  waiting: ["正在登录…", "Signing in…"],
  waitingText: ["登录凭证已交给小程序的服务端。", "The mini-program's service has the login code."],
  good: ["登录成功", "Signed in"],
  goodText: ["服务端向网关确认了你的身份。", "The service knows from the gateway who you are."],
  bad: ["登录失败", "Not signed in"],
  unreachable: ["无法连接到沙盒", "The sandbox cannot be reached"],
  nothing: ["服务端没有说明原因", "The service did not say why"],
};

const word = (name) => WORDS[name][language() === "zh" ? 0 : 1];

const shell = document.querySelector(".shell");
const button = document.querySelector("[data-action='login']");
const outcome = document.querySelector(".outcome");
const picker = peoplePicker((person) => become(person));

let me;
let shown;

async function json(response) {
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.status === 204 ? undefined : response.json();
}

/** What an identity says, by the names that the gateway uses. */
function lines(facts) {
  const flat = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && typeof value !== "object");
  const inside = Object.entries(facts).filter(([, value]) => value !== null && typeof value === "object");
  const below = inside.flatMap(([name, value]) => Object.entries(value).map(([key, text]) => [`${name}.${key}`, text]));
  return [...flat, ...below].filter(([, value]) => value !== "" && typeof value !== "object");
}

function show(mood, text, facts = {}) {
  shown = [mood, text, facts];
  outcome.hidden = false;
  outcome.dataset.mood = mood;
  outcome.querySelector("h2").textContent = word(mood);
  outcome.querySelector(".outcome-text").textContent = text();
  const rows = lines(facts).flatMap(([name, value]) => [el("dt", {}, name), el("dd", { "data-fact": name }, String(value))]);
  outcome.querySelector("dl").replaceChildren(...rows);
  outcome.scrollIntoView({ block: "end" });
}

async function answer(id) {
  for (;;) {
    const said = await json(await fetch(`/wechat/api/login/${id}?wait=${WAIT_S}`));
    if (said) return said;
  }
}

async function login() {
  button.disabled = true;
  const ticked = (name) => document.querySelector(`[name='${name}']`).checked;
  const body = JSON.stringify({ open_id: me.open_id, profile: ticked("profile"), phone_number: ticked("phone_number") });
  try {
    const headers = { "content-type": "application/json" };
    const { id, code } = await json(await fetch("/wechat/api/login", { method: "POST", headers, body }));
    show("waiting", () => word("waitingText"), { code });
    const { status, body: said } = await answer(id);
    if (status === 200) show("good", () => word("goodText"), said);
    else show("bad", () => said?.title ?? word("nothing"), { status, type: said?.type, reason: said?.reason });
  } catch {
    show("bad", () => word("unreachable"));
  } finally {
    button.disabled = false;
  }
}

function become(person) {
  shell.dataset.view = "talk";
  if (me?.open_id === person.open_id) return;
  me = person;
  remember(COOKIE, "person", person.open_id);
  useDefaults(navigator.language, person.locale);
  picker.mark(person.open_id);
  document.querySelector(".mini").hidden = false;
  document.querySelector(".welcome").hidden = true;
  document.querySelector(".mini-avatar").replaceChildren(avatar(person.name, person.color));
  outcome.hidden = true;
  shown = undefined;
}

async function begin() {
  const { people } = await json(await fetch("/wechat/api/state"));
  picker.show(people);
  const wish = asked("person") ?? cookie(COOKIE);
  const person = people.find(({ open_id }) => open_id === wish);
  if (person) become(person);
}

button.addEventListener("click", login);
document.querySelector(".back").addEventListener("click", () => {
  shell.dataset.view = "people";
  document.querySelector(".person[aria-current]")?.focus();
});
onLanguage(() => shown && show(...shown));
useDefaults(navigator.language);
begin();
