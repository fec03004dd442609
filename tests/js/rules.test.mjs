import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { explainNode, explainStep } from "../../assets/explain.mjs";
import { readFrom } from "../../assets/origin.mjs";
import { methodRule, rulesOf } from "../../assets/rules.mjs";
import { RULES, residual } from "./residual.mjs";

const print = ({ tag, text, children = [] }) => {
  if (text !== undefined) return text;
  const inside = children.map(print);
  return tag === "msub" ? `${inside[0]}_${inside[1]}` : tag === "mfrac" ? `${inside[0]}/${inside[1]}` : inside.join("");
};
const said = (payload, lane, name, t, phase) =>
  rulesOf(payload, lane, name, t, phase).map(({ title, lines }) => [title.key.split(".").at(-1), ...lines.map(print)]);

test("the rules of b at step 2 are those of the mock", () => {
  assert.deepEqual(said(residual("zil"), 0, "b", 2), [
    ["move", "x_b←x_b+(ε_b−ε_c·z1)", "=−1.4400+(0.0000−(−0.0756))=−1.3644"],
    ["error", "ε_b=μ_b−x_b", "=−1.4400−(−1.3644)=−0.0756"],
    ["gradient", "∂F/∂z2=ε_b·a", "=−0.0756×1.2000=−0.0907"],
  ]);
});

test("BP's cotangent is the sum over users, with its numbers once it is computed", () => {
  const payload = residual("bp");
  const [cotangent] = said(payload, 0, "a", 3, "error");
  assert.deepEqual(cotangent, ["cotangent", "δ_a=δ_b·z2+δ_a′·1", "=−0.0756×(−1.2000)+−0.1080×1=−0.0173"]);
  assert.deepEqual(said(payload, 0, "a", 2, "error"), [["cotangent", "δ_a=δ_b·z2+δ_a′·1"]]);
  assert.deepEqual(said(payload, 0, "out", 0, "error"), [["cotangent", "δ_out=μ_out−y", "=0.1920−0.3000=−0.1080"]]);
});

test("each phase shows its own rule", () => {
  const keys = (phase) => said(residual("zil"), 0, "b", 2, phase).map(([key]) => key);
  assert.deepEqual(["predict", "error", "feedback", "move"].map(keys), [
    ["prediction"],
    ["error"],
    ["gradient"],
    ["move"],
  ]);
  assert.deepEqual(said(residual("zil"), 0, "b", 2, "predict")[0].slice(1), ["μ_b=a·z2", "=1.2000×(−1.2000)=−1.4400"]);
});

test("numbers are left out where they do not give what the trace holds", () => {
  const payload = residual("zil");
  payload.lanes[0].errors[5][2] = 99; // b at step 2
  const [, error] = said(payload, 0, "b", 2);
  assert.deepEqual(error, ["error", "ε_b=μ_b−x_b"]);
});

test("fixed predictions take their derivatives at the forward values", () => {
  const payload = residual("pc");
  Object.assign(payload.lanes[0], { method: "fixed", rules: RULES.fixed });
  const edge = payload.edges.findIndex(({ from, to }) => from === "z2" && to === "b");
  payload.lanes[0].feedback[edge][3] = payload.lanes[0].errors[5][3] * payload.lanes[0].values[4][0];
  const [, feedback] = said(payload, 0, "b", 3, "feedback");
  assert.match(feedback[2], /×1\.2000=/);
});

test("an unread parameter shows its rule without numbers", () => {
  assert.deepEqual(said(residual("zil"), 0, "z3", 1), [["gradient", "∂F/∂z3=ε_a·s"]]);
  assert.equal(said(residual("zil"), 0, "z3", 3)[0].length, 3);
});

test("a node reads its neighbours and what their derivatives name, nobody else", () => {
  assert.deepEqual(readFrom(residual("zil"), 0, "b"), ["a", "z2", "c", "z1"]);
  assert.deepEqual(readFrom(residual("zil"), 0, "z2"), ["b", "a"]);
});

test("the rules of fixed predictions, Z-IL and PC differ where the methods do", () => {
  const fixed = { ...residual("pc") };
  fixed.lanes = [{ ...fixed.lanes[0], method: "fixed", rules: RULES.fixed }];
  const rule = (payload) => methodRule(payload, 0).lines.map(print);
  const notes = (payload) => methodRule(payload, 0).notes.map(({ key }) => key);
  assert.deepEqual(rule(residual("pc")), [
    "ε_i=μ_i−x_i",
    "x_i←x_i+γ·(ε_i−Σ_jε_j∂μ_j/∂x_i)",
    "∂F/∂θ=Σ_jε_j∂μ_j/∂θ,t=T",
  ]);
  assert.deepEqual(rule(residual("zil")), [
    "ε_i=μ_i−x_i",
    "x_i←x_i+(ε_i−Σ_jε_j∂μ_j/∂x_i)",
    "∂F/∂θ=Σ_jε_j∂μ_j/∂θ,t=ℓ_j",
  ]);
  assert.deepEqual(rule(fixed), [
    "ε_i=μ_i(0)−x_i",
    "x_i←x_i+γ·(ε_i−Σ_jε_j∂μ_j(0)/∂x_i)",
    "∂F/∂θ=Σ_jε_j∂μ_j(0)/∂θ,t=T",
  ]);
  assert.deepEqual(rule(residual("bp")), ["δ_i=Σ_jδ_j∂μ_j/∂x_i", "∂L/∂θ=Σ_jδ_j∂μ_j/∂θ"]);
  assert.deepEqual(notes(fixed), ["stage.rule.at_0", "stage.rule.at_T"]);
  assert.deepEqual(notes(residual("zil")), ["stage.rule.at_level"]);
});

test("the method's rule leaves out γ only where it is 1", () => {
  const rule = (method) => methodRule(residual(method), 0).lines.map(print);
  assert.ok(!rule("zil")[1].includes("γ"));
  assert.ok(rule("pc")[1].includes("γ"));
  assert.ok(rule("bp")[0].startsWith("δ_i"));
});

test("every sentence about every node at every step is in the table, with every slot filled", () => {
  const table = JSON.parse(readFileSync(new URL("../../assets/messages/en.json", import.meta.url), "utf8"));
  for (const method of ["bp", "zil", "pc"]) {
    const payload = residual(method);
    for (const node of payload.nodes) {
      for (let t = 0; t <= payload.lanes[0].steps; t += 1) {
        for (const { key, slots } of explainNode(payload, 0, node.name, t)) {
          assert.ok(key in table, key);
          for (const [, slot] of table[key].matchAll(/\{(\w+)\}/g))
            assert.ok(slots[slot] !== undefined, `${key}: ${slot}`);
        }
      }
    }
  }
});

test("what happened to a node follows the front", () => {
  const keys = (t) => explainNode(residual("zil"), 0, "b", t).map(({ key }) => key);
  assert.deepEqual(keys(1), ["explain.front.waits"]);
  assert.deepEqual(keys(2), ["explain.zil.arrives", "explain.reads_one"]);
  assert.deepEqual(keys(3), ["explain.front.passed"]);
});

test("of two lanes the step says whether they are together, from the comparison", () => {
  const payload = { ...residual("bp", "pc"), compare: { rows: [], parts: [null, 2] } };
  const key = (t) => explainStep(payload, [0, 1], t, null)[0].key;
  assert.deepEqual([1, 2, 3].map(key), ["stage.together", "stage.part_now", "stage.parted"]);
});
