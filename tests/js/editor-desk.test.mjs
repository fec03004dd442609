// The desk: what is sent and when, what is refused, what of Python's answers counts, and what undo brings back.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { createDesk } from "../../assets/editor-desk.mjs";
import { undo } from "../../assets/editor-history.mjs";
import { CELL } from "../../assets/editor-geometry.mjs";

const rows = [
  { name: "mul", category: "arithmetic", symbol: "×", arity: [2, 2], attrs: {} },
  { name: "tanh", category: "activation", symbol: "tanh", arity: [1, 1], attrs: {} },
];
const draft = {
  version: 1,
  title: "",
  output: "q",
  target: 0,
  loss: "squared_error",
  nodes: [
    { name: "x", op: "input", value: 2, position: [0, 0] },
    { name: "h", op: "tanh", inputs: ["x"], position: [1, 0] },
    { name: "q", op: "mul", inputs: ["h", "x"], position: [2, 0] },
  ],
};
const inspected = (level = 7) => ({
  complete: true,
  nodes: { x: { value: 2, shape: [], level, dead: false } },
  gaps: [],
  problems: [],
  identities: 1,
  formula: null,
});

function setUp(data = {}, state = {}) {
  const heard = { sent: [], refused: [], told: [], draws: 0 };
  const desk = createDesk({ document: draft, rev: 0, source: 1, ops: rows, inspection: inspected(), ...data }, state, {
    send: (edit) => heard.sent.push(edit),
    draw: () => (heard.draws += 1),
    changing() {},
    tell: (sentence) => sentence && heard.told.push(sentence.key),
    refuse(sentence) {
      if (sentence) heard.refused.push(sentence.key);
      return false;
    },
    noted() {},
  });
  return { desk, heard };
}

test("a finished edit is sent once, with its number and the whole draft", () => {
  const { desk, heard } = setUp();
  assert.equal(desk.commit({ do: "connect", from: "x", to: "q", slot: 0 }, { said: { key: "done" } }), true);
  assert.deepEqual(
    heard.sent.map(({ rev, document }) => [rev, document.nodes[2].inputs]),
    [[1, ["x", "x"]]],
  );
  assert.deepEqual(heard.told, ["done"]);
});

test("a refused edit says why and leaves everything as it was", () => {
  const { desk, heard } = setUp();
  assert.equal(desk.commit({ do: "connect", from: "q", to: "h", slot: 0 }), false);
  assert.equal(desk.rename("x", "h"), false);
  assert.equal(desk.rename("x", "2 x"), false);
  assert.deepEqual(heard.refused, ["editor.refuse.cycle", "editor.refuse.taken", "error.name"]);
  assert.deepEqual([heard.sent, desk.state.rev, desk.state.history.past], [[], 0, []]);
});

test("of a list of edits, one that is refused refuses them all", () => {
  const { desk, heard } = setUp();
  const edits = [
    { do: "disconnect", to: "q", slot: 1 },
    { do: "connect", from: "q", to: "h", slot: 0 },
  ];
  assert.equal(desk.commit(edits), false);
  assert.deepEqual(desk.draft.nodes[2].inputs, ["h", "x"]);
  assert.equal(heard.sent.length, 0);
});

test("an edit that changes nothing is no edit", () => {
  const { desk, heard } = setUp();
  assert.equal(desk.commit({ do: "value", name: "x", value: 2 }), true);
  assert.deepEqual([heard.sent.length, desk.state.rev], [0, 0]);
});

test("the first letter typed is sent at once, the rest when the typing pauses or ends, and all are one step back", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { desk, heard } = setUp();
  const sent = () => heard.sent.map(({ rev, document }) => [rev, document.nodes[0].value]);
  for (const value of [3, 3.1, 3.14]) desk.typed({ do: "value", name: "x", value }, "value x", true);
  assert.deepEqual(sent(), [[1, 3]]);
  mock.timers.tick(200);
  assert.deepEqual(sent(), [
    [1, 3],
    [3, 3.14],
  ]);
  desk.typed({ do: "value", name: "x", value: 3.141 }, "value x", true);
  assert.equal(heard.sent.length, 2);
  desk.typed({ do: "value", name: "x", value: 3.141 }, "value x");
  assert.equal(heard.sent.length, 3);
  desk.travel(undo(desk.state.history));
  assert.equal(desk.draft.nodes[0].value, 2);
  mock.timers.reset();
});

test("an inspection of an older draft is dropped, that of this draft counts", () => {
  const { desk } = setUp();
  assert.deepEqual([desk.known, desk.levels().get("x")], [true, 7]);
  desk.commit({ do: "value", name: "x", value: 5 });
  assert.deepEqual([desk.known, desk.levels()], [false, undefined]);
  desk.take({ document: draft, rev: 0, source: 1, ops: rows, inspection: inspected(3) });
  assert.equal(desk.known, false);
  desk.take({ document: desk.draft, rev: 1, source: 1, ops: rows, inspection: inspected(4) });
  assert.deepEqual([desk.known, desk.levels().get("x")], [true, 4]);
});

test("Python's document is taken only with a new source, and undo brings the old one back", () => {
  const { desk, heard } = setUp();
  const other = { ...draft, output: null, nodes: [{ name: "z", op: "input", value: 1 }] };
  desk.take({ document: other, rev: 0, source: 1, ops: rows, inspection: inspected() });
  assert.equal(desk.draft.nodes.length, 3);
  desk.select(["q"]);
  const akin = desk.take({ document: other, rev: 4, source: 2, ops: rows, inspection: inspected() });
  assert.deepEqual([akin, desk.draft.nodes.map((node) => node.name), desk.state.selection], [false, ["z"], []]);
  assert.deepEqual([desk.state.rev, heard.sent.length], [4, 0]);
  desk.travel(undo(desk.state.history));
  assert.deepEqual(desk.draft, draft);
  assert.deepEqual(
    heard.sent.map(({ rev }) => rev),
    [5],
  );
});

test("a document from the formula keeps the places that its nodes had", () => {
  const { desk } = setUp();
  const bare = { ...draft, nodes: draft.nodes.map(({ position, ...node }) => node) };
  assert.equal(desk.take({ document: { ...bare, target: 1 }, rev: 0, source: 2, ops: rows, inspection: null }), true);
  assert.deepEqual(
    desk.draft.nodes.map((node) => node.position),
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
  );
});

test("the selection never names what is gone, and follows a new name", () => {
  const { desk } = setUp();
  desk.select(["x", "h"], null, true);
  assert.deepEqual([desk.many, desk.toggled("h"), desk.toggled("q")], [true, ["x"], ["x", "h", "q"]]);
  desk.rename("x", "input1");
  assert.deepEqual(desk.state.selection, ["input1", "h"]);
  desk.commit({ do: "remove", names: ["h"] });
  assert.deepEqual(desk.state.selection, ["input1"]);
  desk.select([], { from: "input1", to: "q", slot: 1 });
  desk.commit({ do: "disconnect", to: "q", slot: 1 });
  assert.equal(desk.state.edge, null);
});

test("the node under the hand goes to the grid, or anywhere where the grid is off", () => {
  const { desk } = setUp();
  assert.deepEqual(desk.snapped("x", [0.3 * CELL.w, -0.6 * CELL.h]), [0.25 * CELL.w, -0.5 * CELL.h]);
  desk.state.snapping = false;
  assert.deepEqual(desk.placed([0.1234567, 2]), [0.123, 2]);
  assert.deepEqual(desk.shifted(["h"], [0.5, 0.25]), { h: [1.5, 0.25] });
});

test("a draft from the browser's own storage is sent although nobody edited it", () => {
  const { desk, heard } = setUp({}, { rev: 1 });
  desk.announce();
  assert.deepEqual(
    heard.sent.map(({ rev }) => rev),
    [1],
  );
});
