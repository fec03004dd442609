// The editor's own symbols, drawn like the player's.

import { svg } from "./dom.mjs";

const PATHS = {
  undo: "M7 4 3 8l4 4M3 8h9a4.5 4.5 0 0 1 0 9H8",
  redo: "M13 4l4 4-4 4M17 8H8a4.5 4.5 0 0 0 0 9h4",
  remove: "M4 6h12M8 6V3.5h4V6M5.5 6l1 10.5h7l1-10.5M8.5 9v5M11.5 9v5",
  duplicate: "M7 7h10v10H7zM13 7V3H3v10h4",
  align: "M4 3v14M10 3v14M16 3v14M2.5 7h3v4h-3zM8.5 4.5h3v4h-3zM8.5 11.5h3v4h-3zM14.5 8h3v4h-3z",
};

/** Return a 20 × 20 icon in outline. */
export function editIcon(name) {
  return svg(
    "svg",
    { class: "icon open", viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" },
    svg("path", { d: PATHS[name] }),
  );
}
