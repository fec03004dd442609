import assert from "node:assert/strict";
import { test } from "node:test";
import { CARD, groupFrame, moduleNames, opensFolded, placeGroups } from "../../assets/folding.mjs";
import { relation } from "../../assets/frame.mjs";
import { overlap } from "../../assets/geometry.mjs";
import { heatPaths } from "../../assets/heat.mjs";
import { columnStrengths, windowOf } from "../../assets/minimap.mjs";
import { largest, strengthOf } from "../../assets/sizes.mjs";
import { indexOf, residual } from "./residual.mjs";

const chain = (count) => ({
  groups: Array.from({ length: count }, (_, x) => ({ name: `m${x}`, members: [], levels: [0, 0], x, y: 0 })),
  edges: Array.from({ length: count - 1 }, (_, x) => ({ from: `m${x}`, to: `m${x + 1}`, count: 1, via: [] })),
});
const boxes = (cards) => cards.map(({ x, y, w, h }) => ({ x, y, w, h }));

// The residual graph by module: its first product, what follows it, and the output.
function folded() {
  const payload = residual("zil");
  const members = [["s", "z3", "a"], ["z2", "b", "z1", "c"], ["a′", "a″"], ["out"]].map((names) => names.map(indexOf));
  const levels = [[3, 3], [1, 2], [1, 2], [0, 0]];
  const names = ["first", "main", "around", "out"];
  payload.folded = {
    groups: names.map((name, i) => ({ name, members: members[i], levels: levels[i], x: [0, 1, 1, 2][i], y: [0, -0.5, 0.5, 0][i] })),
    edges: [],
  };
  return payload;
}

test("only a graph of many nodes in far fewer groups opens folded", () => {
  assert.equal(opensFolded(residual("zil")), false);
  assert.equal(opensFolded(folded()), false);
  const large = (nodes, groups) => ({ nodes: Array(nodes).fill({ name: "n" }), folded: groups && chain(groups) });
  assert.equal(opensFolded(large(165, 15)), true);
  assert.equal(opensFolded(large(165, 0)), false);
  assert.equal(opensFolded(large(165, 1)), false);
  assert.equal(opensFolded(large(165, 120)), false);
  assert.equal(opensFolded(large(40, 4)), false);
});

test("modules are read like text: lines that fit the width, of like length, no card on another", () => {
  for (const count of [2, 5, 15, 30]) {
    for (const width of [300, 640, 910, 1400]) {
      const { cards, edges, w, h } = placeGroups(chain(count), width);
      assert.ok(w <= Math.max(width, CARD.w + 40), `${count} in ${width}: ${w}`);
      cards.forEach((a, i) => cards.slice(i + 1).forEach((b) => assert.equal(overlap(a, b), 0)));
      for (const card of cards) assert.ok(card.x >= 0 && card.x + card.w <= w && card.y + card.h <= h);
      for (let i = 1; i < count; i += 1)
        assert.ok(cards[i].y > cards[i - 1].y || cards[i].x > cards[i - 1].x, "reading order");
      assert.equal(edges.length, count - 1);
      edges.forEach(({ end }, i) => assert.deepEqual(end, [cards[i + 1].x, cards[i + 1].y + CARD.h / 2]));
    }
  }
});

test("branches of one level stand one under the other", () => {
  const { cards } = placeGroups(folded().folded, 900);
  const [, main, around] = boxes(cards);
  assert.equal(main.x, around.x);
  assert.equal(overlap(main, around), 0);
});

test("a group shows its largest error where the front passes, its place, and the gradients read", () => {
  const payload = folded();
  const [first, main] = payload.folded.groups;
  const near = (value, expected) => assert.ok(Math.abs(value - expected) < 5e-4, `${value} ≠ ${expected}`);
  assert.deepEqual(groupFrame(payload, 0, main, 0), { size: 0, place: "ahead", leaves: false, read: 0, due: 2 });
  const at = (t) => groupFrame(payload, 0, main, t);
  near(at(1).size, 0.108); // BP's cotangent of c (THEORY, G2)
  near(at(2).size, 0.108); // behind the front c's error has moved on, and nobody reads it
  assert.deepEqual([1, 2, 3].map((t) => at(t).place), ["front", "front", "passed"]);
  assert.deepEqual([0, 1, 2, 3].map((t) => at(t).read), [0, 1, 2, 2]);
  assert.equal(groupFrame(payload, 0, first, 2).place, "ahead");
});

test("PC has no front: a group shows its errors as they are", () => {
  const payload = { ...residual("pc"), folded: folded().folded };
  const [, main] = payload.folded.groups;
  const error = Math.max(...main.members.map((i) => Math.abs(payload.lanes[0].errors[i]?.[5] ?? 0)));
  assert.equal(groupFrame(payload, 0, main, 5).size, error);
  assert.equal(groupFrame(payload, 0, main, 5).place, "plain");
});

test("the largest of sizes: nothing where there is nothing, and no finite number hides one that is not", () => {
  assert.equal(largest([]), null);
  assert.equal(largest([null, 2, 3, null]), 3);
  assert.equal(largest([2, Infinity]), Infinity);
  assert.ok(Number.isNaN(largest([2, NaN, 3])));
});

test("strengths go from 0 to 5, and the largest error is the strongest", () => {
  const strength = strengthOf(residual("pc"));
  assert.equal(strength(null), 0);
  assert.equal(strength(0), 0);
  assert.ok(strength(1e-3) >= 1);
  assert.equal(strength(1e9), 5);
});

test("the strip has a column a level, deepest first; what lies ahead of the front is empty", () => {
  const payload = residual("zil");
  const at = (t) => columnStrengths(payload, [0], t);
  assert.equal(at(0).length, payload.depth + 1);
  assert.deepEqual(at(0).map(Boolean), [false, false, false, false, true]);
  assert.deepEqual(at(2).map(Boolean), [false, false, true, true, true]);
});

test("the window of the strip is what the board shows of the picture", () => {
  assert.deepEqual(windowOf({ x: 0, k: 1 }, 1000, 250), { start: 0, length: 0.25 });
  assert.deepEqual(windowOf({ x: -500, k: 2 }, 500, 250), { start: 0.5, length: 0.25 });
  assert.deepEqual(windowOf({ x: -900, k: 1 }, 1000, 250), { start: 0.9, length: 1 - 0.9 });
});

test("in a large graph a name is shown as it is within its module", () => {
  const nodes = Array.from({ length: 80 }, (_, i) => ({ name: i < 40 ? `a.conv${i}` : `b.conv${i}` }));
  const groups = ["a", "b"].map((name, k) => ({ name, members: nodes.map((_, i) => i).filter((i) => i >= 40 === Boolean(k)) }));
  const { within } = moduleNames({ nodes, folded: { groups } });
  assert.equal(within.get("a.conv3"), "conv3");
  assert.equal(within.get("b.conv47"), "conv47");
  assert.equal(moduleNames(residual("zil")), null);
});

test("a tensor that travels as its size has no heat map, and is compared by its size", () => {
  const paths = heatPaths({ max: 2 }, { x: 0, y: 0, w: 10, h: 10 });
  assert.ok(Object.values(paths).every((path) => path === ""));
  assert.equal(relation({ max: 2 }, { max: 2 }), "exact");
  assert.equal(relation({ max: 2 }, { max: 2 + 1e-10 }), "close");
  assert.equal(relation({ max: 2 }, { max: 3, cells: [3], grid: [1, 1], whole: true }), "no");
});
