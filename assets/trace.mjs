// Questions to a payload: who are a node's users, what did it hold at a step. Looked up once a payload.

import { entry } from "./frame.mjs";

const memo = new WeakMap();

/** Return {index(name), node(name), into(name), from(name)}: edges with their place in `payload.edges`. */
export function linksOf(payload) {
  if (!memo.has(payload)) memo.set(payload, links(payload));
  return memo.get(payload);
}

function links(payload) {
  const index = new Map(payload.nodes.map((node, i) => [node.name, i]));
  const [into, from] = [new Map(), new Map()];
  payload.edges.forEach((edge, k) => {
    const numbered = { ...edge, k };
    into.set(edge.to, [...(into.get(edge.to) ?? []), numbered]);
    from.set(edge.from, [...(from.get(edge.from) ?? []), numbered]);
  });
  return {
    index: (name) => index.get(name) ?? -1,
    node: (name) => payload.nodes[index.get(name)],
    into: (name) => into.get(name) ?? [],
    from: (name) => from.get(name) ?? [],
  };
}

/** Return what a node of a lane holds at a step. */
export function held(payload, lane, name, t) {
  const i = linksOf(payload).index(name);
  return {
    value: entry(lane.values[i], t),
    prediction: entry(lane.predictions[i], t),
    error: entry(lane.errors[i], t),
  };
}

/** Return the parameters (and, with `inputs`, the inputs) read at a step through a node. */
export function readsThrough(payload, lane, name, t) {
  const leaves = linksOf(payload)
    .into(name)
    .map((edge) => edge.from);
  return [...new Set(leaves)].filter(
    (leaf) => lane.reads[leaf] === t && linksOf(payload).node(leaf).kind === "parameter",
  );
}
