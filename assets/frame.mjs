// What every node and edge shows at (payload, lane, t, phase): a pure function, so back, forward and jump are the same code.

/** Return the entry of a series at step t: a constant series has one entry, a missing one is null. */
export const entry = (series, t) => (series ? (series[Math.min(Math.max(t, 0), series.length - 1)] ?? null) : null);

/** Return an entry as one number: a tensor by its largest absolute entry, null stays null. */
export function scalar(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? scalar(value.max) : Number(value);
}

/** Return the sign of an entry: "pos", "neg", "zero", "none" (not computed) or "bad" (not finite). */
export function sign(value) {
  const size = scalar(value);
  if (size === null) return "none";
  if (!Number.isFinite(size)) return "bad";
  if (typeof value === "object") return size === 0 ? "zero" : "tensor";
  return size > 0 ? "pos" : size < 0 ? "neg" : "zero";
}

/** Return everything the lane shows at step t. A lane that has ended keeps its last state. */
export function laneFrame(payload, laneIndex, t, phase = null) {
  const lane = payload.lanes[laneIndex];
  const times = timesAt(lane, t, phase);
  const levels = levelsByName(payload);
  return {
    t,
    phase,
    method: lane.method,
    front: lane.front ? t : null,
    energy: entry(lane.energy, Math.min(t, lane.steps)),
    nodes: payload.nodes.map((node, i) => nodeFrame(lane, node, i, t, times)),
    edges: payload.edges.map((edge, k) => edgeFrame(lane, levels.get(edge.to), k, t, times)),
  };
}

/** Return, of each quantity, the state it is shown from in a phase; null: not computed yet in this step. */
export function timesAt(lane, t, phase) {
  const reference = lane.method === "bp";
  const errorsYet = phase !== "predict";
  return {
    value: phase === "move" ? Math.min(t + 1, lane.steps) : t,
    prediction: t,
    error: errorsYet ? t : reference ? t - 1 : null,
    feedback: phase === null || phase === "feedback",
    read: phase === null || phase === "feedback" || phase === "move" ? t : t - 1,
  };
}

function nodeFrame(lane, node, i, t, times) {
  const leaf = isLeaf(node);
  const series = lane.gradients[node.name];
  const readAt = lane.reads[node.name] ?? null;
  const gradient = series && times.read >= 0 ? entry(series, times.read) : null;
  return {
    value: entry(lane.values[i], times.value),
    prediction: entry(lane.predictions[i], times.prediction),
    error: leaf || times.error === null || times.error < 0 ? null : entry(lane.errors[i], times.error),
    gradient,
    reads: series ? readAt : null,
    read: gradient === null ? "no" : readAt === t && times.read === t ? "now" : "before",
    place: placeOf(lane, node.level, t),
    size: sizeAt(lane, node, i, t),
  };
}

/** Return the size of a node's error at step t, null before it is computed. Behind a front nobody reads a node any
 *  more: there it is the size at which the front passed. */
export function sizeAt(lane, node, i, t) {
  if (isLeaf(node)) return null;
  const size = scalar(entry(lane.errors[i], lane.front && followsFront(lane) ? Math.min(t, node.level) : t));
  return size === null ? null : Math.abs(size);
}

function placeOf(lane, level, t) {
  if (!lane.front) return "plain";
  if (level === t) return "front";
  return !followsFront(lane) ? "plain" : level < t ? "passed" : "ahead";
}

function edgeFrame(lane, userLevel, k, t, times) {
  const feedback = entry(lane.feedback[k], t);
  const size = scalar(feedback);
  const sent = times.feedback && size !== null && t <= lane.steps;
  // On a levelled graph only the front is read; elsewhere every error that is sent may be.
  const live = sent && (lane.front && followsFront(lane) ? userLevel === t : size !== 0);
  return { feedback: live ? feedback : null, live };
}

/** Return whether two entries differ. */
export const different = (a, b) => a !== b && (typeof a !== "object" || JSON.stringify(a) !== JSON.stringify(b));

// Of a Z-IL lane the payload tells whether its nodes kept still until the front came.
export const followsFront = (lane) => lane.method === "bp" || (lane.reading ? lane.reading !== "moved" : lane.levelled);

const levelMemo = new WeakMap();
function levelsByName(payload) {
  if (!levelMemo.has(payload)) levelMemo.set(payload, new Map(payload.nodes.map((node) => [node.name, node.level])));
  return levelMemo.get(payload);
}

export const isLeaf = (node) => node.kind === "input" || node.kind === "parameter" || node.kind === "constant";

/** Return the one quantity a small card shows: the gradient of a leaf, the error of a node. */
export const quantity = (node, shown) => (isLeaf(node) ? shown.gradient : shown.error);

const EXACT = 1e-12; // nothing but rounding in the last digits of a double
const CLOSE = 1e-9;

/** Return how a relative difference reads: "exact", "close" or "no". */
export const verdictOf = (relative) => (relative <= EXACT ? "exact" : relative <= CLOSE ? "close" : "no");

/** Return how a number stands to its reference: "exact", "close", "no", or null where one is missing. */
export function relation(value, reference) {
  if (value === null || reference === null) return null;
  if (typeof value === "object" || typeof reference === "object") return tensorRelation(value, reference);
  const [a, b] = [Number(value), Number(reference)];
  return a === b ? "exact" : verdictOf(Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b)));
}

function tensorRelation(value, reference) {
  if (typeof value !== typeof reference) return "no";
  if (!value.cells || !reference.cells) return relation(scalar(value), scalar(reference)); // sizes alone travelled
  if (value.cells.length !== reference.cells.length) return "no";
  const [a, b] = [value.cells.map(Number), reference.cells.map(Number)];
  const apart = Math.max(...a.map((cell, i) => Math.abs(cell - b[i])));
  return apart === 0 ? "exact" : verdictOf(apart / Math.max(...a.map(Math.abs), ...b.map(Math.abs)));
}

/** Return the mark of a node against the reference lane: only where the comparison means something.
 *  Behind a front nobody reads a node any more, so there only gradients are compared. */
export function markOf(node, shown, reference) {
  if (!isLeaf(node) && (shown.place === "passed" || shown.place === "ahead")) return null;
  return relation(quantity(node, shown), quantity(node, reference));
}

/** Return a function from an error to −1…1, the same for all lanes and steps: small ones stay visible beside large ones. */
export function barScale(payload) {
  const largest = Math.max(0, ...payload.lanes.flatMap((lane) => lane.errors.flatMap(largestOf)));
  const knee = largest / 30;
  const full = Math.asinh(30);
  return (value) => {
    const size = scalar(value);
    if (size === null || largest === 0 || Number.isNaN(size)) return 0;
    return Math.max(-1, Math.min(1, Math.asinh(size / knee) / full));
  };
}

function largestOf(series) {
  const sizes = (series ?? []).map(scalar).filter((size) => size !== null && Number.isFinite(size));
  return sizes.length ? [sizes.reduce((most, size) => Math.max(most, Math.abs(size)), 0)] : [];
}
