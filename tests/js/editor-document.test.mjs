// The draft: slots, names, values, cycles, and every edit made on it.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  blank,
  cyclePath,
  edgesOf,
  emptySlot,
  freeName,
  meaning,
  nameProblem,
  newName,
  nodeOf,
  opTable,
  parseAttr,
  parseShape,
  parseValue,
  refusal,
  reshaped,
  shapeOf,
  slotCount,
  slotName,
  usersOf,
  valueText,
} from "../../assets/editor-document.mjs";
import { apply, copies, newNode } from "../../assets/editor-edits.mjs";

const row = (name, least, most = least, attrs = {}) => ({
  name,
  category: "custom",
  symbol: name,
  arity: [least, most],
  attrs,
});
export const ops = opTable([
  row("add", 2),
  row("mul", 2),
  row("tanh", 1),
  row("linear", 2, 3),
  row("concat", 1, null, { dim: 0 }),
  row("leaky_relu", 1, 1, { slope: 0.01 }),
]);
const node = (name, op, inputs) => ({ name, op, ...(inputs ? { inputs } : { value: 1 }), position: [0, 0] });
const draft = (nodes, output = null) => ({ ...blank(), nodes, output });

// The paper's residual graph: a = s·z3, b = a·z2, c = b·z1, out = c + a.
export const residual = draft(
  [
    node("s", "input"),
    node("z3", "parameter"),
    node("z2", "parameter"),
    node("z1", "parameter"),
    node("a", "mul", ["s", "z3"]),
    node("b", "mul", ["a", "z2"]),
    node("c", "mul", ["b", "z1"]),
    node("out", "add", ["c", "a"]),
  ],
  "out",
);

test("the palette begins with the leaves, whatever Python sends", () => {
  assert.deepEqual([...ops.keys()].slice(0, 4), ["input", "parameter", "constant", "add"]);
  assert.equal(opTable([row("input", 0)]).size, 3);
});

test("x * x is two edges, in the order of the slots", () => {
  const square = draft([node("x", "input"), node("q", "mul", ["x", "x"])]);
  assert.deepEqual(edgesOf(square), [
    { from: "x", to: "q", slot: 0 },
    { from: "x", to: "q", slot: 1 },
  ]);
  assert.deepEqual(usersOf(square, "x"), ["q"]);
  assert.equal(edgesOf(draft([node("q", "mul", [null, "x"]), node("x", "input")])).length, 1);
});

test("a node shows every slot it needs, and one more while more may come", () => {
  const slots = (op, inputs) => slotCount(node("n", op, inputs), ops);
  assert.deepEqual([slots("mul", []), slots("mul", ["a", "b"])], [2, 2]);
  assert.deepEqual([slots("linear", []), slots("linear", ["a", "b"]), slots("linear", ["a", "b", "c"])], [2, 3, 3]);
  assert.deepEqual([slots("concat", []), slots("concat", ["a"]), slots("concat", ["a", "b"])], [1, 2, 3]);
  assert.equal(slotCount(node("x", "input"), ops), 0);
  assert.equal(slotCount(node("n", "aten.foo", ["a", "b"]), ops), 2);
  assert.deepEqual([0, 1, 2, 3].map(slotName), ["x", "y", "z", "x4"]);
  assert.equal(emptySlot(node("n", "mul", [null, "a"]), ops), 0);
  assert.equal(emptySlot(node("n", "mul", ["b", "a"]), ops), null);
});

test("an edge that closes a cycle is refused, and the path is named", () => {
  assert.deepEqual(cyclePath(residual, "out", "a").at(0), "a");
  assert.deepEqual(cyclePath(residual, "c", "b"), ["b", "c", "b"]);
  assert.deepEqual(cyclePath(residual, "a", "a"), ["a", "a"]);
  assert.equal(cyclePath(residual, "s", "out"), null);
  const no = refusal(residual, { do: "connect", from: "c", to: "b", slot: 1 });
  assert.deepEqual([no.key, no.slots.path], ["editor.refuse.cycle", "b → c → b"]);
  assert.equal(refusal(residual, { do: "connect", from: "a", to: "c", slot: 1 }), null);
});

test("a chain of 5,000 nodes is checked for cycles without recursion", () => {
  const chain = draft([
    node("n0", "input"),
    ...Array.from({ length: 5000 }, (_, i) => node(`n${i + 1}`, "tanh", [`n${i}`])),
  ]);
  assert.equal(cyclePath(chain, "n5000", "n1").length, 5001);
  assert.equal(cyclePath(chain, "n0", "n5000"), null);
});

test("names are letters, digits, _, . and primes, free, and at most 64 long", () => {
  for (const name of ["a", "2a", "0.weight", "_x", "w.weight", "a′", "β2", "变量"])
    assert.equal(nameProblem(residual, name, "a"), null, name);
  for (const name of ["", "a b", "a:b", "a-b", ".a", "<b>", "x".repeat(65)])
    assert.equal(nameProblem(residual, name)?.key, "error.name", name);
  assert.deepEqual(nameProblem(residual, "z1"), { key: "editor.refuse.taken", slots: { name: "z1", free: "z4" } });
  assert.equal(nameProblem(residual, "z1", "z1"), null);
});

test("new names are free ones", () => {
  assert.deepEqual(
    ["input", "parameter", "constant", "tanh"].map((op) => newName(blank(), op)),
    ["x1", "w1", "k1", "h1"],
  );
  assert.equal(newName(draft([node("h1", "tanh", []), node("h3", "tanh", [])]), "tanh"), "h2");
  assert.equal(freeName(residual, "q"), "q");
  assert.equal(freeName(residual, "a", ["a2"]), "a3");
});

test("a value is a number or nested lists; anything else stays the text it is", () => {
  assert.deepEqual(["0.5", " −1.5 ", ".5", "-.5", "2.", "1e-3", "+3", "[1, .5]", "[[1,2],[3,4]]"].map((text) => parseValue(text)), [
    0.5,
    -1.5,
    0.5,
    -0.5,
    2,
    0.001,
    3,
    [1, 0.5],
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  for (const text of ["", "abc", "[1, 2", "[[1], [2, 3]]", "true", "null", '"1"', "1e999", "[]"])
    assert.equal(parseValue(text), text);
  assert.deepEqual([shapeOf(3), shapeOf([[1, 2, 3]]), shapeOf([[1], [2, 3]]), shapeOf(NaN)], [[], [1, 3], null, null]);
  assert.equal(
    valueText([
      [1, 2],
      [3, 4.5],
    ]),
    "[[1, 2], [3, 4.5]]",
  );
  assert.deepEqual(parseValue(valueText([[1, -2.25]])), [[1, -2.25]]);
});

test("a decimal comma is read where a number stands", () => {
  assert.deepEqual(
    ["0,75", "−1,2", "1 234,5"].map((text) => parseValue(text, 1)),
    [0.75, -1.2, 1234.5],
  );
  for (const now of [undefined, null, "abc", [1, 2]]) assert.equal(parseValue("1,2", now), "1,2");
  assert.equal(parseValue("1,234", 1), "1,234");
  assert.equal(parseValue("[0,5, 1,5]", [1, 2]), "[0,5, 1,5]");
  assert.deepEqual(parseValue("[1, 2]", 1), [1, 2]);
  assert.deepEqual([parseAttr("0,05", 0.01), parseAttr("−1", 0), parseAttr("2,3", 1)], [0.05, -1, "2,3"]);
});

test("a shape keeps the numbers in order and repeats them where more are needed", () => {
  assert.deepEqual(
    reshaped(
      [
        [1, 2],
        [3, 4],
      ],
      [4],
    ),
    [1, 2, 3, 4],
  );
  assert.deepEqual(reshaped(7, [2, 2]), [
    [7, 7],
    [7, 7],
  ]);
  assert.equal(reshaped([5, 6], []), 5);
  assert.deepEqual(reshaped("unfinished", [2]), [0, 0]);
  assert.deepEqual(
    ["2, 3", "2×3", "(2,)", "", "[4]"].map((text) => parseShape(text)),
    [[2, 3], [2, 3], [2], [], [4]],
  );
  for (const text of ["a", "2.5", "0", "-1", "100000, 100000"]) assert.equal(parseShape(text), null);
});

test("an attr is JSON, a tuple, a word of Python, or text", () => {
  assert.deepEqual(["1", "(2, 3)", "(2,)", "[1]", "True", "None", "tanh", "-1"].map((text) => parseAttr(text)), [
    1,
    [2, 3],
    [2],
    [1],
    true,
    null,
    "tanh",
    -1,
  ]);
  assert.equal(parseAttr(" "), undefined);
});

// ---- edits

const before = structuredClone(residual);

test("no edit changes the document it is made on", () => {
  for (const edit of [
    { do: "connect", from: "s", to: "c", slot: 1 },
    { do: "remove", names: ["a"] },
    { do: "rename", name: "a", to: "q" },
    { do: "op", name: "b", op: "tanh" },
    { do: "move", positions: { a: [3, 3] } },
  ])
    apply(residual, edit, ops);
  assert.deepEqual(residual, before);
});

test("the first op that is added becomes the output, a leaf does not", () => {
  const leaf = apply(blank(), { do: "add", node: newNode("x1", "input", [0, 0]) }, ops);
  assert.equal(leaf.output, null);
  const both = apply(leaf, { do: "add", node: newNode("h1", "tanh", [1, 0]) }, ops);
  assert.equal(both.output, "h1");
  assert.equal(apply(both, { do: "add", node: newNode("h2", "tanh", [2, 0]) }, ops).output, "h1");
});

test("what grows on from the output moves the output to its end", () => {
  const two = draft([node("x", "input"), node("h", "tanh", ["x"]), node("q", "tanh", [])], "h");
  assert.equal(apply(two, { do: "connect", from: "h", to: "q", slot: 0 }, ops).output, "q");
  assert.equal(apply(two, { do: "connect", from: "x", to: "q", slot: 0 }, ops).output, "h");
});

test("a second edge into a slot replaces the first; an emptied slot keeps the others in place", () => {
  assert.deepEqual(nodeOf(apply(residual, { do: "connect", from: "s", to: "b", slot: 0 }, ops), "b").inputs, [
    "s",
    "z2",
  ]);
  assert.deepEqual(nodeOf(apply(residual, { do: "disconnect", to: "b", slot: 0 }, ops), "b").inputs, [null, "z2"]);
  assert.deepEqual(nodeOf(apply(residual, { do: "disconnect", to: "b", slot: 1 }, ops), "b").inputs, ["a"]);
  const list = draft([node("a", "input"), node("b", "input"), node("c", "concat", ["a", "b", "a"])]);
  assert.deepEqual(nodeOf(apply(list, { do: "disconnect", to: "c", slot: 1 }, ops), "c").inputs, ["a", "a"]);
  assert.deepEqual(nodeOf(apply(list, { do: "connect", from: "b", to: "c", slot: 3 }, ops), "c").inputs, [
    "a",
    "b",
    "a",
    "b",
  ]);
});

test("a removed node leaves empty slots behind, and no output where it was the output", () => {
  const left = apply(residual, { do: "remove", names: ["a", "out"] }, ops);
  assert.deepEqual(
    left.nodes.map((one) => one.name),
    ["s", "z3", "z2", "z1", "b", "c"],
  );
  assert.deepEqual(nodeOf(left, "b").inputs, [null, "z2"]);
  assert.equal(left.output, null);
});

test("a new name is known everywhere", () => {
  const next = apply(residual, { do: "rename", name: "a", to: "alpha" }, ops);
  assert.deepEqual([nodeOf(next, "b").inputs[0], nodeOf(next, "out").inputs[1]], ["alpha", "alpha"]);
  assert.equal(apply(residual, { do: "rename", name: "out", to: "y" }, ops).output, "y");
});

test("a new op keeps the inputs and attrs it can use; a leaf has a value, an op has inputs", () => {
  assert.deepEqual(nodeOf(apply(residual, { do: "op", name: "b", op: "tanh" }, ops), "b"), {
    name: "b",
    op: "tanh",
    inputs: ["a"],
    position: [0, 0],
  });
  assert.deepEqual(nodeOf(apply(residual, { do: "op", name: "b", op: "constant" }, ops), "b"), {
    name: "b",
    op: "constant",
    value: 1,
    position: [0, 0],
  });
  assert.deepEqual(nodeOf(apply(residual, { do: "op", name: "s", op: "tanh" }, ops), "s"), {
    name: "s",
    op: "tanh",
    inputs: [],
    position: [0, 0],
  });
  const leaky = apply(
    residual,
    [
      { do: "op", name: "b", op: "leaky_relu" },
      { do: "attr", name: "b", attr: "slope", value: 0.3 },
    ],
    ops,
  );
  assert.deepEqual(nodeOf(leaky, "b").attrs, { slope: 0.3 });
  assert.equal("attrs" in nodeOf(apply(leaky, { do: "op", name: "b", op: "tanh" }, ops), "b"), false);
  assert.equal(
    "attrs" in nodeOf(apply(leaky, { do: "attr", name: "b", attr: "slope", value: undefined }, ops), "b"),
    false,
  );
});

test("copies are joined among themselves and to what stays", () => {
  const fresh = copies(residual, [nodeOf(residual, "a"), nodeOf(residual, "b")], [0.5, 0.5]);
  assert.deepEqual(
    fresh.map((one) => [one.name, one.inputs]),
    [
      ["a2", ["s", "z3"]],
      ["b2", ["a2", "z2"]],
    ],
  );
  assert.deepEqual(fresh[0].position, [0.5, 0.5]);
  assert.deepEqual(copies(blank(), [nodeOf(residual, "b")], [0, 0])[0].inputs, [null, null]);
});

test("two drafts mean the same when only places and order differ", () => {
  const other = { ...residual, nodes: [...residual.nodes].reverse().map((one) => ({ ...one, position: [9, 9] })) };
  assert.equal(meaning(other), meaning(residual));
  assert.notEqual(meaning({ ...residual, target: 1 }), meaning(residual));
});
