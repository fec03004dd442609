import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
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

test("every module is used, and none needs itself: in the bundle each runs when it is first needed", () => {
  const files = readdirSync(assets).filter((file) => file.endsWith(".mjs"));
  const entries = files.filter((file) => file.startsWith("streamlit"));
  const used = new Set(entries.flatMap((file) => [...reachable(file)]));
  assert.deepEqual(files.filter((file) => !used.has(file)), []);
  for (const file of files)
    for (const next of imports(file)) assert.ok(!reachable(next).has(file), `${file} and ${next} need each other`);
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
