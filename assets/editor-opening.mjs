// Opens a file in the editor: chosen in the browser's dialog, or dropped on the canvas.

import { html } from "./dom.mjs";
import { readFile } from "./read-file.mjs";

/** Return {element, choose()}. `opened({name, text} or {name, key})` hears of each file: its text, or why it has none. */
export function createOpening(board, { limit, opened }) {
  const element = html("input", { type: "file", accept: ".json,.txt,.pcg", hidden: true, tabindex: -1 });

  async function read(file) {
    if (file) opened(await readFile(file, limit()));
  }

  element.addEventListener("change", () => {
    read(element.files[0]);
    element.value = ""; // the same file, corrected meanwhile, may be chosen again
  });
  const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  board.addEventListener("dragover", (event) => carriesFile(event) && event.preventDefault());
  board.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });
  return { element, choose: () => element.click() };
}
