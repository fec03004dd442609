// The editor reads a typed number as Python does: one table of cases for both.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readNumber } from "../../assets/typed-numbers.mjs";

const CASES = JSON.parse(readFileSync(new URL("../typed-numbers.json", import.meta.url), "utf8"));

test("numbers of every style are read as in Python", () => {
  for (const [text, meant] of CASES.read) assert.equal(readNumber(text), meant, text);
});

test("what is no single number is refused with Python's sentence", () => {
  for (const [key, texts] of Object.entries(CASES.refused))
    for (const text of texts) assert.equal(readNumber(text).key, key, text);
});

test("a refusal offers both readings and shows the place", () => {
  assert.deepEqual(readNumber("−1,234e2").slots, { got: "−1,234e2", one: "-1.234e2", other: "-1234e2" });
  assert.deepEqual(readNumber("5 kg").slots, { got: "5 kg", found: "kg" });
  assert.equal(readNumber("5%").slots.wanted, "0.05");
});
