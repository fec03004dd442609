// Draws one lane: level columns, edges, nodes and the messages on the edges. `draw` twice draws the same picture.

import { createColumns } from "./columns.mjs";
import { svg } from "./dom.mjs";
import { createEdge, createLines } from "./edge.mjs";
import { barScale } from "./frame.mjs";
import { createNode } from "./node.mjs";

/** Draw the nodes and edges of a lane. `geometry` comes from geometry.mjs, frames from frame.mjs. */
export function createGraph({ payload, lane, geometry, metrics, say, title, onSelect }) {
  const columns = createColumns(payload, geometry, say, title);
  const edges = payload.edges.map((edge, k) => createEdge(edge, geometry.edges[k], geometry.density));
  const scale = barScaleOf(payload);
  const nodes = payload.nodes.map((node, i) => {
    const context = { payload, lane, say, metrics, scale, density: geometry.density };
    return createNode(node, geometry.cards[i], context);
  });
  const world = svg(
    "g",
    { class: "world" },
    svg(
      "g",
      { class: "edges", "aria-hidden": "true" },
      ...createLines(geometry.edges),
      ...edges.map((edge) => edge.element),
    ),
    svg("g", { class: "nodes" }, ...nodes.map((node) => node.element)),
    svg("g", { class: "tokens", "aria-hidden": "true" }, ...edges.map((edge) => edge.token)),
  );
  const element = svg(
    "svg",
    { class: `graph ${geometry.density}`, role: "group", "aria-label": title || payload.title },
    columns.back,
    world,
    columns.heads,
  );
  listen(nodes, edges, payload, onSelect);

  return {
    element,
    draw(frame, reference, { travel = false, flash = false } = {}) {
      columns.draw(frame.front);
      nodes.forEach((node, i) => node.draw(frame.nodes[i], reference && reference.nodes[i], flash));
      edges.forEach((edge, k) => edge.draw(frame.edges[k], travel));
    },
    travel: (share) => edges.forEach((edge) => edge.travel(share)),
    select: (name) => nodes.forEach((node) => node.select(node.name === name)),
    place(view, size) {
      world.setAttribute("transform", `translate(${view.x},${view.y}) scale(${view.k})`);
      columns.place(view, size);
    },
  };
}

const scales = new WeakMap();
function barScaleOf(payload) {
  if (!scales.has(payload)) scales.set(payload, barScale(payload));
  return scales.get(payload);
}

function listen(nodes, edges, payload, onSelect) {
  const near = (name) =>
    edges.forEach((edge, k) => {
      edge.light(name !== null && (payload.edges[k].from === name || payload.edges[k].to === name));
    });
  for (const node of nodes) {
    node.button.addEventListener("click", () => onSelect(node.name));
    node.button.addEventListener("focus", () => {
      if (node.button.matches(":focus-visible")) onSelect(node.name);
    });
    node.button.addEventListener("keydown", (event) => {
      if (event.key === "Enter") onSelect(node.name);
    });
    node.button.addEventListener("pointerenter", () => near(node.name));
    node.button.addEventListener("pointerleave", () => near(null));
  }
  edges.forEach((edge, k) => {
    edge.element.addEventListener("pointerenter", () => edge.light(true));
    edge.element.addEventListener("pointerleave", () => edge.light(false));
    edge.element.addEventListener("click", () => onSelect(payload.edges[k].to));
  });
}
