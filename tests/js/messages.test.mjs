import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { brief, createSay, number, pieces, short } from "../../assets/messages.mjs";

const assets = new URL("../../assets/", import.meta.url);
const table = JSON.parse(readFileSync(new URL("messages/en.json", assets), "utf8"));

// The first four are the doctest of pcgraph/messages.py; the others are Python's f"{x:.nf}" by hand.
const CASES = [
  [[-0.0907], "−0.0907"],
  [[0.0907, 4, true], "+0.0907"],
  [[1.2e-5], "1.20e−5"],
  [[0, 3], "0.000"],
  [[0, 3, true], "+0.000"],
  [[NaN], "NaN"],
  [[Infinity], "∞"],
  [[-Infinity], "−∞"],
  [[999999.5, 0], "1000000"],
  [[1e6], "1.00e6"],
  [[-1234567, 2], "−1.23e6"],
  [[0.0001], "0.0001"],
  [[0.00009999], "1.00e−4"],
];

test("numbers are printed as pcgraph/messages.py prints them", () => {
  for (const [slots, text] of CASES) assert.equal(number(...slots), text);
});

test("an exact tie goes to the even digit, as in Python", () => {
  assert.equal(number(0.125, 2), "0.12");
  assert.equal(number(0.375, 2), "0.38");
  assert.equal(number(2.5, 0), "2");
  assert.equal(number(3.5, 0), "4");
  assert.equal(number(1.125e-10), "1.12e−10"); // no tie in binary: just below
});

test("a card's number stays short whatever its size", () => {
  for (const value of [0, -1.44, -99.9999, 999.999, -9999.99, 99999.9, -999999, 1e9, -1.234e-7]) {
    assert.ok(short(value, true).length <= 9, short(value, true));
    assert.ok(brief(value, true).length <= 9, brief(value, true));
  }
  assert.equal(brief(-0.000269, true), "−2.7e−4");
});

test("slots are filled, numbers printed, and a slot may be a sentence itself", () => {
  const say = createSay({ a: "{name} moved to {value} in {t} steps by {method}.", "method.zil": "Z-IL" });
  assert.equal(
    say("a", { name: "b", value: -0.5, t: 3, method: { key: "method.zil" } }),
    "b moved to −0.5000 in 3 steps by Z-IL.",
  );
  assert.deepEqual(
    pieces("x {name} y", { name: "<b>" }).map((piece) => piece.text),
    ["x ", "<b>", " y"],
  );
});

test("an unknown key is said as itself and an absent slot as nothing", () => {
  const say = createSay({ a: "[{missing}]" });
  assert.equal(say("no.such.key"), "no.such.key");
  assert.equal(say("a"), "[]");
});

test("every sentence that the stage's modules name is in the table", () => {
  const absent = [];
  for (const file of readdirSync(assets).filter((name) => name.endsWith(".mjs"))) {
    const source = readFileSync(new URL(file, assets), "utf8");
    for (const [, key] of source.matchAll(/["`](stage\.[a-z_.]+|explain\.[a-z_.]+)["`]/g))
      if (!(key in table) && !key.endsWith(".css")) absent.push(`${file}: ${key}`);
  }
  assert.deepEqual(absent, []);
});
