// What a node knew: whose numbers it read in a step, as `reads` of pcgraph/explain.py tells it. Pure.

import { namesIn } from "./formula.mjs";
import { isLeaf } from "./frame.mjs";
import { linksOf } from "./trace.mjs";

/** Return the name of an input slot in formulas: x, y, z, x4, x5, … */
export const slotName = (slot) => "xyz"[slot] ?? `x${slot + 1}`;

/** Return the slots (x, y, …, out) that a user's partial derivative names; all of them where its op does not tell. */
export function partialSlots(payload, user, slot) {
  const { inputs, op } = linksOf(payload).node(user);
  const all = [...inputs.map((_, i) => slotName(i)), "out"];
  const known = payload.ops[op].formula === null ? [] : payload.ops[op].partials.slice(0, inputs.length);
  const tree = known[slot] ?? known.at(-1) ?? null;
  return tree === null ? all : all.filter((one) => namesIn(tree).includes(one));
}

/** Return a node's users, each with those inputs of its own that the partial derivative names. */
export function heardBy(payload, name) {
  const links = linksOf(payload);
  return links.from(name).flatMap((edge) => {
    const used = partialSlots(payload, edge.to, edge.slot);
    return [edge.to, ...links.node(edge.to).inputs.filter((_, i) => used.includes(slotName(i)))];
  });
}

/** Return the names of the nodes whose numbers a node read in step t itself: everything else it did not know. */
export function readsAt(payload, lane, name, t) {
  const links = linksOf(payload);
  const node = links.node(name);
  const frozen = lane.method === "fixed" && t > 0;
  const own = lane.method === "bp" || frozen ? [] : node.inputs;
  const users = links.from(name).map((edge) => edge.to);
  const heard = !listens(payload, lane, node, t) ? [] : frozen ? users : heardBy(payload, name);
  return [...new Set([...own, ...heard])].filter((other) => other !== name);
}

function listens(payload, lane, node, t) {
  if (isLeaf(node)) return readTimes(payload, lane, node.name).includes(t);
  if (lane.method === "bp") return t === node.level;
  return node.name !== payload.output && t < lane.steps;
}

/** Return the steps at which a leaf's gradient, or a part of it, is read, in rising order. */
export function readTimes(payload, lane, name) {
  if (!(name in lane.gradients)) return [];
  const users = linksOf(payload).from(name);
  const times = [...new Set(users.map((edge) => lane.read_times[edge.to]))].sort((a, b) => a - b);
  const found = { bp: times.slice(-1), ipc: upTo(times.at(-1) ?? -1) }[lane.method] ?? times;
  return found.filter((t) => t <= lane.steps);
}

const upTo = (last) => Array.from({ length: last + 1 }, (_, t) => t);
