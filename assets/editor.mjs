// createEditor: the graph editor. It owns the draft; whoever mounts it hears of each finished edit and tells what the draft means.

import { html, text } from "./dom.mjs";
import { createActions } from "./editor-actions.mjs";
import { addition, linkFrom, linksWith, placeBeside } from "./editor-adding.mjs";
import { createCanvas } from "./editor-canvas.mjs";
import { slotFor } from "./editor-connect.mjs";
import { createDesk } from "./editor-desk.mjs";
import { edgesOf, isLeafOp, nodeOf, parseValue, reshaped } from "./editor-document.mjs";
import { CELL } from "./editor-geometry.mjs";
import { createHelp } from "./editor-help.mjs";
import { createEditInspector } from "./editor-inspector.mjs";
import { connectActionOf, editActionOf, pageActionOf } from "./editor-keys.mjs";
import { canvasItems, edgeItems, nodeItems } from "./editor-menu.mjs";
import { createOpening } from "./editor-opening.mjs";
import { createPalette, opLabel } from "./editor-palette.mjs";
import { freePlace } from "./editor-place.mjs";
import { listenPointer } from "./editor-pointer.mjs";
import { createAddBox, createMenu, createNameField, createNote } from "./editor-popup.mjs";
import { createToolbar } from "./editor-toolbar.mjs";
import { createWiring } from "./editor-wiring.mjs";
import { NARROW, watchRoom } from "./room.mjs";
import { themeOf } from "./theme.mjs";
import { listenPaper, scaled } from "./paper.mjs";

const LEAST = 480;
const LATE = 500; // ms after which numbers that are no longer true turn pale
const READABLE = 30; // up to so many nodes, a narrow screen shows numbers and pans

/**
 * Draw a draft (docs/editor.md, `data`) into an element.
 *
 * options: say; onEdit({rev, document}) hears each finished edit; onOpen({name, text}) of a file that was opened, or {name, key} of one that could not be read; onChange(state) each change of history, selection or view; state: such a state, to go on from;
 * theme: "light", "dark" (default: read from the page); height; lang.
 */
export function createEditor(element, data, options) {
  const { say } = options;
  const root = html("div", { class: "stage editor", "data-testid": "editor", lang: options.lang ?? "en" });
  element.append(root);
  root.dataset.theme = options.theme ?? themeOf(root);
  const status = html("p", { class: "editor-status", role: "status", "aria-live": "polite" });
  const toast = html("p", { class: "toast", role: "alert" });
  const empty = html("p", { class: "empty-hint" }, say("editor.empty_hint"));
  const [setStatus, setToast] = [text(status), text(toast)];
  let [dragging, hovered, sized, late] = [false, null, false, null];

  const canvas = createCanvas({ say, family: getComputedStyle(root).fontFamily });
  const { board } = canvas;
  const desk = createDesk(data, options.state, {
    send: (edit) => options.onEdit?.(edit),
    draw,
    changing: () => wiring.stop(),
    tell: (sentence) => void setStatus(sentence ? say(sentence.key, sentence.slots) : ""),
    refuse,
    noted: () => options.onChange?.({ ...desk.state, view: canvas.view }),
  });
  const { state, commit, select } = desk;

  // What the parts may ask of the page: focus, fields, boxes.
  const page = {
    canvas,
    focus: (name) => (canvas.node(name) ?? canvas.element).focus({ preventScroll: true }),
    focused: () => active()?.closest?.("[data-node]")?.dataset.node ?? null,
    inCanvas: () => canvas.element.contains(active()),
    edit: (field) => inspector.focus(field),
    hold: () => pointer.hold(true),
    search: () => palette.search(),
    help: () => help.toggle(),
    open: () => opening.choose(),
    fit,
    startRenaming,
    openMenu,
    addHere,
    escape,
  };
  const wiring = createWiring(desk, page);
  const perform = createActions(desk, page, wiring);
  const back = () => page.focus(state.selection.at(-1));

  // ---- parts

  const toolbar = createToolbar({ say, perform });
  const palette = createPalette({ say, add: addNode, over });
  const inspector = createEditInspector({ say, act: inspectorActs() });
  const addBox = createAddBox({ say, board, closed: back });
  const menu = createMenu({ say, board, closed: back });
  const nameField = createNameField({ say, board, rename: desk.rename, closed: back });
  const note = createNote({ say, board, repair });
  const help = createHelp(say);
  const opening = createOpening(board, { limit: () => data.limit, opened: (file) => options.onOpen?.(file) });
  board.append(empty, status, toast);
  const main = html("div", { class: "stage-main" }, palette.element, board, inspector.element);
  root.append(toolbar.element, main, help.element, opening.element);
  const pointer = listenPointer(canvas, pointerActs());

  // Numbers are read while they are typed, so that the graph follows; what is half written waits for the end.
  function take(edit, tag, text, now, live) {
    const value = parseValue(text, now);
    return live && typeof value === "string" ? true : desk.typed({ ...edit, value }, tag, live);
  }

  function inspectorActs() {
    return {
      edit: commit,
      perform,
      repair,
      rename: desk.rename,
      leave: back,
      connectFrom: wiring.start,
      value: (name, text, live) =>
        take({ do: "value", name }, `value ${name}`, text, nodeOf(desk.draft, name)?.value, live),
      target: (text, live) => take({ do: "target" }, "target", text, desk.draft.target, live),
      shape(name, shape) {
        if (!shape) return refuse({ key: "editor.refuse.shape" });
        return commit({ do: "value", name, value: reshaped(nodeOf(desk.draft, name).value, shape) });
      },
      show(name) {
        select([name]);
        canvas.reveal(name);
        page.focus(name);
      },
    };
  }

  function pointerActs() {
    return {
      touched() {
        setToast("");
        setStatus("");
        wiring.stop();
        addBox.close(false);
        menu.close(false);
      },
      dragging(on) {
        dragging = on;
        showNote();
      },
      full(name) {
        const key = isLeafOp(nodeOf(desk.draft, name).op) ? "editor.refuse.into_leaf" : "editor.refuse.full";
        return refuse({ key, slots: { name } });
      },
      isSelected: (name) => state.selection.includes(name),
      selected: () => state.selection,
      select: (names, several = false) => select(names, null, several),
      toggle: (name) => select(desk.toggled(name), null, true),
      selectEdge: (edge) => select([], edge),
      snapped: desk.snapped,
      moved: ([dx, dy]) => commit({ do: "move", positions: desk.shifted(state.selection, [dx / CELL.w, dy / CELL.h]) }),
      slotFor: (name) => slotFor(desk.draft, desk.ops, name),
      source: wiring.source,
      fits: wiring.fits,
      connect: wiring.join,
      disconnect: wiring.cut,
      openAdd,
      menu: openMenu,
      rename: startRenaming,
    };
  }

  // ---- drawing

  function draw() {
    const { selection, edge, ghosts, history, rev, snapping } = state;
    const { draft, facts, known } = desk;
    const scene = { document: draft, facts, selection, edge, ghosts };
    canvas.draw(scene);
    inspector.draw(scene);
    const [nodes, edges] = [draft.nodes.length, edgesOf(draft).length];
    toolbar.draw({
      can: {
        undo: history.past.length > 0,
        redo: history.future.length > 0,
        remove: selection.length > 0 || edge !== null,
        align: nodes > 0,
      },
      snapping,
      ghosts,
      identities: facts.identities,
      nodes,
      edges,
    });
    empty.hidden = nodes > 0;
    const shown = {
      rev,
      nodes,
      edges,
      selected: selection.join(" "),
      stale: !known,
      complete: facts.complete && known,
    };
    for (const [name, value] of Object.entries(shown)) root.dataset[name] = String(value);
    age(known);
    wiring.draw();
    showNote();
  }

  // Numbers turn pale only where the answer takes its time: else each edit would paint all of them twice more.
  function age(known) {
    if (!known) late ??= setTimeout(() => root.classList.add("late"), LATE);
    else {
      clearTimeout(late);
      late = null;
      root.classList.remove("late");
    }
  }

  // What is wrong with a node is said at the node under the hand, or at the one selected.
  function showNote() {
    const name = hovered ?? (state.selection.length === 1 ? state.selection[0] : null);
    const silent = name === null || dragging || wiring.on || !nodeOf(desk.draft, name);
    const problems = silent ? [] : desk.facts.problemsOf(name);
    if (problems.length) note.show(canvas.boxOf(name), problems, canvas.size);
    else note.hide();
  }

  function fit() {
    canvas.fit(root.classList.contains("narrow") && desk.draft.nodes.length <= READABLE);
  }

  /** Say why something was not done; it stays until the next action. Returns false. */
  function refuse(sentence) {
    setToast(sentence ? say(sentence.key, sentence.slots) : "");
    return false;
  }

  function repair({ node, repair: way }) {
    const { slot, to } = way;
    const on = way.node ?? node;
    const edits = {
      remove: { do: "remove", names: [on] },
      output: { do: "output", name: on },
      connect: { do: "connect", from: to, to: on, slot },
      value: { do: "value", name: on, value: to },
    };
    if (way.do === "rename") return to ? desk.rename(on, to) : startRenaming(on);
    if (way.do === "connect" && !to) return wiring.start({ node: on, slot });
    if (way.do !== "value" || (on && to !== null)) return commit(edits[way.do]);
    if (on) select([on]);
    return inspector.focus(on ? "value" : "target");
  }

  // ---- adding

  function over({ clientX: x, clientY: y }) {
    const box = board.getBoundingClientRect();
    return x > box.left && x < box.right && y > box.top && y < box.bottom;
  }

  /** Add a node: where it was dropped or asked for, else beside the selection; by keyboard also connected to it. */
  function addNode(op, { event = null, at = null, from = null, keyboard = false } = {}) {
    const { draft, ops } = desk;
    const asked = at ?? (event ? canvas.layoutOf(event) : null);
    const beside = () => freePlace(draft, desk.placed(placeBeside(draft, ops, state.selection, op, canvas.middle())));
    const links = (name) =>
      from ? linkFrom(from, name, op) : keyboard ? linksWith(draft, ops, state.selection, name, op) : [];
    const { name, edits } = addition(draft, op, asked ? desk.placed(asked) : beside(), links);
    const edges = edits.slice(1).map((one) => `${one.from} → ${one.to}`);
    const key = edges.length ? "editor.said.added_connected" : "editor.said.added";
    commit(edits, { said: { key, slots: { name, op: opLabel(say)({ name: op }), edges } } });
    select([name]);
    canvas.reveal(name);
    if (keyboard || asked) page.focus(name);
  }

  function openAdd(event, from) {
    const at = canvas.layoutOf(event);
    addBox.open(canvas.pointOf(event), (op) => addNode(op, { at, from }));
  }

  function addHere() {
    const { w, h } = canvas.size;
    addBox.open([w / 2 - 125, h / 2 - 120], (op) => addNode(op, { keyboard: true }));
  }

  // ---- names, menus

  function startRenaming(name) {
    select([name]);
    canvas.reveal(name);
    nameField.open(name, canvas.boxOf(name));
  }

  /** Open the menu of what was hit: by an event where the hand is, by keyboard at the node. */
  function openMenu(event, hit) {
    const name = hit.node ?? hit.port?.node;
    if (name && !state.selection.includes(name)) select([name]);
    if (hit.edge) select([], hit.edge);
    const items = name ? nodeItems(nodeOf(desk.draft, name).op, say) : hit.edge ? edgeItems(say) : canvasItems(say);
    const choose = (action) => (action === "add" ? openAdd(event, null) : perform(action));
    const place = event ? canvas.pointOf(event) : Object.values(canvas.boxOf(name));
    const runs = items.map((one) => ({ ...one, run: () => choose(one.action) }));
    menu.open(place, runs, event?.pointerType === "touch");
  }

  function escape() {
    if (pointer.busy) return pointer.cancel();
    setStatus("");
    return select([]);
  }

  // ---- listeners

  const active = () => root.getRootNode().activeElement;

  function onKey(event) {
    const path = event.composedPath();
    const typing = path.some((one) => one.matches?.("input, textarea, select"));
    const wire = wiring.on && !typing ? connectActionOf(event) : null;
    const action = wire ? null : editActionOf(event, path);
    if (wire || action) run(event, wire, action);
  }

  function run(event, wire, action) {
    setToast("");
    if (wire) wiring.key(wire);
    else if (perform(action.name, action) === false && action.name === "choose") return;
    event.preventDefault();
    event.stopPropagation();
  }

  // With the focus on nothing, keys are the editor's too: it is what the page is for.
  function onPageKey(event) {
    const path = event.composedPath();
    if (path.includes(root)) return;
    const onNothing = event.target === document.body || event.target === document.documentElement;
    const action = pageActionOf(event, path, onNothing);
    if (action) run(event, null, action);
  }

  const onKeyUp = (event) => {
    if (event.key === " ") pointer.hold(false);
  };

  function onFocus(event) {
    const name = event.target.dataset?.node;
    if (!name || !event.target.matches(":focus-visible")) return;
    canvas.reveal(name);
    if (!desk.many && !wiring.on && !pointer.busy && state.selection.join() !== name) select([name]);
  }

  const hover = (name) => {
    hovered = name;
    showNote();
  };

  root.addEventListener("keydown", onKey);
  document.addEventListener("keydown", onPageKey, true);
  document.addEventListener("keyup", onKeyUp, true);
  canvas.element.addEventListener("focusin", onFocus);
  canvas.element.addEventListener("pointerover", (event) => hover(event.target.dataset?.node ?? null));
  canvas.element.addEventListener("pointerleave", () => hover(null));
  canvas.onView(() => {
    showNote();
    nameField.close();
    desk.noted();
  });

  // ---- room

  const room = watchRoom(root, ({ width, height }) => {
    root.classList.toggle("narrow", width < NARROW);
    root.style.height = width < NARROW ? "" : `${Math.max(options.height ?? height, LEAST)}px`;
  });
  const boardSize = new ResizeObserver(([{ contentRect }]) => resize({ w: contentRect.width, h: contentRect.height }));

  let onScreen = null; // while it is printed: the view and the theme of the screen
  const graph = board.querySelector(".graph");
  const stopPaper = listenPaper(
    () => {
      onScreen = { view: canvas.view, theme: root.dataset.theme };
      root.dataset.theme = "light";
      canvas.fit();
      scaled(graph, canvas.size);
    },
    () => {
      root.dataset.theme = onScreen.theme;
      canvas.setView(onScreen.view);
      onScreen = null;
      scaled(graph, null);
    },
  );

  function resize(size) {
    if (onScreen || size.w < 10 || size.h < 10) return;
    canvas.resize(size);
    if (sized) return;
    sized = true;
    if (state.view) canvas.setView(state.view);
    else fit();
  }

  function setOps(rows) {
    desk.setOps(rows);
    for (const part of [canvas, palette, inspector, addBox]) part.setOps(desk.ops);
  }

  setOps(data.ops ?? []);
  draw();
  boardSize.observe(board);
  resize({ w: board.clientWidth, h: board.clientHeight });
  if (options.state?.unsent) desk.announce();

  return {
    root,
    get document() {
      return desk.draft;
    },
    /** Take what Python says: a new inspection, or, with a new `source`, another document. */
    setData(next) {
      if (JSON.stringify(next.ops) !== JSON.stringify(data.ops)) setOps(next.ops ?? []);
      data = next;
      if (!desk.take(next)) fit();
    },
    setTheme(theme) {
      root.dataset.theme = theme ?? themeOf(root);
    },
    destroy() {
      desk.flush();
      clearTimeout(late);
      room.stop();
      stopPaper();
      boardSize.disconnect();
      pointer.stop();
      document.removeEventListener("keydown", onPageKey, true);
      document.removeEventListener("keyup", onKeyUp, true);
      root.remove();
    },
  };
}
