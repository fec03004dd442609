// The numbers of the springs view: the scale all rails share, what the energy is made of, and the shape of a spring.

import { entry, isLeaf, scalar } from "./frame.mjs";

const BEYOND = 3; // the scale ends at three times what is met first: runs may explode

/** Return whether a lane has springs: BP moves no values, its cotangents stretch nothing. */
export const hasSprings = (lane) => lane.method !== "bp";

/** Return the places of the nodes that have a rail, as the graph has them: deep levels left, the output right. */
export const railOrder = (payload) =>
  payload.nodes
    .map((node, i) => ({ node, i }))
    .filter(({ node }) => !isLeaf(node))
    .sort((a, b) => a.node.x - b.node.x || a.node.y - b.node.y || a.i - b.i)
    .map(({ i }) => i);

export const isTensor = (node) => (node.shape ?? []).length > 0;

/** Return where a node's rail has its middle: at its first prediction, what a forward pass gives it. */
export const restOf = (lane, i) => {
  const rest = scalar(entry(lane.predictions[i], 0));
  return Number.isFinite(rest) ? rest : 0;
};

/** Return {low, high, share, beyond} of distances from the middle, the same for all rails, lanes and steps, so that
 *  stretches compare: share(distance) is 0 at the bottom and 1 at the top, beyond(distance) is −1, 0 or 1 where it lies
 *  under, on or over the scale. */
export function railScale(payload, lanes) {
  const sprung = lanes.map((lane) => payload.lanes[lane]).filter(hasSprings);
  const all = sprung.flatMap((lane) => distances(payload, lane));
  const cap = BEYOND * (largestOf(sprung.flatMap((lane) => met(payload, lane))) || largestOf(all));
  const ends = all
    .filter(Number.isFinite)
    .reduce(([low, high], one) => [Math.min(low, Math.max(one, -cap)), Math.max(high, Math.min(one, cap))], [0, 0]);
  const [low, high] = ends[0] === ends[1] ? [-1, 1] : ends;
  return {
    low,
    high,
    share: (distance) => Math.min(1, Math.max(0, (distance - low) / (high - low))),
    beyond: (distance) => (distance > high ? 1 : distance < low ? -1 : 0),
  };
}

// A number's value and prediction have a place on its rail; of a tensor only the size of the error.
function distances(payload, lane) {
  return railOrder(payload).flatMap((i) => {
    if (isTensor(payload.nodes[i])) return (lane.errors[i] ?? []).map((error) => Math.abs(scalar(error) ?? 0));
    const rest = restOf(lane, i);
    const series = [...(lane.values[i] ?? []), ...(lane.predictions[i] ?? [])];
    return series.filter((one) => one !== null).map((one) => scalar(one) - rest);
  });
}

// The errors of the first step and those that a front meets: behind it they may grow, and nobody reads them.
const met = (payload, lane) =>
  payload.nodes.flatMap((node, i) => [0, lane.front ? node.level : 0].map((t) => Math.abs(scalar(entry(lane.errors[i], t)) ?? 0)));

const largestOf = (list) => list.filter(Number.isFinite).reduce((most, one) => Math.max(most, Math.abs(one)), 0);

/** Return what a frame's energy is made of, [{name, error, energy}] in the order of the rails: ½ Σ ε² a node, and the
 *  loss at the output. Empty where that is not known: no errors yet, a tensor whose entries did not travel, errors
 *  that are weighed, or numbers that are not finite. */
export function piecesOf(payload, frame) {
  const total = Number(frame.energy ?? NaN);
  const order = railOrder(payload);
  const pieces = order.map((i) => ({
    name: payload.nodes[i].name,
    error: frame.nodes[i].error,
    energy: payload.nodes[i].name === payload.output && payload.loss !== "squared_error" ? null : halfSquare(frame.nodes[i].error),
  }));
  if (!Number.isFinite(total) || pieces.some(({ error }) => error === null)) return [];
  const missing = pieces.filter(({ energy }) => energy === null);
  const known = pieces.reduce((sum, { energy }) => sum + (energy ?? 0), 0);
  if (missing.length === 1) missing[0].energy = Math.max(0, total - known);
  const sum = missing.length === 1 ? known + missing[0].energy : known;
  return missing.length < 2 && Math.abs(sum - total) <= 1e-9 * Math.abs(total) ? pieces : [];
}

function halfSquare(error) {
  if (error === null) return null;
  if (typeof error !== "object") return Number(error) ** 2 / 2;
  if (scalar(error) === 0) return 0;
  return error.cells && error.whole ? error.cells.reduce((sum, cell) => sum + Number(cell) ** 2 / 2, 0) : null;
}

/** Return pieces with their place {name, error, y, height} from the bottom up; the small ones lie together on top. */
export function stack(pieces, bottom, room, least = 3) {
  const total = pieces.reduce((sum, { energy }) => sum + energy, 0);
  const tall = pieces.map((piece) => ({ ...piece, height: total > 0 ? (piece.energy / total) * room : 0 }));
  const rest = tall.filter(({ height }) => height < least).reduce((sum, { height }) => sum + height, 0);
  const list = [...tall.filter(({ height }) => height >= least), ...(rest > 0 ? [{ name: null, error: null, height: rest }] : [])];
  let y = bottom;
  return list.map(({ name, error, height }) => ({ name, error, height, y: (y -= height) }));
}

/** Return the path of a spring from (0, 0) to (0, 1): it is stretched by scaling it. */
export function zigzag(turns = 7, width = 6) {
  const [start, end] = [0.08, 0.92];
  const round = (value) => Math.round(value * 1e4) / 1e4;
  const corners = Array.from({ length: turns }, (_, k) => [
    k % 2 ? -width : width,
    round(start + ((end - start) * (k + 0.5)) / turns),
  ]);
  const points = [[0, 0], [0, start], ...corners, [0, end], [0, 1]];
  return `M${points.map((point) => point.join(",")).join("L")}`;
}

/** Return the rails to show, as many as `most`, around the one in the middle. */
export function windowOf(order, middle, most) {
  const start = Math.max(0, Math.min(order.length - most, middle - Math.floor(most / 2)));
  return order.slice(start, start + most);
}
