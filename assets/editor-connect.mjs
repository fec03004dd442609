// Connecting by keyboard: from a node's output to a slot, or from an empty slot to an output; a sentence for each step. Pure but for `tell`.

import { cyclePath, emptySlot, nodeOf, slotCount, slotName } from "./editor-document.mjs";

/** Return the ports an edge from `anchor` can end at, in reading order, each {node, slot, now, loops}: what it holds now, and whether the edge would close a cycle. */
export function targetsOf(document, ops, anchor) {
  const order = [...document.nodes].sort((a, b) => a.position[0] - b.position[0] || a.position[1] - b.position[1]);
  if (anchor.slot !== "out")
    return order
      .filter(({ name }) => name !== anchor.node)
      .map(({ name }) => ({
        node: name,
        slot: "out",
        now: null,
        loops: cyclePath(document, name, anchor.node) !== null,
      }));
  return order.flatMap((node) =>
    Array.from({ length: slotCount(node, ops) }, (_, slot) => ({
      node: node.name,
      slot,
      now: node.inputs?.[slot] ?? null,
      loops: cyclePath(document, anchor.node, node.name) !== null,
    })),
  );
}

/** Return the index to begin at: the nearest port that is empty and closes no cycle, else the first that closes none. */
export function firstTarget(document, anchor, targets) {
  const at = (name) => nodeOf(document, name).position;
  const far = ({ node }) => Math.hypot(at(node)[0] - at(anchor.node)[0], at(node)[1] - at(anchor.node)[1]);
  const open = targets.filter((one) => !one.loops && one.now === null);
  if (open.length) return targets.indexOf(open.reduce((best, one) => (far(one) < far(best) ? one : best)));
  return Math.max(
    0,
    targets.findIndex((one) => !one.loops),
  );
}

/** Return the sentence for a target, as {key, slots}. */
export function targetSentence(anchor, target, index, count) {
  const place = { n: index + 1, count };
  if (anchor.slot !== "out")
    return {
      key: target.loops ? "editor.connect.source_loops" : "editor.connect.source",
      slots: { ...place, to: anchor.node, slot: slotName(anchor.slot), from: target.node },
    };
  const state = target.loops ? "loops" : target.now === null ? "empty" : "full";
  return {
    key: `editor.connect.${state}`,
    slots: { ...place, from: anchor.node, to: target.node, slot: slotName(target.slot), now: target.now ?? "" },
  };
}

/** Return the edge between two ports, {from, to, slot}, in whichever order they were given; null for two of the same kind. */
export function edgeBetween(a, b) {
  if ((a.slot === "out") === (b.slot === "out")) return null;
  const [source, user] = a.slot === "out" ? [a, b] : [b, a];
  return { from: source.node, to: user.node, slot: user.slot };
}

/** Return the slot that an edge dropped on a node goes to: the first empty one, else null. */
export function slotFor(document, ops, name) {
  const slot = emptySlot(nodeOf(document, name), ops);
  return slot === null ? null : { node: name, slot };
}
