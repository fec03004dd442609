// Where everything goes: (payload, density, cell) → cards, curves and label places. Pure: overlaps are decided here, not by the browser.
//
// Five densities. full: a table a node, numbers on the edges. slim: tables without numbers on the edges. compact: name and one number in a line. tall: the same on two lines,
// for deep graphs. box: no text, the colour is the size of the error. A cell is one level column by one row.

import { curveThrough, pathText, pointAt, walk } from "./curve.mjs";
import { isLeaf } from "./frame.mjs";

export const NUMBER = 17; // px of a node's number at scale 1
const ORDER = ["full", "slim", "compact", "tall", "box"];
const LEAST = 16 / NUMBER;

const RULES = {
  full: { node: 112, leaf: 58, gradient: 28, row: 126, gap: (m) => m.label + 8 },
  slim: { node: 112, leaf: 58, gradient: 28, row: 126, gap: () => 28 },
  compact: { node: 36, leaf: 36, gradient: 0, row: 41, gap: () => 34 },
  tall: { node: 56, leaf: 56, gradient: 0, strip: 14, row: 64, gap: () => 28 },
  box: { node: 22, leaf: 22, gradient: 0, row: 28, gap: () => 14 },
};

/** Return the width of a card: room for the longest name and the widest number. */
function cardWidth(density, metrics) {
  const name = Math.min(metrics.name, metrics.longest ?? 110);
  const mark = metrics.marks ? 18 : 0;
  if (density === "box") return 30;
  if (density === "tall") return Math.max(78, Math.max(name + mark, metrics.brief + 18) + 22);
  if (density === "compact") return Math.max(104, name + metrics.brief + mark + 50);
  const heat = metrics.tensors ? Math.max(120, metrics.tight + 66) : 0; // a tensor's heat map stands before its number
  const table = Math.max(metrics.head, Math.max(metrics.number, metrics.quantity) + 38, heat);
  return Math.max(density === "slim" ? 92 : 112, table);
}

/** Return the smallest cell of a density, in its own units. */
export function leastCell(density, metrics) {
  const { gap, row, strip = 0 } = RULES[density];
  return { w: cardWidth(density, metrics) + gap(metrics), h: row + (metrics.tensors ? strip : 0) };
}

/** Return the height of the whole drawing at a row height. */
function drawingHeight(payload, density, row) {
  const tops = payload.nodes.map((node) => node.y * row - cardHeight(density, node) / 2);
  const bottoms = payload.nodes.map((node) => node.y * row + cardHeight(density, node) / 2);
  const { least, most } = passes(payload);
  return { top: Math.min(...tops, least * row - PASS), bottom: Math.max(...bottoms, most * row + PASS) };
}

const PASS = 4; // the room of an edge that passes above or below all cards

// The rows at which edges pass: at the very top and bottom there may be no card.
function passes(payload) {
  let [least, most] = [Infinity, -Infinity];
  for (const { via } of payload.edges) for (const [, y] of via ?? []) [least, most] = [Math.min(least, y), Math.max(most, y)];
  return { least, most };
}

const cardHeight = (density, node) => faceHeight(density, node) + gradientHeight(density, node);

// A tensor's heat map lies as a strip under the numbers of a tall card.
const faceHeight = (density, node) => {
  const { leaf, node: inner, strip = 0 } = RULES[density];
  return (isLeaf(node) ? leaf : inner) + (node.shape?.length ? strip : 0);
};

const gradientHeight = (density, node) => (node.kind === "parameter" ? RULES[density].gradient : 0);

export const columnsOf = (payload) => 1 + Math.max(...payload.nodes.map((node) => node.x));

/** Return the richest {density, cell, scale} whose numbers stay readable in this area; `read` keeps numbers at the cost of panning. */
export function fit(payload, area, metrics, { densest = "full", least = LEAST, most = 1.25, read = false } = {}) {
  const open = ORDER.slice(ORDER.indexOf(densest), read ? -1 : undefined);
  for (const density of open) {
    const scale = fittingScale(payload, density, area, metrics);
    if (scale >= least) return spread(payload, density, area, metrics, Math.min(scale, most));
  }
  if (!read) return spread(payload, "box", area, metrics, Math.min(1, fittingScale(payload, "box", area, metrics)));
  const density = open.find((one) => heightScale(payload, one, area, metrics) >= least) ?? "compact";
  return spread(payload, density, { w: 0, h: area.h }, metrics, least);
}

/** Return the height that a lane needs to show its numbers on small cards. */
export function readableHeight(payload, metrics, least = LEAST) {
  const { top, bottom } = drawingHeight(payload, "compact", leastCell("compact", metrics).h);
  return (bottom - top + 2 * MARGIN) * least;
}

const MARGIN = 8;

function heightScale(payload, density, area, metrics) {
  const { top, bottom } = drawingHeight(payload, density, leastCell(density, metrics).h);
  return area.h / (bottom - top + 2 * MARGIN);
}

function fittingScale(payload, density, area, metrics) {
  return Math.min(
    area.w / (columnsOf(payload) * leastCell(density, metrics).w),
    heightScale(payload, density, area, metrics),
  );
}

// Let the drawing breathe: room that is left widens the cells.
function spread(payload, density, area, metrics, scale) {
  const cell = leastCell(density, metrics);
  const ys = payload.nodes.map((node) => node.y);
  const { least, most } = passes(payload);
  const rows = Math.max(...ys, most) - Math.min(...ys, least);
  const { top, bottom } = drawingHeight(payload, density, cell.h);
  const room = area.h / scale - (bottom - top) - 2 * MARGIN;
  const w = Math.min(Math.max(area.w / scale / columnsOf(payload), cell.w), cell.w * (density === "box" ? 4 : 1.7));
  const h = rows > 0 ? Math.min(cell.h + Math.max(room, 0) / rows, cell.h * (density === "box" ? 3 : 1.45)) : cell.h;
  return { density, cell: { w, h }, scale };
}

/** Return cards, edges and bounds in drawing units. */
export function place(payload, density, cell, metrics) {
  const width = cardWidth(density, metrics);
  const cards = payload.nodes.map((node) => cardOf(node, density, cell, width));
  const index = new Map(payload.nodes.map((node, i) => [node.name, i]));
  const edges = route(payload, cards, index, cell);
  if (density !== "box")
    messagePlaces(edges, cards, density === "full" ? { token: TOKEN, label: metrics.label } : { token: 15, label: 0 });
  const { top, bottom } = drawingHeight(payload, density, cell.h);
  return { density, cell, cards, edges, width, top, bottom, columns: columnsOf(payload) };
}

function cardOf(node, density, cell, width) {
  const whole = cardHeight(density, node);
  const h = faceHeight(density, node);
  return { x: (node.x + 0.5) * cell.w - width / 2, y: node.y * cell.h - whole / 2, w: width, h, whole, column: node.x };
}

function route(payload, cards, index, cell) {
  const used = payload.nodes.length ? occupied(cards) : [];
  const bySource = (k) => cards[index.get(payload.edges[k].from)].y;
  const entering = new Map();
  payload.edges.forEach((edge, k) => entering.set(edge.to, [...(entering.get(edge.to) ?? []), k]));
  for (const list of entering.values()) list.sort((a, b) => bySource(a) - bySource(b) || a - b);
  return payload.edges.map((edge, k) => {
    const [from, to] = [cards[index.get(edge.from)], cards[index.get(edge.to)]];
    const list = entering.get(edge.to);
    const step = Math.min(26, (to.h - 8) / list.length);
    const start = [from.x + from.w, from.y + from.h / 2];
    const end = [to.x - 6, to.y + to.h / 2 + (list.indexOf(k) - (list.length - 1) / 2) * step];
    const pieces = curveThrough([start, ...detour(start, end, from, to, used, cell, edge.via), end]);
    const points = walk(pieces);
    return { d: pathText(pieces), points, end: [to.x, end[1]], rest: 0.5, token: pointAt(points, 0.5), label: null };
  });
}

const occupied = (cards) => {
  const columns = [];
  for (const card of cards) (columns[card.column] ??= []).push([card.y - 9, card.y + card.whole + 9]);
  return columns;
};

// An edge over several columns passes each of them where the layout says, else through a gap between its cards.
function detour(start, end, from, to, used, cell, via) {
  if (via?.length)
    return via.flatMap(([column, y]) => [
      [column * cell.w + (cell.w - from.w) / 2, y * cell.h],
      [(column + 1) * cell.w - (cell.w - from.w) / 2, y * cell.h],
    ]);
  const points = [];
  for (let column = from.column + 1; column < to.column; column += 1) {
    const share = (column - from.column) / (to.column - from.column);
    const y = freeGap(used[column] ?? [], start[1] + (end[1] - start[1]) * share);
    (used[column] ??= []).push([y - 5, y + 5]);
    points.push([column * cell.w + (cell.w - from.w) / 2, y], [(column + 1) * cell.w - (cell.w - from.w) / 2, y]);
  }
  return points;
}

/** Return the y nearest to the wanted one that no interval covers. */
export function freeGap(intervals, wanted) {
  const free = (y) => intervals.every(([a, b]) => y <= a || y >= b);
  if (free(wanted)) return wanted;
  const ends = intervals.flat().filter(free);
  return ends.reduce((best, y) => (Math.abs(y - wanted) < Math.abs(best - wanted) ? y : best), ends[0] ?? wanted);
}

const TOKEN = 24;
const LABEL = 18;
const SHARES = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];

// Greedy and in order of height: each message takes the place along its edge that covers least of what is there.
function messagePlaces(edges, cards, sizes) {
  const solid = cards.map((card) => ({ x: card.x, y: card.y, w: card.w, h: card.whole }));
  const taken = [];
  const order = edges.map((_, k) => k).sort((a, b) => edges[a].token[1] - edges[b].token[1]);
  for (const k of order) {
    const best = candidates(edges[k], sizes)
      .map((one) => ({ ...one, cost: cost(one, solid, taken) }))
      .reduce((a, b) => (b.cost < a.cost ? b : a));
    Object.assign(edges[k], { rest: best.rest, token: best.token, label: best.label });
    taken.push(...best.boxes);
  }
}

function candidates(edge, sizes) {
  return SHARES.flatMap((rest, i) => {
    const token = pointAt(edge.points, rest);
    const box = around(token, sizes.token, sizes.token);
    if (!sizes.label) return [{ rest, token, label: null, far: i / 6, boxes: [box] }];
    return [-1, 1].map((side) => {
      const label = [token[0], token[1] + side * (sizes.token / 2 + LABEL / 2)];
      return { rest, token, label, far: i + (side > 0 ? 0.5 : 0), boxes: [box, around(label, sizes.label, LABEL)] };
    });
  });
}

function cost({ boxes, far }, solid, taken) {
  const over = (others) =>
    boxes.reduce((sum, box) => sum + others.reduce((all, other) => all + overlap(box, other), 0), 0);
  return 3 * over(taken) + 2 * over(solid) + 6 * far;
}

const around = ([x, y], w, h) => ({ x: x - w / 2, y: y - h / 2, w, h });

export function overlap(a, b) {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return w > 0 && h > 0 ? w * h : 0;
}
