// The player's symbols as inline SVG: fonts on a bare machine lack them.

import { svg } from "./dom.mjs";

const dot = (x, y) => `M${x - 1} ${y}a1 1 0 1 0 2 0a1 1 0 1 0-2 0`;
const PATHS = {
  first: "M5 4v12M16 4 7 10l9 6z",
  back: "M14 4 5 10l9 6z",
  play: "M6 3.5 16 10 6 16.5z",
  pause: "M6 4v12M14 4v12",
  next: "M6 4 15 10 6 16z",
  last: "M15 4v12M4 4l9 6-9 6z",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  fit: "M3 8V3h5M12 3h5v5M17 12v5h-5M8 17H3v-5",
  modules: "M3 3h5v5H3zM12 3h5v5h-5zM3 12h5v5H3zM12 12h5v5h-5z",
  nodes: [4, 10, 16].flatMap((x) => [4, 10, 16].map((y) => dot(x, y))).join(""),
  close: "M5 5l10 10M15 5 5 15",
};
const OPEN = new Set(["pause", "plus", "minus", "fit", "close", "modules", "nodes"]);

/** Return a 20 × 20 icon. */
export function icon(name) {
  return svg(
    "svg",
    {
      class: `icon ${OPEN.has(name) ? "open" : ""}`,
      viewBox: "0 0 20 20",
      width: 20,
      height: 20,
      "aria-hidden": "true",
    },
    svg("path", { d: PATHS[name] }),
  );
}
