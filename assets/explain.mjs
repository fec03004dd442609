// One sentence: what just happened to a node, or in a step. Pure: returns [{key, slots}].

import { different, entry, isLeaf, scalar } from "./frame.mjs";
import { number } from "./messages.mjs";
import { readTimes } from "./rule-table.mjs";
import { linksOf, readsThrough } from "./trace.mjs";

/** Return what happened to a node at step t in a lane. */
export function explainNode(payload, laneIndex, name, t) {
  const lane = payload.lanes[laneIndex];
  const node = linksOf(payload).node(name);
  const context = { payload, lane, node, name, t, i: linksOf(payload).index(name) };
  return isLeaf(node) ? [leafSentence(context)] : nodeSentences(context);
}

function leafSentence({ payload, lane, node, name, t }) {
  if (node.kind === "constant") return said("constant", { node: name });
  const times = lane.gradients[name] ? readTimes(payload, lane, name) : [];
  if (!times.length) return said("leaf.never", { node: name });
  if (t < times[0]) return said("leaf.waits", { node: name, step: times[0] });
  const step = times.filter((one) => one <= t).at(-1);
  const found = entry(lane.gradients[name], t);
  const size = number(scalar(found));
  const gradient = typeof found === "object" && found ? `[${node.shape.join("×")}, max ${size}]` : size;
  return said(step === t ? "leaf.now" : "leaf.read", { node: name, step, gradient });
}

function nodeSentences(context) {
  const { payload, lane, node, name, t } = context;
  const reads = readsThrough(payload, lane, name, t);
  const read = reads.length ? [said(reads.length > 1 ? "reads_many" : "reads_one", { nodes: reads.join(", ") })] : [];
  const carried = node.kind === "identity" ? [said("identity", { node: name, origin: node.stands_for })] : [];
  return [mainSentence(context), ...carried, ...read];
}

function mainSentence(context) {
  const { payload, lane, node, name, t, i } = context;
  const slots = { node: name, level: node.level };
  const error = scalar(entry(lane.errors[i], t));
  if (error !== null && !Number.isFinite(error)) return said("broken", slots);
  const kind = lane.method === "bp" ? "bp" : { exact: "zil", scaled: "scaled", moved: "unlevelled" }[lane.reading];
  if (name === payload.output) return said(kind !== "bp" ? "output" : t === 0 ? "bp.output" : "bp.passed", slots);
  if (!kind) return movedSentence(context, error);
  const when = t < node.level ? "waits" : t === node.level ? "arrives" : "passed";
  const shared = (kind === "zil" || kind === "scaled") && when !== "arrives";
  return said(`${shared ? "front" : kind}.${when}`, slots);
}

function movedSentence({ lane, name: node, t, i }, error) {
  const [before, now] = [entry(lane.values[i], t - 1), entry(lane.values[i], t)];
  if (t > 0 && t <= lane.steps && different(before, now)) {
    const scalars = typeof now === "number" && typeof before === "number";
    return scalars ? said("moved", { node, ...apart(before, now) }) : said("moved_tensor", { node });
  }
  return said(error === 0 ? "quiet" : "still", { node });
}

// As many digits as it takes to see the difference.
function apart(before, after) {
  const decimals = [4, 6, 8, 10, 12].find((one) => number(before, one) !== number(after, one)) ?? 15;
  return { before: number(before, decimals), after: number(after, decimals) };
}

// pcgraph/explain.py says the same sentences of the same events.
const said = (key, slots) => ({ key: `explain.${key}`, slots });

/** Return what happened in a step: the lane's own caption, or in a phase what that phase does. */
export function explainStep(payload, lanes, t, phase) {
  if (phase) return [{ key: `stage.phase_${phase}`, slots: {} }];
  // A payload that was cut for a question compares nothing.
  if (lanes.length > 1 && payload.compare) return compareStep(payload, lanes, t);
  const lane = payload.lanes[lanes.at(-1)];
  const caption = entry(lane.captions, t);
  return caption ? [caption] : [];
}

/** Return the slot that names a lane's method: a key that is said in its turn. */
export const methodName = (lane) => ({ key: `method.${lane.method}` });

// Two or more lanes: say whether they are still together, from the data.
function compareStep(payload, lanes, t) {
  const { parts } = payload.compare;
  return lanes.slice(1).map((index) => {
    const lane = payload.lanes[index];
    const slots = { method: methodName(lane), reference: methodName(payload.lanes[0]), step: parts[index] };
    if (parts[index] === null || parts[index] === undefined || parts[index] > t)
      return { key: lane.front ? "stage.together_front" : "stage.together", slots };
    return { key: parts[index] === t ? "stage.part_now" : "stage.parted", slots };
  });
}
