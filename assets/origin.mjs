// Where a number of a trace comes from: its rule, and the numbers its rule names. What a node reads: the nodes its rules
// name. As pcgraph/origin.py and pcgraph/explain.py tell it. Pure.

import { entry, isLeaf, timesAt } from "./frame.mjs";
import { instance, isSetting, numberAt as numberIn, placesIn, readTimes, sentAt } from "./rule-table.mjs";
import { originLines } from "./rules.mjs";
import { linksOf } from "./trace.mjs";

/** Return a place as one word: equal places have equal words. */
export const placeKey = ({ quantity, node, t, slot }) => [quantity, t, slot ?? "", node].join(" ");

/** Return the number at a place, null where the trace (or the payload) has none. */
export const numberAt = (payload, laneIndex, place) => numberIn(payload, payload.lanes[laneIndex], place);

/** Return {place, kind, lines, sentence, restsOn, result} of one number, null where there is none. */
export function entryOf(payload, laneIndex, place) {
  const result = numberAt(payload, laneIndex, place);
  if (result === null || result === undefined) return null;
  const lane = payload.lanes[laneIndex];
  const { kind, t } = made(payload, lane, place);
  const given = kind === "leaf" || kind === "target";
  const tree = given ? null : instance(payload, lane, kind, place.node, t, { slot: place.slot });
  const named = placesIn(tree).filter((one) => !isSetting(one));
  const behind = named.map((one) => ({ ...one, t: since(payload, lane, one) }));
  const restsOn = [...new Map(behind.map((one) => [placeKey(one), one])).values()];
  const lines = originLines(payload, laneIndex, { kind, place, t, tree, result });
  const shown = kind === "error" && lane.method === "bp" ? (place.node === payload.output ? "start" : "cotangent") : kind;
  const sentence = { key: `origin.${shown}`, slots: { node: place.node, t: place.t } };
  return { place, kind: shown, lines, sentence, restsOn, result };
}

// The kind of the rule that made a number, and the step at which it did.
function made(payload, lane, { quantity, node, t }) {
  if (quantity === "gradient") {
    const read = readTimes(payload, lane, node).filter((one) => one <= t);
    return { kind: quantity, t: read.at(-1) ?? t };
  }
  if (quantity === "feedback") return { kind: quantity, t: sentAt(payload, lane, node, t) };
  if (quantity !== "value") return { kind: quantity, t };
  const [first, leaf] = [heldSince(payload, lane, node, t), isLeaf(linksOf(payload).node(node))];
  if (leaf && first === 0) return { kind: "leaf", t: first };
  if (node === payload.output && lane.method !== "bp") return { kind: "clamped", t: first };
  return first === 0 ? { kind: "forward", t: 0 } : { kind: leaf ? "learned" : "move", t: first - 1 };
}

// The step since which a number has been what it is; errors and feedback are of every step.
function since(payload, lane, { quantity, node, t }) {
  if (quantity === "value") return heldSince(payload, lane, node, t);
  if (quantity !== "prediction") return t;
  return Math.max(0, ...linksOf(payload).node(node).inputs.map((one) => heldSince(payload, lane, one, t)));
}

// The step since which a node has held its value. Of a tensor too large to travel whole, its picture tells.
function heldSince(payload, lane, name, t) {
  const links = linksOf(payload);
  if (lane.method === "bp" || (isLeaf(links.node(name)) && lane.method !== "ipc")) return 0;
  const series = lane.values[links.index(name)];
  const now = printed(entry(series, t));
  if (now.includes("NaN")) return t;
  let first = t;
  while (first > 0 && printed(entry(series, first - 1)) === now) first -= 1;
  return first;
}

const printed = (value) => JSON.stringify(value);

/** Return the place of a quantity as the stage shows it at (t, phase), null where it is not computed yet. */
export function placeNow(payload, laneIndex, place, t, phase = null) {
  const lane = payload.lanes[laneIndex];
  const times = timesAt(lane, Math.min(t, lane.steps), phase);
  const early = lane.method === "bp" ? t - 1 : null;
  const shown = { ...times, gradient: times.read, feedback: times.feedback ? times.prediction : early };
  const here = { ...place, t: shown[place.quantity] };
  if (here.t === null || here.t < 0) return null;
  return (numberAt(payload, laneIndex, here) ?? null) === null ? null : here;
}

/** Return a chain {lane, trail} begun anew at (t, phase): the same number as it is then, null where there is none. */
export function chainAt(payload, chain, t, phase) {
  const root = chain?.trail[0];
  if (!root || !payload.lanes[chain.lane] || linksOf(payload).index(root.node) < 0) return null;
  const place = placeNow(payload, chain.lane, root, t, phase);
  return place && { lane: chain.lane, trail: [place] };
}

// ---- what a node reads

/** Return whose numbers a node's rules name: its inputs, its users, and what their partial derivatives name. */
export function readFrom(payload, laneIndex, name) {
  const kinds = isLeaf(linksOf(payload).node(name)) ? [] : ["prediction"];
  return namedIn(payload, payload.lanes[laneIndex], name, null, kinds, true);
}

/** Return the nodes whose numbers of step t a node read in step t: everything else it did not know. */
export function readsAt(payload, lane, name, t) {
  const node = linksOf(payload).node(name);
  if (isLeaf(node)) return namedIn(payload, lane, name, t, [], readTimes(payload, lane, name).includes(t));
  if (lane.method === "bp") return namedIn(payload, lane, name, t, [], t === node.level);
  return namedIn(payload, lane, name, t, ["prediction"], name !== payload.output && t < lane.steps);
}

function namedIn(payload, lane, name, t, kinds, hears) {
  const own = kinds.map((kind) => instance(payload, lane, kind, name, t ?? 0));
  const users = (hears ? linksOf(payload).from(name) : []).map(({ to, slot }) =>
    instance(payload, lane, "feedback", to, t ?? 0, { slot }),
  );
  const named = placesIn([...own, ...users]).filter((place) => place.node !== name && (t === null || place.t === t));
  return [...new Set(named.map((place) => place.node))];
}
