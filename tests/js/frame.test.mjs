import assert from "node:assert/strict";
import { test } from "node:test";
import { barScale, entry, laneFrame, markOf, relation, scalar, sign } from "../../assets/frame.mjs";
import { edgeOf, indexOf, residual } from "./residual.mjs";

const near = (value, expected, digits = 5e-4) =>
  assert.ok(Math.abs(value - expected) < digits, `${value} ≠ ${expected}`);

test("a constant series has one entry, a missing one is null", () => {
  assert.equal(entry([7], 9), 7);
  assert.equal(entry([null, 1, 2], 1), 1);
  assert.equal(entry([null, 1], 0), null);
  assert.equal(entry(null, 0), null);
});

test("the residual graph at step 2 shows the numbers of the mock", () => {
  const { nodes, edges } = laneFrame(residual("zil"), 0, 2);
  near(nodes[indexOf("b")].value, -1.364);
  near(nodes[indexOf("b")].error, -0.0756);
  near(nodes[indexOf("c")].error, 0.161);
  near(nodes[indexOf("out")].error, -0.324);
  near(edges[edgeOf("z2", "b")].feedback, -0.0907);
  near(edges[edgeOf("a", "b")].feedback, 0.0907);
  near(edges[edgeOf("a", "a′")].feedback, -0.108);
});

test("at its own step each parameter's gradient is BP's, and before it there is none", () => {
  const payload = residual("zil");
  const expected = { z1: 0.15552, z2: -0.09072, z3: -0.02592, s: -0.013824 }; // THEORY, G2
  const reads = { z1: 1, z2: 2, z3: 3, s: 3 };
  for (const [name, gradient] of Object.entries(expected)) {
    assert.equal(laneFrame(payload, 0, reads[name] - 1).nodes[indexOf(name)].gradient, null);
    const now = laneFrame(payload, 0, reads[name]).nodes[indexOf(name)];
    near(now.gradient, gradient, 1e-12);
    assert.equal(now.read, "now");
    assert.equal(laneFrame(payload, 0, reads[name] + 1).nodes[indexOf(name)].read, "before");
  }
});

test("only edges into the front carry feedback where there is a front; elsewhere all that is not 0", () => {
  const live = (payload, t) =>
    payload.edges.filter((_, k) => laneFrame(payload, 0, t).edges[k].live).map((edge) => `${edge.from}→${edge.to}`);
  assert.deepEqual(live(residual("zil"), 2), ["a→b", "z2→b", "a→a′"]);
  assert.deepEqual(live(residual("pc"), 0), ["c→out", "a″→out"]);
  assert.equal(live(residual("pc"), 10).length, residual("pc").edges.length);
});

test("a BP cotangent that is not computed is null, an error that PC computed is 0", () => {
  assert.equal(laneFrame(residual("bp"), 0, 1).nodes[indexOf("b")].error, null);
  assert.equal(laneFrame(residual("zil"), 0, 1).nodes[indexOf("b")].error, 0);
});

test("a node's place follows the front", () => {
  const places = (t) => laneFrame(residual("zil"), 0, t).nodes.map((node) => node.place);
  assert.equal(places(2)[indexOf("b")], "front");
  assert.equal(places(2)[indexOf("out")], "passed");
  assert.equal(places(2)[indexOf("a")], "ahead");
  assert.ok(laneFrame(residual("pc"), 0, 2).nodes.every((node) => node.place === "plain"));
});

test("the phases of a step: predict hides its error, feedback sends, move shows the next value", () => {
  const payload = residual("zil");
  const b = (t, phase) => laneFrame(payload, 0, t, phase).nodes[indexOf("b")];
  const sent = (t, phase) => laneFrame(payload, 0, t, phase).edges.filter((edge) => edge.live).length;
  assert.equal(b(2, "predict").error, null);
  near(b(2, "error").error, -0.0756);
  assert.deepEqual(
    ["predict", "error", "feedback", "move"].map((phase) => sent(2, phase)),
    [0, 0, 3, 0],
  );
  assert.equal(b(1, "move").value, b(2, "predict").value);
  assert.notEqual(b(1, "move").value, b(1, "feedback").value);
  assert.deepEqual(laneFrame(payload, 0, 2, "feedback").nodes, laneFrame(payload, 0, 2).nodes);
});

test("in BP a cotangent appears in the error phase, and nothing moves", () => {
  const payload = residual("bp");
  const c = (phase) => laneFrame(payload, 0, 1, phase).nodes[indexOf("c")];
  assert.equal(c("predict").error, null);
  near(c("error").error, -0.108);
  assert.equal(c("move").value, c("predict").value);
});

test("a lane that has ended keeps its last state and sends nothing", () => {
  const payload = residual("bp", "pc");
  assert.deepEqual(
    laneFrame(payload, 0, 15).nodes.map((node) => node.error),
    laneFrame(payload, 0, 4).nodes.map((node) => node.error),
  );
  assert.ok(laneFrame(payload, 0, 15).edges.every((edge) => !edge.live));
});

test("a frame depends on (payload, t, phase) alone", () => {
  const payload = residual("zil");
  const before = JSON.stringify(laneFrame(payload, 0, 2));
  for (const t of [0, 4, 1, 3]) laneFrame(payload, 0, t, "move");
  assert.equal(JSON.stringify(laneFrame(payload, 0, 2)), before);
});

test("numbers are compared to the last digit, to nine, or not", () => {
  assert.equal(relation(0.1 + 0.2, 0.3), "exact");
  assert.equal(relation(1, 1 + 1e-10), "close");
  assert.equal(relation(1, 1 + 1e-8), "no");
  assert.equal(relation(0, 0), "exact");
  assert.equal(relation(0, 1e-300), "no");
  assert.equal(relation(null, 1), null);
  const tensor = (cells) => ({ max: 2, cells, grid: [1, 2], whole: true });
  assert.equal(relation(tensor([1, 2]), tensor([1, 2])), "exact");
  assert.equal(relation(tensor([1, 2]), tensor([1, -2])), "no");
  assert.equal(relation(tensor([1, 2]), tensor([1])), "no");
});

test("marks are given at the front and on gradients, not where nobody reads", () => {
  const payload = residual("bp", "zil");
  const [bp, zil] = [0, 1].map((lane) => laneFrame(payload, lane, 2).nodes);
  const mark = (name) => markOf(payload.nodes[indexOf(name)], zil[indexOf(name)], bp[indexOf(name)]);
  assert.deepEqual(["b", "a′", "z1", "z2"].map(mark), ["exact", "exact", "exact", "exact"]);
  assert.deepEqual(["out", "c", "a", "z3"].map(mark), [null, null, null, null]);
});

test("PC's errors are marked as different from BP's", () => {
  const payload = residual("bp", "pc");
  const [bp, pc] = [0, 1].map((lane) => laneFrame(payload, lane, 20).nodes);
  assert.equal(markOf(payload.nodes[indexOf("b")], pc[indexOf("b")], bp[indexOf("b")]), "no");
});

test("special numbers and tensors have a sign and a size", () => {
  assert.deepEqual([null, 0, -1, 2, "NaN", "-Infinity"].map(sign), ["none", "zero", "neg", "pos", "bad", "bad"]);
  assert.equal(sign({ max: 0.5, cells: [-0.5], grid: [1, 1], whole: true }), "tensor");
  assert.equal(scalar("Infinity"), Infinity);
});

test("bars keep order and sign, small errors stay visible, nothing leaves −1…1", () => {
  const bar = barScale(residual("zil"));
  assert.ok(bar(0.01) > 0.02 && bar(0.01) < bar(0.1) && bar(0.1) < bar(1));
  assert.equal(bar(-0.1), -bar(0.1));
  assert.deepEqual([bar(1e9), bar(null), bar("NaN"), bar(0)], [1, 0, 0, 0]);
});
