import assert from "node:assert/strict";
import { test } from "node:test";
import { atGrain, clampStep, first, isLast, last, next, previous } from "../../assets/position.mjs";

const STEPS = 4;

function walkFrom(start, move) {
  const seen = [start];
  for (let at = move(start); JSON.stringify(at) !== JSON.stringify(seen.at(-1)); at = move(at)) seen.push(at);
  return seen;
}

for (const phase of [null, "predict"]) {
  test(`back visits the positions of forward in reverse, ${phase ? "by phases" : "by steps"}`, () => {
    const there = walkFrom(first({ phase }), (at) => next(at, STEPS));
    const back = walkFrom(last({ phase }, STEPS), previous);
    assert.deepEqual(back, there.reverse());
    assert.equal(there.length, phase ? 4 * STEPS + 3 : STEPS + 1); // the last state does not move any more
  });
}

test("the last position is known at both grains", () => {
  assert.ok(isLast({ t: STEPS, phase: null }, STEPS));
  assert.ok(isLast({ t: STEPS, phase: "feedback" }, STEPS));
  assert.ok(!isLast({ t: STEPS, phase: "error" }, STEPS));
  assert.ok(!isLast({ t: STEPS - 1, phase: null }, STEPS));
});

test("a change of grain keeps the step", () => {
  assert.deepEqual(atGrain({ t: 2, phase: null }, "phases"), { t: 2, phase: "feedback" });
  assert.deepEqual(atGrain({ t: 2, phase: "move" }, "step"), { t: 2, phase: null });
  assert.deepEqual(atGrain({ t: 2, phase: "move" }, "phases"), { t: 2, phase: "move" });
});

test("any wish for a step becomes one that exists", () => {
  assert.deepEqual(
    [-1e9, 2.4, "3", "x", NaN, 1e400].map((t) => clampStep(t, STEPS)),
    [0, 2, 3, 0, 0, 4],
  );
});
