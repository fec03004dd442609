// The draft in the browser's own storage: unsaved work survives a reload, a shared link is never overruled by it.

import { meaning } from "./editor-document.mjs";
import { drawable } from "./editor-drawable.mjs";
import { keepText, keptText } from "./storage.mjs";

const KEY = "pcgraph.draft";
const COPIED = "pcgraph.copied";

const read = (key) => {
  try {
    return JSON.parse(keptText(key) ?? "null");
  } catch {
    return null;
  }
};
const write = (key, value) => keepText(key, JSON.stringify(value));

/** Keep the draft, with the meanings Python may start from again: what it gave last, and the last draft it could solve. */
export const keepDraft = (document, starts) => write(KEY, { document, starts });

/** Return the draft kept for a start, or null: only where Python gives again what the draft grew from. */
export function draftFor(document, kept = read(KEY)) {
  if (!kept?.document?.nodes || !Array.isArray(kept.starts)) return null;
  const [start, found] = [meaning(document), drawable(kept.document)];
  return kept.starts.includes(start) && meaning(found) !== start ? found : null;
}

export const keepCopies = (nodes) => write(COPIED, nodes);
export const keptCopies = () => read(COPIED) ?? [];
