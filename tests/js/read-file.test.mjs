// A file's bytes become text in the encoding they are in, or a sentence says why not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { decoded, readFile } from "../../assets/read-file.mjs";

const TEXT = '{"title": "误差 é"}';
const utf16 = (text, big) =>
  Uint8Array.from([...text].flatMap((one) => {
    const code = one.charCodeAt(0);
    return big ? [code >> 8, code & 255] : [code & 255, code >> 8];
  }));
const marked = (mark, bytes) => Uint8Array.from([...mark, ...bytes]);
const utf8 = new TextEncoder().encode(TEXT);
const file = (bytes, name = "graph.json") => new File([bytes], name);

test("UTF-8 and UTF-16, marked or not, are read", () => {
  const forms = [
    utf8,
    marked([0xef, 0xbb, 0xbf], utf8),
    utf16(TEXT, false),
    utf16(TEXT, true),
    marked([0xff, 0xfe], utf16(TEXT, false)),
    marked([0xfe, 0xff], utf16(TEXT, true)),
  ];
  for (const bytes of forms) assert.equal(decoded(bytes), TEXT);
  assert.equal(decoded(new Uint8Array()), "");
});

test("what is no text is refused, never half read", () => {
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
  for (const bytes of [png, [0xff, 0xfe, 0x00], [0x41, 0x42, 0x00, 0x43], [0xc3], [0xff, 0xfe, 0x00, 0xd8]])
    assert.equal(decoded(Uint8Array.from(bytes)), null, String(bytes));
});

test("a file's size is refused before it is read", async () => {
  const large = { name: "large.json", size: 11, arrayBuffer: () => assert.fail("read") };
  assert.deepEqual(await readFile(large, 10), {
    name: "large.json",
    key: "error.limit.file",
    slots: { file: "large.json", most: 10 },
  });
  assert.deepEqual(await readFile(file(utf8), 100), { name: "graph.json", text: TEXT });
  assert.equal((await readFile(file(Uint8Array.from([0xff])), 10)).key, "error.document.utf8");
  const gone = { name: "gone.json", size: 1, arrayBuffer: () => Promise.reject(new Error("NotFound")) };
  assert.equal((await readFile(gone, 10)).key, "error.document.no_file");
});
