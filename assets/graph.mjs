// Draws one lane: level columns, edges, nodes and the messages on the edges. `draw` twice draws the same picture.

import { createColumns } from "./columns.mjs";
import { svg } from "./dom.mjs";
import { createEdges } from "./edges.mjs";
import { opensFolded } from "./folding.mjs";
import { barScale } from "./frame.mjs";
import { atOnce, createIdle } from "./idle.mjs";
import { createNode } from "./node.mjs";
import { metScale, strengthOf } from "./sizes.mjs";

/** Draw the nodes and edges of a lane. `geometry` comes from geometry.mjs, frames from frame.mjs. */
export function createGraph({ payload, lane, geometry, metrics, say, title, header, onSelect, onHover = () => {} }) {
  const columns = createColumns(payload, geometry, say, title, header);
  const edges = createEdges(payload.edges, geometry, (edge) => onSelect(edge.to));
  const large = opensFolded(payload);
  let measures = measuresOf(payload, large);
  const scale = (error) => measures.scale(error);
  const strength = large ? (size) => measures.strength(size) : null;
  const context = { payload, lane, say, metrics, scale, strength, density: geometry.density };
  const nodes = payload.nodes.map((node, i) => createNode(node, geometry.cards[i], context));
  const speak = () => nodes.forEach((node) => node.speak());
  const labels = (large || geometry.density === "box" ? createIdle : atOnce)(speak);
  const world = svg(
    "g",
    { class: "world" },
    edges.element,
    svg("g", { class: "nodes" }, ...nodes.map((node) => node.element)),
    edges.tokens,
  );
  const element = svg(
    "svg",
    { class: `graph ${geometry.density}`, role: "group", "aria-label": title || payload.title },
    columns.back,
    world,
    columns.heads,
  );
  listen(nodes, labels, onSelect, onHover);
  let seen = () => true; // of a large graph, what lies outside the board is drawn when it comes in sight

  return {
    element,
    draw(frame, reference, { travel = false, flash = false } = {}) {
      columns.draw(frame.front);
      nodes.forEach((node, i) => {
        const lit = flash && (!large || frame.nodes[i].place === "front"); // a few: each is painted apart
        node.draw(frame.nodes[i], reference && reference.nodes[i], lit, seen(i));
      });
      labels.ask();
      edges.draw(frame.edges, travel);
    },
    travel: edges.travel,
    /** Other numbers of the same graph: the next drawing shows them. */
    renew(next) {
      measures = measuresOf(next, large);
      nodes.forEach((node) => node.renew());
    },
    select: (name) => nodes.forEach((node) => node.select(node.name === name)),
    light(name) {
      edges.light(name);
      nodes.forEach((node) => node.light(node.name === name));
    },
    mark({ traced, known }) {
      nodes.forEach((node) => node.mark(Boolean(traced?.has(node.name)), Boolean(known && !known.has(node.name))));
      edges.fade(known);
    },
    /** Dim all but a node, what lies next to it ({name, near}) and its edges; null: nothing is dimmed. */
    spot(light) {
      columns.back.toggleAttribute("data-dimmed", light !== null);
      nodes.forEach((node) => node.dim(light !== null && !light.near.has(node.name)));
      edges.spot(light?.name ?? null);
    },
    place(view, size) {
      world.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`);
      columns.place(view, size);
      if (!large || geometry.density === "box") return;
      seen = (i) => inSight(geometry.cards[i], view, size);
      nodes.forEach((node, i) => node.show(seen(i)));
    },
  };
}

function inSight({ x, y, w, whole }, { x: left, y: top, k }, size) {
  const [across, down] = [left + x * k, top + y * k];
  return across < size.w + w && across + w * k > -w && down < size.h + whole && down + whole * k > -whole;
}

const measuresOf = (payload, large) => ({
  scale: large ? metScale(payload) : barScaleOf(payload),
  strength: large ? strengthOf(payload) : null,
});

const scales = new WeakMap();
function barScaleOf(payload) {
  if (!scales.has(payload)) scales.set(payload, barScale(payload));
  return scales.get(payload);
}

function listen(nodes, labels, onSelect, onHover) {
  for (const { name, button } of nodes) {
    button.addEventListener("click", () => onSelect(name));
    button.addEventListener("focus", () => {
      labels.flush();
      if (button.matches(":focus-visible")) onSelect(name);
    });
    button.addEventListener("keydown", (event) => {
      if (event.key === "Enter") onSelect(name);
    });
    button.addEventListener("pointerenter", () => onHover(name));
    button.addEventListener("pointerleave", () => onHover(null));
  }
}
