// The chain's rules with their numbers, by hand from THEORY's residual graph; that kinds and chains are the engine's
// is tests/test_origin_parity.py's claim.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { knowsSentence, marksOf } from "../../assets/marks.mjs";
import { createSay } from "../../assets/messages.mjs";
import { chainAt, entryOf, placeNow } from "../../assets/origin.mjs";
import { residual } from "./residual.mjs";

const table = JSON.parse(readFileSync(new URL("../../assets/messages/en.json", import.meta.url), "utf8"));
const say = createSay(table);
const print = ({ tag, text, children = [] }) => {
  if (text !== undefined) return text;
  const inside = children.map(print);
  return tag === "msub" ? `${inside[0]}_${inside[1]}` : tag === "mfrac" ? `${inside[0]}/${inside[1]}` : inside.join("");
};
const place = (quantity, node, t, slot = null) => ({ quantity, node, t, slot });
const lines = (payload, ...where) => entryOf(payload, 0, place(...where)).lines.map(print);

test("each rule of Z-IL's chain has its numbers", () => {
  const payload = residual("zil");
  assert.deepEqual(lines(payload, "gradient", "z2", 2), ["∂F/∂z2=ε_b·a", "=−0.0907"]);
  assert.deepEqual(lines(payload, "feedback", "b", 2, 1), ["b→z2=ε_b·a", "=−0.0756×1.2000=−0.0907"]);
  assert.deepEqual(lines(payload, "error", "b", 2), ["ε_b=μ_b−x_b", "=−1.4400−(−1.3644)=−0.0756"]);
  assert.deepEqual(lines(payload, "value", "b", 2), [
    "x_b←x_b+(ε_b−ε_c·z1)",
    "=−1.4400+(0.0000−(−0.0756))=−1.3644",
  ]);
  assert.deepEqual(lines(payload, "prediction", "b", 2), ["μ_b=a·z2", "=1.2000×(−1.2000)=−1.4400"]);
  assert.deepEqual(lines(payload, "value", "a", 2), ["x_a=μ_a=1.2000"]);
  assert.deepEqual(lines(payload, "value", "s", 2), ["x_s=1.5000"]);
  assert.deepEqual(lines(payload, "value", "out", 2), ["x_out=y=0.3000"]);
  assert.deepEqual(lines(payload, "target", "out", 0), ["y=0.3000"]);
});

test("BP's cotangent is the sum of what came, also long after it came", () => {
  for (const t of [3, 4])
    assert.deepEqual(lines(residual("bp"), "error", "a", t), ["δ_a=δ_b·z2+δ_a′·1", "=0.0907+(−0.1080)=−0.0173"]);
});

test("a chain begun anew keeps its number, and there is none where it is not computed", () => {
  const payload = residual("bp");
  const chain = { lane: 0, trail: [place("error", "b", 2), place("feedback", "c", 1, 0)] };
  assert.deepEqual(chainAt(payload, chain, 3), { lane: 0, trail: [place("error", "b", 3)] });
  assert.equal(chainAt(payload, chain, 1), null);
  assert.equal(chainAt(payload, { ...chain, lane: 1 }, 3), null);
  assert.equal(chainAt(payload, { lane: 0, trail: [place("error", "nobody", 2)] }, 3), null);
  assert.equal(chainAt(payload, null, 3), null);
});

test("in a phase only what is computed by then can be asked for", () => {
  const payload = residual("zil");
  const at = (quantity, node, phase) => placeNow(payload, 0, place(quantity, node), 2, phase)?.t ?? null;
  assert.equal(at("error", "b", "predict"), null);
  assert.equal(at("error", "b", "error"), 2);
  assert.equal(at("gradient", "z2", "error"), null);
  assert.equal(at("gradient", "z2", "feedback"), 2);
  assert.equal(at("value", "b", "move"), 3);
});

test("what a node read is one sentence", () => {
  const payload = residual("bp", "zil");
  const said = (lane, name, t) => {
    const { key, slots } = knowsSentence(payload, lane, name, t);
    return say(key, slots);
  };
  assert.equal(said(1, "b", 2), "b read its inputs a, z2 and its user c with z1: nothing else.");
  assert.equal(said(1, "a", 2), "a read its inputs s, z3 and its users b, a′ with z2: nothing else.");
  assert.equal(said(1, "out", 2), "out read its inputs c, a″: nothing else.");
  assert.equal(said(1, "z2", 2), "z2 read its user b with a: nothing else.");
  assert.equal(said(1, "z2", 1), "z2 read nothing in this step.");
  assert.equal(said(0, "b", 2), "b read its user c with z1: nothing else.");
  assert.equal(said(0, "b", 9), "b read nothing in this step.");
});

test("the board marks the chain in its own lane, and what is known in the last", () => {
  const origin = { lane: 0, trail: [place("error", "b", 2)] };
  const marks = marksOf(residual("bp", "zil"), 1, { origin, knows: true, selected: "z2", t: 2 });
  assert.deepEqual(marks(0), { traced: new Set(["b", "c"]), known: null });
  assert.deepEqual(marks(1), { traced: null, known: new Set(["z2", "b", "a"]) });
});
