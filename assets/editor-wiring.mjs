// Edges made by hand and by keyboard: what is said at each step, and what is refused.

import { edgeBetween, firstTarget, targetSentence, targetsOf } from "./editor-connect.mjs";
import { nodeOf, refusal, slotName } from "./editor-document.mjs";

/** Return {join, cut, fits, source, start, key, draw, stop, on}; `desk` holds the draft (editor-desk.mjs). */
export function createWiring(desk, { canvas, focus }) {
  let now = null; // {anchor, targets, at} while an edge is connected by keyboard

  const source = ({ node, slot }) => nodeOf(desk.draft, node).inputs?.[slot] ?? null;

  /** Connect two ports. With `held`, the slot that the edge was taken from, both changes are one edit. */
  function join(a, b, held = null) {
    const edge = edgeBetween(a, b);
    if (!edge) return desk.refuse({ key: "editor.refuse.same_side" });
    if (held && held.node === edge.to && held.slot === edge.slot) return true;
    const before = source({ node: edge.to, slot: edge.slot });
    const edits = [...(held ? [{ do: "disconnect", to: held.node, slot: held.slot }] : []), { do: "connect", ...edge }];
    const key = before && before !== edge.from ? "editor.said.replaced" : "editor.said.connected";
    return desk.commit(edits, { said: { key, slots: { ...edge, slot: slotName(edge.slot), before } } });
  }

  const cut = ({ node, slot }) =>
    desk.commit(
      { do: "disconnect", to: node, slot },
      { said: { key: "editor.said.disconnected", slots: { to: node, slot: slotName(slot) } } },
    );

  function fits(a, b) {
    const edge = edgeBetween(a, b);
    return edge !== null && refusal(desk.draft, { do: "connect", ...edge }) === null;
  }

  /** Begin to connect by keyboard, from an output or from a slot. */
  function start(anchor) {
    const targets = targetsOf(desk.draft, desk.ops, anchor);
    if (!targets.length) return desk.refuse({ key: "editor.refuse.no_target", slots: { name: anchor.node } });
    now = { anchor, targets, at: firstTarget(desk.draft, anchor, targets) };
    focus(anchor.node);
    desk.draw();
    return true;
  }

  function key(action) {
    const { anchor, targets, at } = now;
    if (action === "take") return join(anchor, targets[at]) && focus(anchor.node);
    if (action === "leave") {
      now = null;
      desk.tell({ key: "editor.said.left" });
    } else now.at = (at + (action === "next" ? 1 : -1) + targets.length) % targets.length;
    return desk.draw();
  }

  function draw() {
    if (!now) return canvas.connect(null);
    const { anchor, targets, at } = now;
    canvas.reveal(targets[at].node);
    desk.tell(targetSentence(anchor, targets[at], at, targets.length));
    return canvas.connect(anchor, targets[at], targets[at].loops ? "no" : "yes");
  }

  return {
    join,
    cut,
    fits,
    source,
    start,
    key,
    draw,
    stop() {
      now = null;
    },
    get on() {
      return now !== null;
    },
  };
}
