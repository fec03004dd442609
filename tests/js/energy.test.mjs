import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { captionOf, trend } from "../../assets/energy.mjs";
import { createSay } from "../../assets/messages.mjs";

const say = createSay(JSON.parse(readFileSync(new URL("../../assets/messages/en.json", import.meta.url), "utf8")));
const curve = (energies, method = "pc") => ({ lane: { method, rate: 0.1 }, energies, trend: trend(energies) });

test("an energy that is asked for is a dot, at the first step and at any other", () => {
  assert.equal(captionOf([curve([null])], 0, false, say), "energy F = ·");
  assert.match(captionOf([curve([2, 1, null])], 2, false, say), /^energy F = · /);
});

test("only without a lane that has an energy is BP's clock spoken of", () => {
  assert.equal(captionOf([], 0, false, say), "BP has no energy: this line is its clock");
  assert.match(captionOf([curve([2, 1])], 1, false, say), /^energy F = 1.0000/);
});
