// What a node knew: whose numbers it read in a step, as `reads` of pcgraph/explain.py tells it. Pure.

import { namesIn } from "./formula.mjs";
import { isLeaf } from "./frame.mjs";
import { linksOf } from "./trace.mjs";

const STOPPED = new Set(["result.diverged", "result.not_a_number"]); // before its last step

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

/** Return the steps at which a leaf's gradient, or a part of it, is read. */
export function readTimes(payload, lane, name) {
  if (!(name in lane.gradients)) return [];
  return timesOf(payload, lane, name).filter((t) => t <= lane.steps);
}

function timesOf(payload, lane, name) {
  const { method, reads, steps } = lane;
  if (method === "bp") return [linksOf(payload).node(name).level - 1];
  if (method === "zil") return [...new Set(linksOf(payload).from(name).map((edge) => clockOf(payload, lane)(edge.to)))];
  if (method === "ipc") return upTo(reads[name] ?? (STOPPED.has(lane.message.key) ? steps : -1));
  return name in reads ? [reads[name]] : [];
}

const upTo = (last) => Array.from({ length: last + 1 }, (_, t) => t);

/** Return node → the step at which Z-IL reads what it sends: its shortest distance to the output; or its level, where
 *  the lane's reads say so. */
export function clockOf(payload, lane) {
  const near = distancesOf(payload);
  const links = linksOf(payload);
  const last = (clock, name) => Math.max(...links.from(name).map((edge) => clock(edge.to)));
  const shortest = (name) => near.get(name);
  const longest = (name) => links.node(name).level;
  return Object.entries(lane.reads).every(([name, t]) => last(shortest, name) === t) ? shortest : longest;
}

const memo = new WeakMap();
function distancesOf(payload) {
  if (!memo.has(payload)) memo.set(payload, distances(payload));
  return memo.get(payload);
}

function distances({ nodes, output }) {
  const found = new Map([[output, 0]]);
  for (const { name, inputs } of [...nodes].reverse()) {
    for (const input of found.has(name) ? inputs : [])
      found.set(input, Math.min(found.get(input) ?? Infinity, found.get(name) + 1));
  }
  return found;
}
