import assert from "node:assert/strict";
import { test } from "node:test";
import { clearProgress, merged, readProgress, writeProgress } from "../../assets/progress.mjs";

const storage = (start = null) => {
  let held = start;
  return { getItem: () => held, setItem: (_, text) => (held = text), removeItem: () => (held = null) };
};

test("what is written is read again, beside what was there", () => {
  const one = storage('{"graphs":{"forward":"later","start":"right"}}');
  writeProgress(one, { graphs: { forward: "right" }, energy: { clamp: "shown" } });
  assert.deepEqual(readProgress(one), {
    graphs: { forward: "right", start: "right" },
    energy: { clamp: "shown" },
  });
  clearProgress(one);
  assert.deepEqual(readProgress(one), {});
});

test("a storage with nonsense, or none at all, is empty and breaks nothing", () => {
  for (const text of ["{", "[]", "null", "7"]) assert.deepEqual(readProgress(storage(text)), {});
  const refuses = {
    getItem() {
      throw new Error("SecurityError");
    },
    setItem() {
      throw new Error("QuotaExceededError");
    },
  };
  assert.deepEqual(readProgress(refuses), {});
  writeProgress(refuses, { graphs: { forward: "right" } });
});

test("the newer word on a scene counts", () => {
  assert.deepEqual(merged({ a: { x: "shown", y: "right" } }, { a: { x: "right" } }), { a: { x: "right", y: "right" } });
});
