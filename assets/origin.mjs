// Where a number of a trace comes from: its rule and the numbers it rests on, as pcgraph/origin.py tells it. Pure.
//
// A place {quantity, node, t, slot} names one number. Of feedback, `node` is the user and `slot` where its edge ends.

import { entry, isLeaf, timesAt } from "./frame.mjs";
import { partialSlots, readTimes, slotName } from "./locality.mjs";
import { originLines } from "./rules.mjs";
import { held, linksOf } from "./trace.mjs";

const MAKERS = { value, prediction, error, feedback, gradient, target };

/** Return a place as one word: equal places have equal words. */
export const placeKey = ({ quantity, node, t, slot }) => [quantity, t, slot ?? "", node].join(" ");

/** Return the number at a place, null where the trace (or the payload) has none. */
export function numberAt(payload, laneIndex, { quantity, node, t, slot }) {
  const lane = payload.lanes[laneIndex];
  if (quantity === "target") return payload.target;
  if (quantity === "gradient") return entry(lane.gradients[node], t);
  if (quantity !== "feedback") return held(payload, lane, node, t)[quantity];
  const edge = linksOf(payload)
    .into(node)
    .find((one) => one.slot === slot);
  return edge ? entry(lane.feedback[edge.k], sentAt(payload, lane, node, t)) : null;
}

/** Return {place, kind, lines, sentence, restsOn, result} of one number, null where there is none. */
export function entryOf(payload, laneIndex, place) {
  const result = numberAt(payload, laneIndex, place);
  if (result === null || result === undefined) return null;
  const lane = payload.lanes[laneIndex];
  const { kind, t, restsOn } = MAKERS[place.quantity]({ payload, lane, links: linksOf(payload), ...place });
  const at = { ...place, t, restsOn, numbers: restsOn.map((one) => numberAt(payload, laneIndex, one)) };
  const lines = originLines(payload, laneIndex, kind, at, result);
  return { place, kind, lines, sentence: { key: `origin.${kind}`, slots: { node: place.node, t } }, restsOn, result };
}

/** Return the place of a quantity as the stage shows it at (t, phase), null where it is not computed yet. */
export function placeNow(payload, laneIndex, place, t, phase = null) {
  const lane = payload.lanes[laneIndex];
  const times = timesAt(lane, Math.min(t, lane.steps), phase);
  const early = lane.method === "bp" ? t - 1 : null;
  const shown = { ...times, gradient: times.read, feedback: times.feedback ? times.prediction : early };
  const at = { ...place, t: shown[place.quantity] };
  if (at.t === null || at.t < 0) return null;
  return (numberAt(payload, laneIndex, at) ?? null) === null ? null : at;
}

// ---- one kind of number each: how it is made, at which step, and what it rests on

const made = (kind, t, restsOn) => ({ kind, t, restsOn: unique(restsOn) });
const unique = (places) => [...new Map(places.map((place) => [placeKey(place), place])).values()];
const at = (quantity, node, t, slot = null) => ({ quantity, node, t, slot });

function value({ payload, lane, links, node, t: asked }) {
  const t = since(payload, lane, node, asked);
  const leaf = isLeaf(links.node(node));
  if (leaf && t === 0) return made("leaf", t, []);
  if (node === payload.output && lane.method !== "bp") return made("clamped", t, [at("target", node, 0)]);
  if (t === 0) return made("forward", t, [predictionAt(payload, lane, node, 0)]);
  const before = valueAt(payload, lane, node, t - 1);
  const parts = arriving(payload, lane, node, t - 1).map((edge) => at("feedback", edge.to, t - 1, edge.slot));
  return leaf
    ? made("learned", t, [before, ...parts])
    : made("move", t, [before, at("error", node, t - 1), ...parts]);
}

function prediction({ payload, lane, links, node, t: asked }) {
  const t = takenAt(lane, asked);
  return made("prediction", asked, links.node(node).inputs.map((name) => valueAt(payload, lane, name, t)));
}

function error({ payload, lane, node, t }) {
  const mu = predictionAt(payload, lane, node, t);
  if (lane.method !== "bp") return made("error", t, [mu, valueAt(payload, lane, node, t)]);
  if (node === payload.output) return made("start", t, [mu, at("target", node, 0)]);
  return made("cotangent", t, sent(payload, lane, arriving(payload, lane, node, t), t));
}

function feedback({ payload, lane, links, node: user, t: asked, slot }) {
  const t = sentAt(payload, lane, user, asked);
  const taken = takenAt(lane, t);
  const used = partialSlots(payload, user, slot);
  const inputs = links.node(user).inputs.filter((_, i) => used.includes(slotName(i)));
  const out = used.includes("out") ? [predictionAt(payload, lane, user, taken)] : [];
  const values = inputs.map((name) => valueAt(payload, lane, name, taken));
  return made("feedback", t, [at("error", user, t), ...values, ...out]);
}

function gradient({ payload, lane, node, t: asked }) {
  const times = readTimes(payload, lane, node).filter((one) => one <= asked);
  const [earlier, t] = [times.at(-2) ?? null, times.at(-1) ?? asked];
  const before = earlier === null ? [] : [at("gradient", node, earlier)];
  const due = arriving(payload, lane, node, t).filter((edge) => isDue(lane, edge.to, t));
  return made("gradient", t, [...before, ...sent(payload, lane, due, t)]);
}

function target() {
  return made("target", 0, []);
}

// ---- which step's number it is

const valueAt = (payload, lane, name, t) => at("value", name, since(payload, lane, name, t));

// The step since which none of its inputs has moved.
function predictionAt(payload, lane, name, t) {
  const taken = takenAt(lane, t);
  const { inputs } = linksOf(payload).node(name);
  return at("prediction", name, Math.max(0, ...inputs.map((one) => since(payload, lane, one, taken))));
}

// The step since which a node has held its value. Of a tensor too large to travel whole, its picture tells.
function since(payload, lane, name, t) {
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

// BP's messages are sent once, at their user's level; fixed predictions are taken in the first step.
const sentAt = (payload, lane, user, t) => (lane.method === "bp" ? Math.min(t, linksOf(payload).node(user).level) : t);
const takenAt = (lane, t) => (lane.method === "fixed" ? 0 : t);

const sent = (payload, lane, edges, t) =>
  edges.map((edge) => at("feedback", edge.to, sentAt(payload, lane, edge.to, t), edge.slot));

// The edges by which something has come to a node by step t.
const arriving = (payload, lane, name, t) =>
  linksOf(payload)
    .from(name)
    .filter((edge) => {
      const step = sentAt(payload, lane, edge.to, t);
      return entry(lane.feedback[edge.k], step) !== null && held(payload, lane, edge.to, step).error !== null;
    });

// BP reads the sum of all that has come, incremental PC reads in every step up to the last.
const isDue = ({ method, read_times: times }, user, t) =>
  method === "bp" || (method === "ipc" ? times[user] >= t : times[user] === t);

/** Return a chain {lane, trail} begun anew at (t, phase): the same number as it is then, null where there is none. */
export function chainAt(payload, chain, t, phase) {
  const root = chain?.trail[0];
  if (!root || !payload.lanes[chain.lane] || linksOf(payload).index(root.node) < 0) return null;
  const place = placeNow(payload, chain.lane, root, t, phase);
  return place && { lane: chain.lane, trail: [place] };
}
