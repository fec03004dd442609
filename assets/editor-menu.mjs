// What the menu offers for a node, an edge, or the bare canvas. Pure: returns {label, action or run, keys}.

import { isLeafOp } from "./editor-document.mjs";

const item =
  (say) =>
  (key, action, keys = "") => ({ label: say(key), action, keys });

/** Return the items for a node of an op. */
export function nodeItems(op, say) {
  const one = item(say);
  const own = isLeafOp(op) ? one("editor.menu_value", "choose", "Enter") : one("editor.set_output", "output", "o");
  return [
    one("editor.menu_connect", "connect", "c"),
    one("editor.rename", "rename", "F2"),
    own,
    one("editor.duplicate", "duplicate", "Ctrl+D"),
    one("editor.copy", "copy", "Ctrl+C"),
    one("editor.delete", "remove", "Del"),
  ];
}

export const edgeItems = (say) => [item(say)("editor.delete", "remove", "Del")];

/** Return the items for the bare canvas. */
export function canvasItems(say) {
  const one = item(say);
  return [
    one("editor.add_here", "add"),
    one("editor.paste", "paste", "Ctrl+V"),
    one("editor.align", "align", "l"),
    one("editor.fit", "fit", "f"),
  ];
}
