// Building elements. Text only ever goes in as text nodes, so nothing from a card can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties (class, data-…, attributes, on… listeners) and children; empty ones are left out. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false && child !== ""));
  return element;
}

function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
}

function svg(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

function initial(name) {
  return ([...(name ?? "").trim()][0] ?? "?").toUpperCase();
}

/** A round avatar for a person (with a colour), a square one for a bot (without). */
export function avatar(name, color) {
  const root = svg("svg", { class: color ? "avatar" : "avatar app", viewBox: "0 0 40 40", "aria-hidden": "true", focusable: "false" });
  const shape = color
    ? svg("circle", { cx: 20, cy: 20, r: 20, fill: color })
    : svg("rect", { width: 40, height: 40, rx: 11 });
  root.append(shape, svg("text", { x: 20, y: 20 }, initial(name)));
  return root;
}
