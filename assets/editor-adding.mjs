// Where a new node goes and what it is connected to. Pure.

import { emptySlot, isLeafOp, newName, nodeOf } from "./editor-document.mjs";
import { newNode } from "./editor-edits.mjs";

/** Return the place beside the selected nodes: right of them for an op, left of an empty slot that a leaf fills; the middle of the canvas where none is selected. */
export function placeBeside(document, ops, selection, op, middle) {
  const places = selection.map((name) => nodeOf(document, name).position);
  if (!places.length) return middle;
  const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
  const y = ys.reduce((sum, one) => sum + one, 0) / ys.length;
  if (!isLeafOp(op)) return [Math.max(...xs) + 1, y];
  return openSlot(document, ops, selection) ? [Math.min(...xs) - 1, y] : [Math.min(...xs), y + 1];
}

/** Return the first empty slot of the one node that is selected, {node, slot}, or null. */
export function openSlot(document, ops, selection) {
  if (selection.length !== 1) return null;
  const slot = emptySlot(nodeOf(document, selection[0]), ops);
  return slot === null ? null : { node: selection[0], slot };
}

/** Return the edits that connect a new node to the selection: a leaf goes into the selected node, the selected nodes go into an op, in the order in which they were selected. */
export function linksWith(document, ops, selection, name, op) {
  const slot = openSlot(document, ops, selection);
  if (isLeafOp(op)) return slot ? [{ do: "connect", from: name, to: slot.node, slot: slot.slot }] : [];
  return selection
    .slice(0, ops.get(op)?.arity[1] ?? undefined)
    .map((from, i) => ({ do: "connect", from, to: name, slot: i }));
}

/** Return the edit that connects a new node to the port its wire came from. */
export function linkFrom(port, name, op) {
  if (port.slot !== "out") return [{ do: "connect", from: name, to: port.node, slot: port.slot }];
  return isLeafOp(op) ? [] : [{ do: "connect", from: port.node, to: name, slot: 0 }];
}

/** Return {name, edits}: a new node of an op at a position, with its edges. `links(name)` gives their edits. */
export function addition(document, op, position, links) {
  const name = newName(document, op);
  return { name, edits: [{ do: "add", node: newNode(name, op, position) }, ...links(name)] };
}
