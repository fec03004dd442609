// Undo and redo without end: a random run of edits, taken back and made again, gives the same documents.

import assert from "node:assert/strict";
import { test } from "node:test";
import { blank, isLeafOp, newName, opTable, refusal, slotCount } from "../../assets/editor-document.mjs";
import { apply, newNode } from "../../assets/editor-edits.mjs";
import { begin, push, redo, seal, undo } from "../../assets/editor-history.mjs";

const ops = opTable([
  { name: "mul", category: "arithmetic", symbol: "×", arity: [2, 2], attrs: {} },
  { name: "tanh", category: "activation", symbol: "tanh", arity: [1, 1], attrs: {} },
]);

// A small seeded generator: the same run on every machine.
function dice(seed) {
  let state = seed;
  return (count) => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * count);
  };
}

function randomEdit(document, roll) {
  const some = () => document.nodes[roll(document.nodes.length)];
  if (document.nodes.length < 3 || roll(3) === 0) {
    const op = ["input", "parameter", "mul", "tanh"][roll(4)];
    return { do: "add", node: newNode(newName(document, op), op, [roll(9), roll(9)]) };
  }
  const node = some();
  const kinds = [
    () => ({ do: "connect", from: some().name, to: node.name, slot: roll(Math.max(1, slotCount(node, ops))) }),
    () => ({ do: "connect", from: some().name, to: node.name, slot: 0 }),
    () => ({ do: "remove", names: [node.name] }),
    () => ({ do: "rename", name: node.name, to: `n${roll(1e6)}` }),
    () => ({ do: "op", name: node.name, op: ["mul", "tanh", "input"][roll(3)] }),
    () => ({ do: "move", positions: { [node.name]: [roll(9), roll(9)] } }),
    () => ({ do: "output", name: node.name }),
  ];
  return kinds[roll(kinds.length)]();
}

const acyclic = (document) =>
  document.nodes.every((node) =>
    (node.inputs ?? []).every(
      (from) => from === null || refusal(document, { do: "connect", from, to: node.name }) === null,
    ),
  );

test("a random run of edits undone to the start and redone gives every document again", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const roll = dice(seed);
    let history = begin(blank());
    const seen = [history.present];
    for (let i = 0; i < 60; i += 1) {
      const edit = randomEdit(history.present, roll);
      const leaf = edit.do === "connect" && isLeafOp(history.present.nodes.find((node) => node.name === edit.to).op);
      if (leaf || refusal(history.present, edit)) continue;
      history = push(history, apply(history.present, edit, ops));
      if (history.present !== seen.at(-1)) seen.push(history.present);
      assert.ok(acyclic(history.present), `seed ${seed}`);
    }
    for (const document of [...seen].reverse().slice(1)) {
      history = undo(history);
      assert.deepEqual(history.present, document);
    }
    assert.deepEqual([history.past.length, history.present], [0, blank()]);
    for (const document of seen.slice(1)) {
      history = redo(history);
      assert.deepEqual(history.present, document);
    }
    assert.equal(history.future.length, 0);
  }
});

test("edits with the same tag are one step, until they are sealed", () => {
  const [a, b, c, d] = [1, 2, 3, 4].map((target) => ({ ...blank(), target }));
  let history = push(push(begin(a), b, "value"), c, "value");
  assert.deepEqual([history.past, undo(history).present], [[a], a]);
  history = push(seal(history), d, "value");
  assert.deepEqual(undo(history).present, c);
});

test("a new edit after an undo forgets what was undone, and no edit is no step", () => {
  const [a, b, c] = [1, 2, 3].map((target) => ({ ...blank(), target }));
  const history = push(undo(push(begin(a), b)), c);
  assert.deepEqual([history.past, history.future], [[a], []]);
  assert.equal(push(history, history.present), history);
});
