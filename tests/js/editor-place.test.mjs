// Places and shapes: grid, levels, columns, ports, curves, hits, views.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, opTable } from "../../assets/editor-document.mjs";
import {
  cardOf,
  CELL,
  centreOf,
  coveredBy,
  curveBetween,
  edgeCurve,
  flattest,
  layoutAt,
  moved,
  namesIn,
  nodeAt,
  outOf,
  portNear,
  portOf,
  revealed,
  SLOT,
  viewOf,
} from "../../assets/editor-geometry.mjs";
import { aligned, draftLevels, firstColumn, freePlace, monotone, settled, snap } from "../../assets/editor-place.mjs";
import { addition, linkFrom, linksWith, openSlot, placeBeside } from "../../assets/editor-adding.mjs";
import { walk } from "../../assets/curve.mjs";

const ops = opTable([
  { name: "mul", category: "arithmetic", symbol: "×", arity: [2, 2], attrs: {} },
  { name: "add", category: "arithmetic", symbol: "+", arity: [2, 2], attrs: {} },
  { name: "tanh", category: "activation", symbol: "tanh", arity: [1, 1], attrs: {} },
  { name: "concat", category: "shape", symbol: "cat", arity: [1, null], attrs: {} },
]);
const node = (name, op, inputs, position = [0, 0]) => ({ name, op, ...(inputs ? { inputs } : { value: 1 }), position });
const residual = {
  ...blank(),
  output: "out",
  nodes: [
    node("s", "input"),
    node("z3", "parameter"),
    node("z2", "parameter"),
    node("z1", "parameter"),
    node("a", "mul", ["s", "z3"]),
    node("b", "mul", ["a", "z2"]),
    node("c", "mul", ["b", "z1"]),
    node("out", "add", ["c", "a"]),
  ],
};

test("places go to quarters of a cell", () => {
  assert.deepEqual(snap([1.13, -0.4]), [1.25, -0.5]);
  assert.ok(Object.is(snap([-0.05, 0])[0], 0));
});

test("levels are the longest paths to the output: THEORY's residual graph", () => {
  assert.deepEqual(Object.fromEntries(draftLevels(residual)), { out: 0, c: 1, b: 2, z1: 2, a: 3, z2: 3, s: 4, z3: 4 });
});

test("without an output levels count from the ends; what does not reach the output stands beside its inputs", () => {
  const open = { ...residual, output: null };
  assert.equal(draftLevels(open).get("s"), 4);
  const dead = {
    ...residual,
    nodes: [...residual.nodes, node("d", "tanh", ["b"]), node("e", "tanh", ["d"]), node("alone", "input")],
  };
  assert.deepEqual(
    ["d", "e", "alone"].map((name) => draftLevels(dead).get(name)),
    [1, 0, 0],
  );
  const after = { ...residual, nodes: [...residual.nodes, node("beyond", "tanh", ["out"])] };
  assert.equal(draftLevels(after).get("beyond"), -1);
});

test("aligning puts every node into its level's column, none onto another", () => {
  const places = aligned(residual);
  assert.deepEqual(Object.fromEntries(Object.entries(places).map(([name, [x]]) => [name, x])), {
    s: 0,
    z3: 0,
    a: 1,
    z2: 1,
    b: 2,
    z1: 2,
    c: 3,
    out: 4,
  });
  const all = Object.values(places);
  for (let i = 0; i < all.length; i += 1)
    for (let j = 0; j < i; j += 1)
      assert.ok(all[i][0] !== all[j][0] || Math.abs(all[i][1] - all[j][1]) >= 0.75, `${all[i]} and ${all[j]}`);
  const next = { ...residual, nodes: residual.nodes.map((one) => ({ ...one, position: places[one.name] })) };
  const levels = draftLevels(next);
  assert.equal(firstColumn(next, levels), 0);
  assert.equal(
    firstColumn(
      { ...next, nodes: next.nodes.map((one) => (one.name === "c" ? { ...one, position: [3.5, 0] } : one)) },
      levels,
    ),
    null,
  );
  assert.equal(firstColumn(blank(), new Map()), null);
});

test("the levels that Python found come before the draft's own", () => {
  assert.equal(aligned(residual, new Map([["s", 5]])).s[0], 0);
  assert.equal(aligned(residual, new Map([["s", 5]])).out[0], 5);
});

test("values that never fall stay nearest to what was wanted", () => {
  assert.deepEqual(monotone([1, 3, 2, 4]), [1, 2.5, 2.5, 4]);
  assert.deepEqual(monotone([3, 2, 1]), [2, 2, 2]);
});

test("a free place is the nearest above or below", () => {
  const full = { nodes: [node("a", "input", null, [0, 0]), node("b", "input", null, [0, 1])] };
  assert.deepEqual(freePlace(full, [0, 0]), [0, -1]);
  assert.deepEqual(freePlace(full, [2, 0]), [2, 0]);
});

test("a document without places is laid out; one that changed keeps the places it had", () => {
  const bare = { ...residual, nodes: residual.nodes.map(({ position, ...one }) => one) };
  const first = settled(bare);
  assert.deepEqual(Object.fromEntries(first.nodes.map((one) => [one.name, one.position])), aligned(bare));
  const grown = settled({ ...bare, nodes: [...bare.nodes, { name: "n", op: "tanh", inputs: ["c"] }] }, first);
  assert.deepEqual(
    grown.nodes.slice(0, 8).map((one) => one.position),
    first.nodes.map((one) => one.position),
  );
  assert.equal(grown.nodes[8].position.every(Number.isFinite), true);
  assert.deepEqual(settled({ ...blank(), nodes: [{ name: "h", op: "tanh" }] }).nodes[0].inputs, []);
});

// ---- geometry

const card = (name, op, inputs, position) => cardOf(node(name, op, inputs, position), ops, 100);

test("ports stand at the sides, a finger apart, and the card grows with them", () => {
  const one = card("m", "mul", [], [1, 2]);
  assert.deepEqual(centreOf([1, 2]), [1.5 * CELL.w, 2 * CELL.h]);
  assert.deepEqual(layoutAt(centreOf([1.25, -3])), [1.25, -3]);
  assert.equal(portOf(one, 1)[1] - portOf(one, 0)[1], SLOT);
  assert.ok(SLOT >= 24);
  assert.deepEqual([outOf(one)[0], portOf(one, 0)[0]], [one.x + one.w, one.x]);
  assert.ok(card("k", "concat", ["a", "b", "c", "d"], [0, 0]).h > one.h);
});

test("an edge starts at the output and ends before its slot, forward and back", () => {
  const [a, b] = [card("a", "tanh", [], [0, 0]), card("b", "mul", [], [1, 1])];
  const curve = edgeCurve(a, b, 1, new Map());
  assert.deepEqual(curve[0][0], outOf(a));
  assert.ok(Math.abs(curve.at(-1)[3][0] - b.x) < 10);
  assert.equal(curve.at(-1)[3][1], portOf(b, 1)[1]);
  assert.equal(curveBetween([100, 0], [0, 50]).length, 1);
});

test("an edge over a column passes no card in it", () => {
  const [a, b, c] = [card("a", "tanh", [], [0, 0]), card("b", "tanh", [], [1, 0]), card("c", "mul", [], [2, 0])];
  const points = walk(edgeCurve(a, c, 0, coveredBy([a, b, c])));
  const inside = points.filter(([x, y]) => x > b.x && x < b.x + b.w && y > b.y && y < b.y + b.whole);
  assert.deepEqual(inside, []);
  const straight = walk(edgeCurve(a, c, 0, new Map()));
  assert.ok(straight.some(([x, y]) => x > b.x && x < b.x + b.w && y > b.y && y < b.y + b.whole));
});

test("of several ways the one that goes up and down least is taken", () => {
  assert.deepEqual(
    flattest(
      0,
      [
        [-10, 10],
        [-12, 30],
      ],
      0,
    ),
    [-10, -12],
  );
});

test("a moved card knows its new column", () => {
  assert.equal(moved(card("a", "tanh", [], [0, 0]), [CELL.w, 0]).column, 1);
});

test("the nearest port within reach is found, of the kind that is asked for", () => {
  const cards = new Map([
    ["a", card("a", "mul", [], [0, 0])],
    ["b", card("b", "mul", [], [1, 0])],
  ]);
  const [x, y] = portOf(cards.get("b"), 0);
  assert.deepEqual(portNear(cards, [x - 5, y - 3], 20, "in"), { node: "b", slot: 0 });
  assert.deepEqual(portNear(cards, outOf(cards.get("a")), 20, "out"), { node: "a", slot: "out" });
  assert.equal(portNear(cards, [x - 500, y], 20), null);
  assert.equal(nodeAt(cards, centreOf([1, 0])), "b");
  assert.equal(nodeAt(cards, [-500, 0]), null);
  assert.deepEqual(namesIn(cards, [-1000, -1000], centreOf([0, 0])), ["a"]);
});

test("a view shows everything, or what comes first; revealing moves it as little as can be", () => {
  const box = { x: 0, y: 0, w: 1000, h: 500 };
  const view = viewOf(box, { w: 540, h: 400 });
  assert.equal(view.k, 0.5);
  assert.ok(view.x >= 0 && view.x + 1000 * view.k <= 540);
  const last = { x: 900, y: 0, w: 100, whole: 50 };
  const read = viewOf(box, { w: 540, h: 400 }, { least: 1 }, last);
  assert.ok(read.x + 900 >= 0 && read.x + 1000 <= 540);
  assert.deepEqual(revealed(view, { x: 10, y: 10, w: 50, whole: 50 }, { w: 540, h: 400 }), view);
});

// ---- adding

const selected = {
  ...blank(),
  nodes: [node("x", "input", null, [0, 0]), node("w", "parameter", null, [0, 1]), node("m", "mul", ["x"], [2, 0])],
};

test("by keyboard, what is selected goes into a new op in its order, and a leaf goes into the selected node", () => {
  assert.deepEqual(linksWith(selected, ops, ["w", "x"], "h", "mul"), [
    { do: "connect", from: "w", to: "h", slot: 0 },
    { do: "connect", from: "x", to: "h", slot: 1 },
  ]);
  assert.deepEqual(linksWith(selected, ops, ["x", "w"], "h", "tanh"), [{ do: "connect", from: "x", to: "h", slot: 0 }]);
  assert.equal(linksWith(selected, ops, ["x", "w", "m"], "h", "concat").length, 3);
  assert.deepEqual(linksWith(selected, ops, ["m"], "w2", "parameter"), [
    { do: "connect", from: "w2", to: "m", slot: 1 },
  ]);
  assert.deepEqual(linksWith(selected, ops, ["x"], "w2", "parameter"), []);
  assert.equal(openSlot(selected, ops, ["x", "m"]), null);
});

test("a new node stands right of the selection; a leaf left of the slot it fills", () => {
  assert.deepEqual(placeBeside(selected, ops, ["x", "w"], "mul", null), [1, 0.5]);
  assert.deepEqual(placeBeside(selected, ops, ["m"], "parameter", null), [1, 0]);
  assert.deepEqual(placeBeside(selected, ops, ["x"], "parameter", null), [0, 1]);
  assert.deepEqual(placeBeside(selected, ops, [], "mul", [7, 7]), [7, 7]);
});

test("a wire that ends on nothing is connected to the node it asks for", () => {
  assert.deepEqual(linkFrom({ node: "x", slot: "out" }, "h1", "tanh"), [
    { do: "connect", from: "x", to: "h1", slot: 0 },
  ]);
  assert.deepEqual(linkFrom({ node: "m", slot: 1 }, "h1", "tanh"), [{ do: "connect", from: "h1", to: "m", slot: 1 }]);
  assert.deepEqual(linkFrom({ node: "x", slot: "out" }, "w2", "parameter"), []);
  const { name, edits } = addition(selected, "tanh", [1, 1], (fresh) =>
    linkFrom({ node: "x", slot: "out" }, fresh, "tanh"),
  );
  assert.deepEqual([name, edits.map((one) => one.do)], ["h1", ["add", "connect"]]);
});
