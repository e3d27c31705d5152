// The colour names that cards use. Each has a `theme-…` and an `ink-…` class in card.css.

const NAMES = new Set(["blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet", "purple", "indigo", "grey"]);

/** A known colour's name; of a shade such as `red-500` its colour; undefined for anything else. */
export function colorName(color) {
  const name = String(color ?? "").split("-")[0];
  return NAMES.has(name) ? name : undefined;
}
