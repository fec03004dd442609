import assert from "node:assert/strict";
import { test } from "node:test";
import { chunks, evaluate, figure, formula, mi, mo, namesIn, row } from "../../assets/formula.mjs";

const print = ({ tag, text, children = [] }) => {
  if (text !== undefined) return text;
  const inside = children.map(print);
  if (tag === "mfrac") return `(${inside[0]})/(${inside[1]})`;
  if (tag === "msup") return `${inside[0]}^${inside[1]}`;
  if (tag === "msqrt") return `√${inside.join("")}`;
  return inside.join("");
};
const names = (tree) => print(formula(tree, mi));
const filled = (tree, values) => print(formula(tree, (name) => figure(values[name], { decimals: 1 }), "×"));

test("formulas are printed with the parentheses they need and no others", () => {
  assert.equal(names(["+", ["*", "x", "y"], "z"]), "x·y+z");
  assert.equal(names(["*", ["+", "x", "y"], "z"]), "(x+y)·z");
  assert.equal(names(["*", "z", ["+", "x", "y"]]), "z·(x+y)");
  assert.equal(names(["-", "x", ["-", "y", "z"]]), "x−(y−z)");
  assert.equal(names(["-", ["-", "x", "y"], "z"]), "x−y−z");
  assert.equal(names(["**", ["neg", "x"], 2]), "(−x)^2");
  assert.equal(names(["neg", ["+", "x", "y"]]), "−(x+y)");
  assert.equal(names(["/", 1, ["*", 2, ["call", "sqrt", "x"]]]), "(1)/(2·√x)");
  assert.equal(names(["call", "tanh", ["+", "x", "y"]]), "tanh(x+y)");
  assert.equal(names(["-", 1, ["**", "out", 2]]), "1−out^2");
});

test("a negative number is put in parentheses unless it stands first", () => {
  assert.equal(filled(["*", "x", "y"], { x: -1.2, y: -0.5 }), "−1.2×(−0.5)");
  assert.equal(filled(["-", "x", "y"], { x: -1.2, y: -0.5 }), "−1.2−(−0.5)");
  assert.equal(filled(["**", "x", 2], { x: -1.2 }), "(−1.2)^2");
});

test("a tree is evaluated, so that numbers are only shown where they are true", () => {
  const at = (tree, values) => evaluate(tree, (name) => values[name]);
  assert.equal(at(["*", "x", ["-", 1, ["**", "y", 2]]], { x: 3, y: 0.5 }), 2.25);
  assert.equal(at(["if", [">", "x", 0], "x", ["neg", "x"]], { x: -4 }), 4);
  assert.equal(at(["call", "tanh", "x"], { x: 0 }), 0);
  assert.ok(Number.isNaN(at(["call", "mystery", "x"], { x: 1 })));
  assert.ok(Number.isNaN(at(["@", "x", "y"], { x: 1, y: 1 })));
});

test("the names of a tree are its slots, not its functions", () => {
  assert.deepEqual(namesIn(["call", "tanh", ["*", "x", "out"]]), ["x", "out"]);
  assert.deepEqual(namesIn(1), []);
  assert.deepEqual(namesIn(null), []);
});

test("a long line may wrap before = + − and nothing is lost", () => {
  const line = row(mi("x"), mo("="), mi("a"), mo("+"), mo("("), mo("−"), mi("b"), mo(")"), mo("−"), mi("c"));
  assert.deepEqual(chunks(line).map(print), ["x", "=a", "+(−b)", "−c"]);
});
