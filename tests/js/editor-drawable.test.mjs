// What is drawn of documents that break the contract of docs/editor.md: whatever they hold, the editor goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { drawable } from "../../assets/editor-drawable.mjs";
import { meaning } from "../../assets/editor-document.mjs";
import { settled } from "../../assets/editor-place.mjs";
import { draftFor } from "../../assets/editor-store.mjs";
import { factsOf } from "../../assets/editor-facts.mjs";

const x = { name: "x", op: "input", value: 1, position: [0, 0] };
const y = { name: "y", op: "tanh", inputs: ["x"], position: [1, 0] };
const good = { version: 1, title: "", output: "y", target: 0, loss: "squared_error", nodes: [x, y] };
const nodesOf = (...nodes) => drawable({ ...good, nodes }).nodes;

test("a document that keeps the contract stays as it is", () => assert.deepEqual(drawable(good), good));

test("what is no document is an empty one", () => {
  for (const given of [null, 1, "x", [], [x], {}, { nodes: 1 }, { nodes: {} }, { nodes: [null, 1, "x", []] }])
    assert.deepEqual(settled(drawable(given)).nodes, []);
});

test("a node without a name of its own is left out", () => {
  for (const name of [null, 1, "", " ", "a b", {}, "x", "n".repeat(65)])
    assert.deepEqual(nodesOf(x, { ...y, name }), [x]);
});

test("an input that is no node leaves its slot empty", () => {
  assert.deepEqual(nodesOf(x, { ...y, inputs: ["x", "zz", 1, null] })[1].inputs, ["x", null, null, null]);
  assert.equal(nodesOf(x, { ...y, inputs: "x" })[1].inputs, undefined);
});

test("edges that no order can hold are left out", () => {
  const [a, b, c] = nodesOf(
    { name: "a", op: "add", inputs: ["x", "b"] },
    { name: "b", op: "add", inputs: ["a", "b"] },
    { name: "c", op: "tanh", inputs: ["b"] },
    x,
  );
  assert.deepEqual([a.inputs, b.inputs, c.inputs], [["x", null], [null, null], [null]]);
});

test("a place that is no pair of numbers is found anew", () => {
  for (const position of [null, "1,2", { x: 1, y: 2 }, [1], [1, "2"], [1, null], [1e300, 0]])
    assert.equal(nodesOf({ ...x, position })[0].position, undefined);
});

test("a title, an op, attrs and an output of another type are left out", () => {
  const { title, output, nodes } = drawable({ title: {}, output: ["y"], nodes: [{ ...y, op: null, attrs: [1] }] });
  assert.deepEqual([title, output, nodes[0].op, nodes[0].attrs], ["", null, "", undefined]);
});

test("a bad draft in the browser's storage is drawn as far as it goes", () => {
  const kept = { document: { nodes: [x, null, { ...y, inputs: 1 }] }, starts: [meaning(good)] };
  assert.deepEqual(draftFor(good, kept).nodes.map((node) => node.name), ["x", "y"]);
});

test("a node may be called as what every object has", () => {
  const known = JSON.parse('{"__proto__": {"value": 2, "level": 1, "shape": [], "dead": false}}');
  const facts = factsOf({ nodes: known });
  assert.equal(facts.node("__proto__").value, 2);
  assert.equal(facts.node("constructor").value, null);
  assert.deepEqual(settled(drawable({ nodes: [{ ...x, name: "constructor", position: null }] })).nodes[0].position, [0, 0]);
});
