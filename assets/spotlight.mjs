// The spotlight: one node and what lies next to it stay bright, all else is dimmed.

import { html } from "./dom.mjs";
import { linksOf } from "./trace.mjs";

/** Return the names of a node, its inputs and its users; null for no node. */
export function neighbourhood(payload, name) {
  const links = linksOf(payload);
  if (name === null || links.index(name) < 0) return null;
  return new Set([name, ...links.into(name).map((edge) => edge.from), ...links.from(name).map((edge) => edge.to)]);
}

const REACH = 1.9; // of the card's own size: how far the light goes
const ROUND = 0.6; // its height is at least this much of its width

/** Return the soft shade around a card: `place(card, view)` in a lane's own pixels, null: no shade. */
export function createShade() {
  const element = html("div", { class: "shade" });
  return {
    element,
    place(card, view) {
      element.toggleAttribute("data-on", card !== null);
      if (!card) return;
      const [w, h] = [card.w * view.k, card.whole * view.k];
      const middle = { x: view.x + card.x * view.k + w / 2, y: view.y + card.y * view.k + h / 2 };
      const places = { ...middle, w: w * REACH, h: Math.max(h, w * ROUND) * REACH };
      for (const [name, value] of Object.entries(places)) element.style.setProperty(`--${name}`, `${Math.round(value)}px`);
    },
  };
}
