import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const assets = new URL("../../assets/", import.meta.url);
const read = (file) => readFileSync(new URL(file, assets), "utf8");
const imports = (file) =>
  [...read(file).matchAll(/^(?:import|export) (?:[^"]* from )?"\.\/([\w.-]+)";/gm)].map(([, name]) => name);

function reachable(from) {
  const seen = new Set();
  for (const todo = [from]; todo.length;) {
    const file = todo.pop();
    if (!seen.has(file)) todo.push(...imports(file));
    seen.add(file);
  }
  return seen;
}

const stage = reachable("stage.mjs");

test("the Streamlit entry names every module it needs itself, so that they are fetched at once", () => {
  const needed = reachable("streamlit.mjs");
  needed.delete("streamlit.mjs");
  assert.deepEqual(new Set(imports("streamlit.mjs")), needed);
  assert.ok([...stage].every((file) => needed.has(file)));
});

test("the stage's modules import each other relatively and statically, and nobody else", () => {
  for (const file of stage) {
    const source = read(file);
    for (const [line, target] of source.matchAll(/^import .*from "([^"]+)";/gm))
      assert.match(target, /^\.\/[\w-]+\.mjs$/, `${file}: ${line}`);
    assert.doesNotMatch(source, /\bimport\(/, file);
  }
});

test("nothing is parsed as markup or run as code", () => {
  for (const file of [...stage, "streamlit.mjs"])
    assert.doesNotMatch(
      read(file),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      file,
    );
});

test("no address outside is named, but for the two XML namespaces", () => {
  for (const file of [...stage, "streamlit.mjs", "stage.css"]) {
    const found = read(file).match(/https?:\/\/[^"'\s)]+/g) ?? [];
    for (const address of found) assert.match(address, /^http:\/\/www\.w3\.org\//, `${file}: ${address}`);
  }
});
