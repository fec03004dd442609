import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { shade } from "../../assets/learning-pictures.mjs";
import { placeAt, powerText, roundMarks, scaleOf, settled } from "../../assets/learning-scale.mjs";

const assets = new URL("../../assets/", import.meta.url);
const read = (file) => readFileSync(new URL(file, assets), "utf8");
const OWN = ["learning.mjs", "learning-curves.mjs", "learning-pictures.mjs", "learning-scale.mjs", "streamlit-learning.mjs"];

const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

test("a logarithmic axis gives equal room to equal ratios and marks powers of ten", () => {
  const { share, ticks } = scaleOf("log", [1e-4, 1e-2, 1]);
  close(share(1e-2) - share(1e-4), share(1) - share(1e-2));
  assert.ok(share(1e-4) > 0 && share(1) < 1);
  assert.deepEqual(ticks.map((tick) => tick.label), ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "1"]);
  for (const tick of ticks) assert.ok(tick.at >= 0 && tick.at <= 1, tick.label);
});

test("an axis of less than two decades is marked in between", () => {
  const { ticks } = scaleOf("log", [0.3, 2.5]);
  assert.deepEqual(ticks.map((tick) => tick.label), ["0.5", "1", "2"]);
});

test("a loss of 0 lies at the bottom, and no curve at all still has an axis", () => {
  assert.equal(scaleOf("log", [0, 1]).share(0), 0);
  assert.ok(scaleOf("log", []).ticks.length >= 2);
});

test("a distance of exactly 0 has its own mark below every power, and what float64 cannot tell lies between", () => {
  const { share, ticks } = scaleOf("distance", [0, 3e-16, 0.4]);
  assert.equal(ticks[0].label, "0");
  assert.equal(ticks[0].at, 0);
  assert.equal(share(0), 0);
  assert.ok(share(1e-16) > 0.1 && share(3e-16) > share(1e-16) && share(0.4) > 0.9 && share(0.4) <= 1);
  close(share(1e-8) - share(1e-12), share(1e-4) - share(1e-8));
});

test("a distance above 1 stays on the axis", () => {
  const { share } = scaleOf("distance", [1e3]);
  assert.ok(share(1e3) <= 1 && share(1e3) > share(1));
});

test("parts are marked in per cent", () => {
  const { share, ticks } = scaleOf("part", [0.9, 0.94, 0.97]);
  assert.ok(share(0.9) >= 0 && share(1) <= 1 && share(0.05) < 0);
  assert.equal(ticks.at(-1).label, "100 %");
  for (const values of [[], [0], [0.3, 1], [0.985], [1, 1]]) {
    const { length } = scaleOf("part", values).ticks;
    assert.ok(length >= 2 && length <= 7, `${values}: ${length}`);
  }
});

test("an axis leaves out what comes before learning has begun, and nothing later", () => {
  const lines = [{ x: [0, 10, 20, 100], y: [0.05, 0.9, 0.4, 0.95] }, { x: [0, 100], y: [0.06, 0.8] }];
  assert.deepEqual(settled(lines), [0.9, 0.4, 0.95, 0.8]);
  assert.deepEqual(settled([{ x: [0], y: [0.05] }]), [0.05]);
});

test("powers are written as people write them", () => {
  assert.deepEqual([-12, 0, 1, 3].map(powerText), ["10⁻¹²", "1", "10", "10³"]);
});

test("marks along an axis are round and fit its room", () => {
  assert.deepEqual(roundMarks(300, 6), [0, 50, 100, 150, 200, 250, 300]);
  for (const most of [1, 10, 37, 300, 5000]) assert.ok(roundMarks(most, 5).length <= 6, most);
});

test("the place of an update is that of the last point before it", () => {
  assert.deepEqual([0, 1, 1.5, 9, 99].map((update) => placeAt([1, 2, 4, 9], update)), [0, 0, 0, 3, 3]);
});

test("the border between two classes is sharp, and surer is stronger", () => {
  const colours = { zero: [200, 0, 0], one: [0, 0, 200], page: [255, 255, 255] };
  const [below, above, sure] = [0.49, 0.5, 1].map((value) => shade(value, colours));
  assert.ok(below[0] > below[2] && above[2] > above[0]);
  assert.ok(sure[0] < above[0]);
});

test("nothing is parsed as markup", () => {
  for (const file of OWN) assert.doesNotMatch(read(file), /innerHTML|outerHTML|insertAdjacentHTML|\beval\(/, file);
});
