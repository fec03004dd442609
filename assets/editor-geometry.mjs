// Cards, ports and edge curves of a draft, in drawing units. Pure.

import { slotCount } from "./editor-document.mjs";
import { curveThrough } from "./curve.mjs";

export const CELL = { w: 160, h: 92 };
export const SLOT = 24; // from one input port to the next: a finger's least target
const LEAST = { w: 112, h: 58 };
const WIDEST = 150;
const CAPTION = 20; // level and shape under the card
const TIP = 7; // an edge ends before its port

export const centreOf = ([x, y]) => [(x + 0.5) * CELL.w, y * CELL.h];
export const layoutAt = ([px, py]) => [px / CELL.w - 0.5, py / CELL.h];

/** Return a node's card; `head` is the width its name and op ask for. */
export function cardOf(node, ops, head) {
  const slots = slotCount(node, ops);
  const w = Math.min(WIDEST, Math.max(LEAST.w, Math.ceil(head)));
  const h = Math.max(LEAST.h, slots * SLOT + 10);
  const [x, y] = centreOf(node.position);
  return { x: x - w / 2, y: y - h / 2, w, h, whole: h + CAPTION, slots, column: Math.round(node.position[0]) };
}

export const slotHeight = (slot, card) => card.h / 2 + (slot - (card.slots - 1) / 2) * SLOT;
export const outOf = (card) => [card.x + card.w, card.y + card.h / 2];
export const portOf = (card, slot) => [card.x, card.y + slotHeight(slot, card)];
export const moved = (card, [dx, dy]) => ({
  ...card,
  x: card.x + dx,
  y: card.y + dy,
  column: Math.round((card.x + dx + card.w / 2) / CELL.w - 0.5),
});

/** Return the heights that cards cover, by column. */
export function coveredBy(cards) {
  const columns = new Map();
  for (const { column, y, whole } of cards)
    columns.set(column, [...(columns.get(column) ?? []), [y - 14, y + whole + 6]]);
  return columns;
}

/** Return the curve of an edge from card to card: past other cards, and in a bow where it runs back. */
export function edgeCurve(from, to, slot, covered) {
  const start = outOf(from);
  const [x, y] = portOf(to, slot);
  return curveBetween(start, [x - TIP, y], passing(start, [x, y], from, to, covered));
}

/** Return the curve between two points through others. */
export function curveBetween(start, end, through = []) {
  if (end[0] >= start[0]) return curveThrough([start, ...through, end]);
  const bow = Math.max(50, (start[0] - end[0]) / 2);
  return [[start, [start[0] + bow, start[1]], [end[0] - bow, end[1]], end]];
}

// Each column between is crossed where no card stands, on the way with the least up and down; with no card in any of them the edge stays one curve.
function passing(start, end, from, to, covered) {
  const columns = Array.from({ length: Math.max(0, to.column - from.column - 1) }, (_, i) => from.column + 1 + i);
  if (!columns.some((column) => covered.has(column))) return [];
  const share = (column) => start[1] + ((end[1] - start[1]) * (column - from.column)) / (to.column - from.column);
  const ways = columns.map((column) => openHeights(covered.get(column) ?? [], [share(column), start[1], end[1]]));
  const points = flattest(start[1], ways, end[1]).flatMap((y, i) => [
    [columns[i] * CELL.w + 20, y],
    [(columns[i] + 1) * CELL.w - 20, y],
  ]);
  return points.every(([x], i) => x > (points[i - 1]?.[0] ?? start[0]) && x < end[0]) ? points : [];
}

const openHeights = (intervals, wanted) => {
  const open = [...wanted, ...intervals.flat()].filter((y) => intervals.every(([a, b]) => y <= a || y >= b));
  return open.length ? open : wanted;
};

/** Return one height of each list, so that the way from start through them to the end goes up and down as little as can be. */
export function flattest(start, lists, end) {
  let ways = [{ cost: 0, heights: [], last: start }];
  for (const list of lists) {
    ways = list.map((y) => {
      const best = ways.reduce((a, b) => (b.cost + Math.abs(y - b.last) < a.cost + Math.abs(y - a.last) ? b : a));
      return { cost: best.cost + Math.abs(y - best.last), heights: [...best.heights, y], last: y };
    });
  }
  return ways.reduce((a, b) => (b.cost + Math.abs(end - b.last) < a.cost + Math.abs(end - a.last) ? b : a)).heights;
}

/** Return the box around cards, or null where there are none. */
export function boundsOf(cards) {
  if (!cards.length) return null;
  const [left, top] = [Math.min(...cards.map((card) => card.x)), Math.min(...cards.map((card) => card.y))];
  return {
    x: left,
    y: top,
    w: Math.max(...cards.map((card) => card.x + card.w)) - left,
    h: Math.max(...cards.map((card) => card.y + card.whole)) - top,
  };
}

/** Return the view that shows a box in an area below a header; where it does not fit, the card `first` is seen. */
export function viewOf(box, size, { header = 0, most = 1.15, least = 0.2, margin = 20 } = {}, first = null) {
  const room = { w: size.w - 2 * margin, h: size.h - header - 2 * margin };
  const k = box ? Math.max(least, Math.min(most, room.w / box.w, room.h / box.h)) : 1;
  const [cx, cy] = box ? [box.x + box.w / 2, box.y + box.h / 2] : centreOf([0, 0]);
  const view = { k, x: size.w / 2 - cx * k, y: header + (size.h - header) / 2 - cy * k };
  return first ? revealed(view, first, size, { header, margin }) : view;
}

/** Return the view moved as little as shows a card whole. */
export function revealed(view, card, size, { header = 0, margin = 20 } = {}) {
  const shift = (low, high, least, most) =>
    low < least ? least - low : high > most ? Math.max(most - high, least - low) : 0;
  const [x, y] = [view.x + card.x * view.k, view.y + card.y * view.k];
  return {
    ...view,
    x: view.x + shift(x, x + card.w * view.k, margin, size.w - margin),
    y: view.y + shift(y, y + card.whole * view.k, header + margin, size.h - margin),
  };
}

/** Return the names whose cards meet a box given by two corners. */
export function namesIn(cards, [ax, ay], [bx, by]) {
  const [left, right, top, bottom] = [Math.min(ax, bx), Math.max(ax, bx), Math.min(ay, by), Math.max(ay, by)];
  return [...cards]
    .filter(([, card]) => card.x < right && card.x + card.w > left && card.y < bottom && card.y + card.h > top)
    .map(([name]) => name);
}

/** Return the port nearest to a point within reach, {node, slot} or {node, slot: "out"}, or null. `kind`: "in", "out" or null for both. */
export function portNear(cards, [px, py], reach, kind = null) {
  let [best, least] = [null, reach];
  const look = (node, slot, [x, y]) => {
    const far = Math.hypot(x - px, y - py);
    if (far <= least) [best, least] = [{ node, slot }, far];
  };
  for (const [name, card] of cards) {
    if (kind !== "out") for (let slot = 0; slot < card.slots; slot += 1) look(name, slot, portOf(card, slot));
    if (kind !== "in") look(name, "out", outOf(card));
  }
  return best;
}

/** Return the node whose card a point lies in, or null; the last drawn is on top. */
export function nodeAt(cards, [px, py]) {
  return (
    [...cards].findLast(
      ([, card]) => px >= card.x && px <= card.x + card.w && py >= card.y && py <= card.y + card.h,
    )?.[0] ?? null
  );
}
