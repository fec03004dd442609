// Keys, connecting by keyboard, finding ops, facts from Python, the draft kept in the browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, meaning, opTable } from "../../assets/editor-document.mjs";
import { edgeBetween, firstTarget, slotFor, targetSentence, targetsOf } from "../../assets/editor-connect.mjs";
import { cellOf, factsOf, shownShape, shownValue } from "../../assets/editor-facts.mjs";
import { byCategory, findOps } from "../../assets/editor-find.mjs";
import { connectActionOf, editActionOf, pageActionOf } from "../../assets/editor-keys.mjs";
import { canvasItems, nodeItems } from "../../assets/editor-menu.mjs";
import { readPort } from "../../assets/editor-pointer.mjs";
import { draftFor } from "../../assets/editor-store.mjs";

const press = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
const on = (...selectors) => [{ matches: (text) => selectors.some((one) => text.split(", ").includes(one)) }];
const action = (key, more, path = []) => editActionOf(press(key, more), path)?.name ?? null;

test("every edit has its key", () => {
  assert.deepEqual(
    ["z", "y", "a", "c", "x", "v", "d"].map((key) => action(key, { ctrlKey: true })),
    ["undo", "redo", "selectAll", "copy", "cut", "paste", "duplicate"],
  );
  assert.equal(action("Z", { ctrlKey: true, shiftKey: true }), "redo");
  assert.equal(action("z", { metaKey: true }), "undo");
  assert.deepEqual(
    ["Delete", "Backspace", "F2", "c", "/", "?", "Escape", " ", "Enter"].map((key) => action(key)),
    ["remove", "remove", "rename", "connect", "search", "help", "escape", "mark", "choose"],
  );
  assert.deepEqual(editActionOf(press("ArrowLeft", { shiftKey: true }), []), { name: "arrow", by: [-1, 0], far: true });
  assert.equal(action("F10", { shiftKey: true }), "menu");
});

test("an edit's key is the physical one where letters are not Latin, and never an input method's", () => {
  assert.equal(action("я", { ctrlKey: true, code: "KeyZ" }), "undo");
  assert.equal(action("Я", { ctrlKey: true, shiftKey: true, code: "KeyZ" }), "redo");
  assert.equal(action("с", { code: "KeyC" }), "connect");
  assert.equal(action("ζ", { metaKey: true, code: "KeyZ" }), "undo");
  assert.equal(action("w", { ctrlKey: true, code: "KeyZ" }), null); // AZERTY: what it prints
  for (const key of ["Enter", "Escape", "Delete"]) assert.equal(action(key, { isComposing: true }), null, key);
});

test("keys of others stay theirs: text fields, pressed buttons, the browser's own", () => {
  for (const key of ["c", "Delete", "ArrowLeft", " ", "Escape"]) assert.equal(action(key, {}, on("input")), null, key);
  assert.equal(action("z", { ctrlKey: true }, on("textarea")), null);
  assert.equal(action("Enter", {}, on("button")), null);
  assert.equal(action("Delete", {}, on("button")), "remove");
  for (const key of ["r", "s", "p", "C"])
    assert.equal(action(key, { ctrlKey: true, shiftKey: key === "C" }), null, key);
  assert.equal(action("c", { altKey: true }), null);
});

test("from elsewhere on the page only what harms nothing is heard, and nothing in lists and tables", () => {
  assert.equal(pageActionOf(press("/"), on("button"), false)?.name, "search");
  assert.equal(pageActionOf(press("z", { ctrlKey: true }), on("button"), false)?.name, "undo");
  assert.equal(pageActionOf(press("Delete"), on("button"), false), null);
  assert.equal(pageActionOf(press("Delete"), [], true)?.name, "remove");
  assert.equal(pageActionOf(press("/"), on("[role=grid]"), true), null);
});

test("while an edge is connected, Tab and arrows go through the slots", () => {
  assert.deepEqual(
    ["Tab", "ArrowDown", "ArrowUp", "Enter", "Escape"].map((key) => connectActionOf(press(key))),
    ["next", "next", "back", "take", "leave"],
  );
  assert.equal(connectActionOf(press("Tab", { shiftKey: true })), "back");
  assert.equal(connectActionOf(press("q")), null);
});

const ops = opTable([
  { name: "mul", category: "arithmetic", symbol: "×", arity: [2, 2], attrs: {} },
  { name: "tanh", category: "activation", symbol: "tanh", arity: [1, 1], attrs: {} },
  { name: "tan", category: "trigonometric", symbol: "tan", arity: [1, 1], attrs: {} },
]);
const draft = {
  ...blank(),
  output: "q",
  nodes: [
    { name: "x", op: "input", value: 2, position: [0, 0] },
    { name: "h", op: "tanh", inputs: ["x"], position: [1, 0] },
    { name: "q", op: "mul", inputs: ["h"], position: [2, 0] },
  ],
};

test("an output's targets are all slots in reading order; it begins at the nearest empty one that closes no cycle", () => {
  const anchor = { node: "x", slot: "out" };
  const targets = targetsOf(draft, ops, anchor);
  assert.deepEqual(targets, [
    { node: "h", slot: 0, now: "x", loops: false },
    { node: "q", slot: 0, now: "h", loops: false },
    { node: "q", slot: 1, now: null, loops: false },
  ]);
  assert.equal(firstTarget(draft, anchor, targets), 2);
  assert.deepEqual(
    targetsOf(draft, ops, { node: "q", slot: "out" }).map((one) => one.loops),
    [true, true, true],
  );
  assert.equal(targetSentence(anchor, targets[2], 2, 3).key, "editor.connect.empty");
  assert.deepEqual(targetSentence(anchor, targets[1], 1, 3), {
    key: "editor.connect.full",
    slots: { n: 2, count: 3, from: "x", to: "q", slot: "x", now: "h" },
  });
});

test("a slot's targets are the outputs of the other nodes", () => {
  assert.deepEqual(
    targetsOf(draft, ops, { node: "h", slot: 0 }).map(({ node, loops }) => [node, loops]),
    [
      ["x", false],
      ["q", true],
    ],
  );
});

test("two ports make an edge whichever comes first, two of a kind make none", () => {
  const [out, slot] = [
    { node: "x", slot: "out" },
    { node: "q", slot: 1 },
  ];
  assert.deepEqual(edgeBetween(out, slot), { from: "x", to: "q", slot: 1 });
  assert.deepEqual(edgeBetween(slot, out), { from: "x", to: "q", slot: 1 });
  assert.deepEqual([edgeBetween(out, out), edgeBetween(slot, slot)], [null, null]);
  assert.deepEqual([slotFor(draft, ops, "q"), slotFor(draft, ops, "h")], [{ node: "q", slot: 1 }, null]);
  assert.deepEqual(
    [readPort("a.b:out"), readPort("q:12")],
    [
      { node: "a.b", slot: "out" },
      { node: "q", slot: 12 },
    ],
  );
});

test("an op is found by its name, its meaning and its symbol, the best first", () => {
  const rows = [...ops.values()];
  const label = (row) => ({ tanh: "hyperbolic tangent", mul: "multiply", tan: "tangent" })[row.name] ?? row.name;
  const find = (text) => findOps(rows, text, label).map((row) => row.name);
  assert.deepEqual(find("tan"), ["tan", "tanh", "constant"]);
  assert.deepEqual(find("hyper"), ["tanh"]);
  assert.deepEqual(find("×"), ["mul"]);
  assert.deepEqual(find("zzz"), []);
  assert.equal(find(" ").length, rows.length);
  assert.deepEqual(
    byCategory(rows).map(([name]) => name),
    ["leaf", "arithmetic", "activation", "trigonometric"],
  );
});

test("facts: a leaf shows its own value at once, another node what Python computed", () => {
  const facts = factsOf({
    nodes: { x: { value: 9, shape: [], level: 2, dead: false }, h: { value: 0.5, shape: [], level: 1, dead: false } },
    gaps: [{ from: "x", to: "q", slot: 1, gap: 3 }],
    problems: [{ node: "q", key: "k", slots: {}, repair: null }],
    identities: 2,
    complete: false,
  });
  assert.deepEqual(
    [shownValue(draft.nodes[0], facts), shownValue(draft.nodes[1], facts), shownValue(draft.nodes[2], facts)],
    [2, 0.5, null],
  );
  assert.deepEqual([facts.gap({ from: "x", to: "q", slot: 1 }), facts.gap({ from: "h", to: "q", slot: 0 })], [3, 1]);
  assert.deepEqual([facts.problemsOf("q").length, facts.problemsOf("x").length, facts.levels.get("x")], [1, 0, 2]);
  assert.equal(factsOf(null).node("x").level, null);
  assert.deepEqual(
    cellOf([
      [1, -4],
      [2, 3],
    ]),
    { max: 4, cells: [1, -4, 2, 3], grid: [2, 2], whole: true },
  );
  assert.equal(cellOf("1.5 and"), null);
  assert.deepEqual(shownShape({ op: "input", value: [[1, 2, 3]] }, facts), [1, 3]);
});

test("the menu offers a value to a leaf and the output to an op", () => {
  const keys = (op) => nodeItems(op, (key) => key).map((item) => item.label);
  assert.ok(keys("input").includes("editor.menu_value") && !keys("input").includes("editor.set_output"));
  assert.ok(keys("mul").includes("editor.set_output") && !keys("mul").includes("editor.menu_value"));
  assert.equal(canvasItems((key) => key)[0].action, "add");
});

test("a kept draft comes back only where Python gives again what it grew from", () => {
  const kept = { document: { ...draft, target: 5 }, starts: [meaning(draft)] };
  assert.deepEqual(draftFor(draft, kept), kept.document);
  assert.equal(draftFor(blank(), kept), null);
  assert.equal(draftFor(kept.document, { ...kept, starts: [meaning(kept.document)] }), null);
  for (const broken of [null, {}, { document: 3, starts: [] }, { document: draft, starts: "x" }])
    assert.equal(draftFor(draft, broken), null);
});
