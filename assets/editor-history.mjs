// Undo and redo: a list of whole documents, without end. Pure.

export const begin = (document) => ({ past: [], present: document, future: [], tag: null });

/** Return the history with a new document. Edits that follow each other with the same tag are one. */
export function push(history, document, tag = null) {
  if (document === history.present) return history;
  const past = tag !== null && tag === history.tag ? history.past : [...history.past, history.present];
  return { past, present: document, future: [], tag };
}

/** Return the history with its last edits sealed: the next one stands for itself. */
export const seal = (history) => (history.tag === null ? history : { ...history, tag: null });

export function undo({ past, present, future }) {
  return { past: past.slice(0, -1), present: past.at(-1), future: [present, ...future], tag: null };
}

export function redo({ past, present, future }) {
  return { past: [...past, present], present: future[0], future: future.slice(1), tag: null };
}
