// What can be drawn of a document that comes from outside, whatever it holds: the editor never fails on a bad graph. Pure.
//
// Python mends what a user opens, and says so (pcgraph/mend.py). This is the last door, also for a draft in the browser's storage.

import { isName } from "./editor-document.mjs";
import { sorted } from "./editor-place.mjs";

const FARTHEST = 1e9; // layout units, as pcgraph/mend.py has it

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isPlace = (place) =>
  Array.isArray(place) && place.length === 2 && place.every((one) => Math.abs(one) < FARTHEST && typeof one === "number");

/** Return a document as docs/editor.md asks for: what breaks that is left out, what keeps it is as it was. */
export function drawable(given) {
  const document = isRecord(given) ? given : {};
  const byName = new Map();
  for (const node of Array.isArray(document.nodes) ? document.nodes : [])
    if (isRecord(node) && isName(node.name) && !byName.has(node.name)) byName.set(node.name, node);
  const nodes = uncycled([...byName.values()].map((node) => drawableNode(node, byName)));
  const output = byName.has(document.output) ? document.output : null;
  return { ...document, title: textOf(document.title), output, nodes };
}

const textOf = (value) => (typeof value === "string" ? value : "");

function drawableNode({ op, inputs, attrs, position, ...node }, known) {
  return {
    ...node,
    op: textOf(op),
    ...(Array.isArray(inputs) ? { inputs: inputs.map((name) => (known.has(name) ? name : null)) } : {}),
    ...(isRecord(attrs) ? { attrs } : {}),
    ...(isPlace(position) ? { position } : {}),
  };
}

// Between nodes that no order can hold, no edge is drawn.
function uncycled(nodes) {
  const order = new Set(sorted({ nodes }));
  if (order.size === nodes.length) return nodes;
  return nodes.map((node) =>
    order.has(node.name) ? node : { ...node, inputs: node.inputs.map((name) => (order.has(name) ? name : null)) },
  );
}
