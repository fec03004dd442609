import assert from "node:assert/strict";
import { test } from "node:test";
import { ending, opening, walk } from "../../assets/deck-walk.mjs";

const deck = {
  scenes: [
    { t: 0, until: 0 },
    { t: 0, until: 2, asks: { reveals: 1 } },
    { t: 1, until: 2, phase: "error" },
  ],
};

// Walk with a stage that only counts, and return each place as text.
function clicks(way, from, most = 40) {
  const { PHASES } = phases;
  let place = from;
  const seen = [];
  for (let i = 0; i < most; i++) {
    seen.push(`${place.scene}:${place.asking ? "?" : ""}${place.t}${place.phase ? PHASES[place.phase] : ""}`);
    const { to, step, stay } = walk(deck, place, way);
    if (stay) return seen;
    place = to ?? move(place, way, step);
  }
  return seen;
}
const phases = { PHASES: { predict: "p", error: "e", feedback: "f", move: "m" } };
const ORDER = ["predict", "error", "feedback", "move"];
function move(place, way) {
  const by = way === "next" ? 1 : -1;
  if (place.phase === null) return { ...place, t: place.t + by };
  const at = place.t * 4 + ORDER.indexOf(place.phase) + by;
  return { ...place, t: Math.floor(at / 4), phase: ORDER[at % 4] };
}

test("a clicker walks every step of every scene, and the answer is a click of its own", () => {
  assert.deepEqual(clicks("next", opening(deck, 0)), ["0:0", "1:?0", "1:1", "1:2", "2:1e", "2:1f", "2:1m", "2:2p", "2:2e", "2:2f"]);
});

test("back leads the same way, past the open question to the end of the scene before", () => {
  assert.deepEqual(clicks("back", ending(deck, 2)), ["2:2f", "2:2e", "2:2p", "2:1m", "2:1f", "2:1e", "2:1p", "1:2", "1:1", "1:?0", "0:0"]);
});

test("a step beyond the last one of a scene still leads to the next scene", () => {
  assert.deepEqual(walk(deck, { scene: 0, asking: false, t: 3, phase: null }, "next").to, opening(deck, 1));
});
