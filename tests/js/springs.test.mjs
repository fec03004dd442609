import assert from "node:assert/strict";
import { test } from "node:test";
import { laneFrame } from "../../assets/frame.mjs";
import { hasSprings, piecesOf, railOrder, railScale, restOf, stack, windowOf, zigzag } from "../../assets/stretch.mjs";
import { indexOf, residual } from "./residual.mjs";

const near = (one, other, apart = 1e-12) => assert.ok(Math.abs(one - other) <= apart, `${one} is not ${other}`);
const sumOf = (list, part) => list.reduce((sum, one) => sum + one[part], 0);

// One inner node, the output, with these series.
const single = ({ values, predictions, errors, energy = [null], loss = "squared_error", shape = [] }) => ({
  output: "out",
  loss,
  nodes: [{ name: "out", kind: "node", op: "tanh", level: 0, x: 0, y: 0, shape, inputs: [] }],
  edges: [],
  lanes: [
    {
      method: "pc",
      front: false,
      levelled: false,
      reading: "",
      steps: errors.length - 1,
      values: [values],
      predictions: [predictions],
      errors: [errors],
      feedback: [],
      energy,
      gradients: {},
      reads: {},
    },
  ],
});

test("rails stand as the graph does: deep levels left, the output right, leaves have none", () => {
  const payload = residual("zil");
  const names = railOrder(payload).map((i) => payload.nodes[i].name);
  assert.deepEqual(names, ["a", "b", "a′", "c", "a″", "out"]);
});

test("BP moves no values, so it has no springs; every other method has", () => {
  const [bp, zil, pc] = residual("bp", "zil", "pc").lanes;
  assert.deepEqual([bp, zil, pc].map(hasSprings), [false, true, true]);
});

test("the scale ends at three times the largest error that is met first, here out's 0.192 − 0.3", () => {
  const payload = residual("zil"); // behind its front, errors grow beyond that
  const { low, high, share, beyond } = railScale(payload, [0]);
  near(high, 3 * 0.108);
  near(low, -3 * 0.108);
  near(share(0), 0.5);
  assert.deepEqual([share(-9), share(9), beyond(-9), beyond(0.3), beyond(9)], [0, 1, -1, 0, 1]);
});

test("the middle of a rail is what the forward pass gives its node", () => {
  const [lane] = residual("zil").lanes;
  near(restOf(lane, indexOf("b")), 1.5 * 0.8 * -1.2);
  near(restOf(lane, indexOf("out")), 1.5 * 0.8 * -1.2 * 0.7 + 1.5 * 0.8);
});

test("a run that explodes or breaks leaves a scale on which its first steps are seen", () => {
  const payload = single({
    values: [1, 1, 1, 1],
    predictions: [2, -1e300, "Infinity", "NaN"],
    errors: [1, -1e300, "Infinity", "NaN"],
  });
  const { low, high, share, beyond } = railScale(payload, [0]);
  assert.deepEqual([low, high], [-3, 0]);
  near(share(-1), 2 / 3); // the value, 1 under the first prediction
  assert.deepEqual([beyond(-1e300), beyond(Infinity)], [-1, 1]);
});

test("a run in which nothing is stretched still has a scale", () => {
  const { low, high } = railScale(single({ values: [2], predictions: [2], errors: [0] }), [0]);
  assert.ok(low < 0 && high > 0);
});

for (const method of ["zil", "pc"]) {
  test(`the pieces of the energy add up to the lane's at every step: ${method}`, () => {
    const payload = residual(method);
    payload.lanes[0].energy.forEach((energy, t) => {
      const pieces = piecesOf(payload, laneFrame(payload, 0, t));
      near(sumOf(pieces, "energy"), energy, 1e-12 * energy);
    });
  });
}

test("at the start all energy is the output's: ½ 0.108²", () => {
  const payload = residual("zil");
  const stretched = piecesOf(payload, laneFrame(payload, 0, 0)).filter(({ energy }) => energy > 1e-30);
  assert.deepEqual(
    stretched.map(({ name }) => name),
    ["out"],
  );
  near(stretched[0].energy, 0.005832);
});

test("while the errors are not computed yet, nothing is stretched", () => {
  const payload = residual("pc");
  assert.deepEqual(piecesOf(payload, laneFrame(payload, 0, 3, "predict")), []);
  assert.equal(piecesOf(payload, laneFrame(payload, 0, 3, "error")).length, 6);
});

test("under another loss than the squared error, the output's piece is what the others leave", () => {
  const payload = { ...residual("pc"), loss: "cross_entropy" };
  payload.lanes[0].energy[5] += 2;
  const frame = laneFrame(payload, 0, 5);
  const out = piecesOf(payload, frame).at(-1);
  near(out.energy, frame.nodes[indexOf("out")].error ** 2 / 2 + 2);
});

test("a tensor's piece is half the sum of its squares, and unknown where its entries did not travel", () => {
  const tensor = { max: 2, cells: [1, -2], grid: [1, 2], whole: true };
  const two = (error) => ({ ...single({ values: [tensor], predictions: [tensor], errors: [error], energy: [2.5], shape: [2] }) });
  const piece = (payload) => piecesOf(payload, laneFrame(payload, 0, 0));
  assert.deepEqual(piece(two(tensor)), [{ name: "out", error: tensor, energy: 2.5 }]);
  const blind = two({ max: 2 });
  blind.nodes = [{ ...blind.nodes[0], name: "h" }, ...blind.nodes];
  for (const part of ["values", "predictions", "errors"]) blind.lanes[0][part].push(blind.lanes[0][part][0]);
  assert.deepEqual(piece(blind), []);
});

test("pieces that do not add up are not shown: errors may be weighed", () => {
  const payload = single({ values: [0], predictions: [2], errors: [2], energy: [6] }); // precision 3
  assert.deepEqual(piecesOf(payload, laneFrame(payload, 0, 0)), []);
});

test("stacked pieces fill the bar from the bottom up, the smallest together on top", () => {
  const pieces = [8, 1.5, 0.25, 0.25].map((energy, i) => ({ name: `n${i}`, error: 1, energy }));
  const placed = stack(pieces, 100, 50, 3);
  assert.deepEqual(
    placed.map(({ name, y, height }) => [name, y, height]),
    [
      ["n0", 60, 40],
      ["n1", 52.5, 7.5],
      [null, 50, 2.5],
    ],
  );
  assert.deepEqual(stack([], 100, 50), []);
});

test("a spring leads from its rod to its bead, back and forth, and never folds over", () => {
  const points = [...zigzag(7, 6).matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  assert.deepEqual([points[0], points.at(-1)], [[0, 0], [0, 1]]);
  assert.ok(points.slice(1).every(([, y], i) => y > points[i][1]));
  assert.deepEqual(points.slice(2, -2).map(([x]) => x), [6, -6, 6, -6, 6, -6, 6]);
});

test("of many rails those around the one in the middle are shown, as many as there is room for", () => {
  const order = Array.from({ length: 40 }, (_, i) => i);
  assert.deepEqual(windowOf(order, 20, 4), [18, 19, 20, 21]);
  assert.deepEqual(windowOf(order, 0, 4), [0, 1, 2, 3]);
  assert.deepEqual(windowOf(order, 39, 4), [36, 37, 38, 39]);
  assert.deepEqual(windowOf([7, 8], 1, 4), [7, 8]);
});
