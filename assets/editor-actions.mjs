// What each button, key and menu item does.

import { isLeafOp, nodeOf } from "./editor-document.mjs";
import { copies } from "./editor-edits.mjs";
import { redo, undo } from "./editor-history.mjs";
import { aligned, GRID } from "./editor-place.mjs";
import { keepCopies, keptCopies } from "./editor-store.mjs";

const PAN = 60;

/** Return perform(action, event); `desk` holds the draft (editor-desk.mjs), `page` is what the editor does with focus and boxes (editor.mjs). */
export function createActions(desk, page, wiring) {
  const { state } = desk;
  const { canvas } = page;
  const nothing = () => desk.tell({ key: "editor.said.nothing" });
  const many = (count) => desk.tell({ key: "editor.many", slots: { count } });

  // What a key acts on: the selection, or the node that has the focus where it is not part of it.
  function chosen() {
    const name = page.focused();
    if (name && !state.selection.includes(name)) desk.select([name]);
    return state.selection;
  }

  const single = (run) => () => {
    const names = chosen();
    return names.length ? run(names.at(-1)) : nothing();
  };

  function travel(move, word) {
    if (!state.history[move === undo ? "past" : "future"].length) return desk.tell({ key: `editor.said.no_${word}` });
    const held = page.focused();
    desk.travel(move(state.history));
    if (held && !canvas.node(held)) page.focus(state.selection[0]);
    return desk.tell({ key: `editor.said.${word}` });
  }

  function remove() {
    const { edge } = state;
    if (edge) return wiring.cut({ node: edge.to, slot: edge.slot });
    const names = chosen();
    if (!names.length) return nothing();
    const inside = page.inCanvas();
    desk.commit({ do: "remove", names }, { selection: [], said: { key: "editor.said.removed", slots: { names } } });
    return inside && page.focus(null);
  }

  function output(name) {
    if (isLeafOp(nodeOf(desk.draft, name).op))
      return desk.refuse({ key: "editor.refuse.leaf_output", slots: { name } });
    return desk.commit({ do: "output", name }, { said: { key: "editor.said.output", slots: { name } } });
  }

  function align() {
    if (!desk.draft.nodes.length) return nothing();
    desk.commit(
      { do: "move", positions: aligned(desk.draft, desk.levels()) },
      { said: { key: "editor.said.aligned" } },
    );
    return page.fit();
  }

  function arrow({ by: [x, y], far }) {
    const names = chosen();
    if (!names.length)
      return canvas.setView({ ...canvas.view, x: canvas.view.x - x * PAN, y: canvas.view.y - y * PAN });
    const size = far ? 1 : GRID;
    desk.commit({ do: "move", positions: desk.shifted(names, [x * size, y * size]) }, { tag: `nudge ${names}` });
    return canvas.reveal(names[0]);
  }

  // ---- the selection

  // Space takes the focused node into the selection, or out of it; with none focused it is held to pan.
  function mark() {
    const name = page.focused();
    if (!name) return page.hold();
    const first = !desk.many && state.selection.length === 1 && state.selection[0] === name;
    desk.select(first ? [name] : desk.toggled(name), null, true);
    return desk.tell({ key: "editor.said.marked", slots: { names: state.selection, count: state.selection.length } });
  }

  function choose() {
    const name = page.focused();
    if (!name) return false;
    desk.select([name]);
    return page.edit(isLeafOp(nodeOf(desk.draft, name).op) ? "value" : "name");
  }

  function selectAll() {
    desk.select(
      desk.draft.nodes.map((node) => node.name),
      null,
      true,
    );
    return many(state.selection.length);
  }

  // ---- copies

  const nodesOf = (names) => names.map((name) => nodeOf(desk.draft, name));

  function copy() {
    const names = chosen();
    if (!names.length) {
      nothing();
      return false;
    }
    keepCopies(nodesOf(names));
    desk.tell({ key: "editor.said.copied", slots: { count: names.length } });
    return true;
  }

  function paste(nodes) {
    if (!nodes.length) return desk.refuse({ key: "editor.refuse.nothing_copied" });
    const fresh = copies(desk.draft, nodes, [0.5, 0.5]);
    const names = fresh.map((node) => node.name);
    desk.commit({ do: "paste", nodes: fresh }, { said: { key: "editor.said.pasted", slots: { count: fresh.length } } });
    desk.select(names, null, names.length > 1);
    canvas.reveal(names[0]);
    return page.focus(names[0]);
  }

  function toggle(setting) {
    state[setting] = !state[setting];
    desk.draw();
    desk.noted();
  }

  const ACTIONS = {
    undo: () => travel(undo, "undo"),
    redo: () => travel(redo, "redo"),
    remove,
    align,
    arrow,
    mark,
    choose,
    selectAll,
    copy,
    cut: () => copy() && remove(),
    paste: () => paste(keptCopies()),
    duplicate: () => {
      const names = chosen();
      return names.length ? paste(nodesOf(names)) : nothing();
    },
    output: single(output),
    connect: single((name) => wiring.start({ node: name, slot: "out" })),
    rename: single((name) => page.startRenaming(name)),
    menu: single((name) => page.openMenu(null, { node: name })),
    escape: () => page.escape(),
    addHere: () => page.addHere(),
    fit: () => page.fit(),
    zoomIn: () => canvas.zoom(1.3),
    zoomOut: () => canvas.zoom(1 / 1.3),
    snap: () => toggle("snapping"),
    ghosts: () => toggle("ghosts"),
    search: () => page.search(),
    help: () => page.help(),
    open: () => page.open(),
  };

  return (action, event = {}) => ACTIONS[action](event);
}
