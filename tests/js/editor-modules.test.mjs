// The editor's modules: none parses markup, and the pure ones touch no page.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const assets = new URL("../../assets/", import.meta.url);
const read = (file) => readFileSync(new URL(file, assets), "utf8");
const imports = (file) =>
  [...read(file).matchAll(/^import (?:[^"]* from )?"\.\/([\w.-]+)";/gm)].map(([, name]) => name);

function reachable(from) {
  const seen = new Set();
  for (const todo = [from]; todo.length;) {
    const file = todo.pop();
    if (!seen.has(file)) todo.push(...imports(file));
    seen.add(file);
  }
  return seen;
}

test("nothing is parsed as markup or run as code", () => {
  for (const file of [...reachable("editor.mjs"), "streamlit-editor.mjs"])
    assert.doesNotMatch(
      read(file),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      file,
    );
});

test("the model never touches the page", () => {
  for (const name of [
    "document",
    "edits",
    "history",
    "place",
    "geometry",
    "facts",
    "find",
    "connect",
    "desk",
    "adding",
    "keys",
    "menu",
  ]) {
    assert.doesNotMatch(
      read(`editor-${name}.mjs`),
      /createElement|addEventListener|\bwindow\b|querySelector|globalThis/,
      name,
    );
  }
});
