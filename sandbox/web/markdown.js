// The markdown of cards, as far as bots use it: emphasis, code, links, lists, quotes, headings, rules, line breaks and
// `<font color>`. Everything else is text. Output is DOM nodes, never markup.

import { el } from "./dom.js";
import { safeAddress } from "./address.js";
import { colorName } from "./colors.js";

const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const LAST_CODE_POINT = 0x10ffff;

function decode(text) {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,5}));/gi, (all, decimal, hex, name) => {
    const point = decimal ? Number(decimal) : parseInt(hex, 16);
    if (point <= LAST_CODE_POINT) return String.fromCodePoint(point);
    return ENTITIES[name?.toLowerCase()] ?? all;
  });
}

function link(address, children) {
  const href = safeAddress(decode(address));
  return href ? el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children) : el("span", {}, ...children);
}

function font(color, children) {
  const name = colorName(color);
  return el("span", { class: name && `ink-${name}` }, ...children);
}

// Each rule: what to look for, and what it becomes; `inner` goes on with the text inside. The earliest match wins,
// among equals the first rule.
const LINKS = [
  [/\[([^\]\n]+)\]\(((?:[^()\s]|\([^()\s]*\))+)\)/g, (m) => link(m[2], inline(m[1], MARKS))],
  [/https?:\/\/[\w\-.~:/?#@!$&'*+,;=%]*[\w\-~/#@$&*+=%]/g, (m) => link(m[0], [decode(m[0])])],
];
const MARKS = [
  [/\n/g, () => el("br")],
  [/\\([\\`*_~[\]()#+\-.!<>])/g, (m) => m[1]],
  [/`([^`\n]+)`/g, (m) => el("code", {}, m[1])],
  [/<br\s*\/?>/gi, () => el("br")],
  [/<font color=['"]?([\w-]+)['"]?\s*>([\s\S]*?)<\/font>/gi, (m, inner) => font(m[1], inner(m[2]))],
  [/\*\*(?=\S)([\s\S]*?\S)\*\*(?!\*)/g, (m, inner) => el("strong", {}, ...inner(m[1]))],
  [/~~(?=\S)([\s\S]*?\S)~~/g, (m, inner) => el("s", {}, ...inner(m[1]))],
  [/\*(?=[^\s*])([^*\n]*[^\s*])\*(?!\*)/g, (m, inner) => el("em", {}, ...inner(m[1]))],
];
const ALL = [...LINKS, ...MARKS];

function earliest(text, from, rules) {
  let best;
  for (const [pattern, build] of rules) {
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (match && (!best || match.index < best.match.index)) best = { match, build };
  }
  return best;
}

/** One stretch of text as a list of nodes and strings. Inside a link there are no further links. */
function inline(text, rules = ALL) {
  const inner = (part) => inline(part, rules);
  const nodes = [];
  let at = 0;
  for (let found; (found = earliest(text, at, rules)); at = found.match.index + found.match[0].length) {
    nodes.push(decode(text.slice(at, found.match.index)), found.build(found.match, inner));
  }
  return [...nodes, decode(text.slice(at))];
}

const LIST = /^(\s*)(?:[-*+]|(\d{1,4})[.)])\s+(.*)$/;
const FENCE = /^\s*```/;
const KINDS = [
  ["code", FENCE],
  ["heading", /^#{1,6}\s+/],
  ["rule", /^\s*(?:-{3,}|\*{3,})\s*$/],
  ["list", LIST],
  ["quote", /^\s*>\s?/],
  ["blank", /^\s*$/],
];

function kindOf(line) {
  return KINDS.find(([, pattern]) => pattern.test(line))?.[0] ?? "paragraph";
}

function listItem(line) {
  const [, indent, number, text] = LIST.exec(line);
  const depth = Math.min(3, Math.floor(indent.length / 2));
  return el("li", { class: `depth-${depth}${number ? "" : " bullet"}`, value: number }, ...inline(text));
}

function list(group) {
  return el(LIST.exec(group[0])[2] ? "ol" : "ul", {}, group.map(listItem));
}

const BLOCKS = {
  heading: (group) => group.map((line) => el("p", { class: "md-heading" }, ...inline(line.replace(/^#+\s+/, "")))),
  rule: (group) => group.map(() => el("hr")),
  list: (group) => [list(group)],
  quote: (group) => [el("blockquote", {}, ...inline(group.map((line) => line.replace(/^\s*>\s?/, "")).join("\n")))],
  blank: () => [],
  paragraph: (group) => [el("p", {}, ...inline(group.join("\n")))],
};

/** The lines from `start` that belong together, and where the next block begins. */
function takeGroup(all, start) {
  const kind = kindOf(all[start]);
  let end = start + 1;
  while (end < all.length && kindOf(all[end]) === kind) end += 1;
  return { nodes: BLOCKS[kind](all.slice(start, end)), end };
}

function takeCode(all, start) {
  let end = start + 1;
  while (end < all.length && !FENCE.test(all[end])) end += 1;
  return { nodes: [el("pre", {}, el("code", {}, all.slice(start + 1, end).join("\n")))], end: end + 1 };
}

/** A whole text as a list of block elements. */
export function markdown(text) {
  const all = text.split(/\r?\n/);
  const blocks = [];
  for (let at = 0; at < all.length; ) {
    const { nodes, end } = kindOf(all[at]) === "code" ? takeCode(all, at) : takeGroup(all, at);
    blocks.push(...nodes);
    at = end;
  }
  return blocks;
}
