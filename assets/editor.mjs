// createEditor: the graph editor. It owns the draft; whoever mounts it hears of each finished edit and tells what the draft means.

import { html, text } from "./dom.mjs";
import { createActions } from "./editor-actions.mjs";
import { addition, linkFrom, linksWith, placeBeside } from "./editor-adding.mjs";
import { createCanvas } from "./editor-canvas.mjs";
import { slotFor } from "./editor-connect.mjs";
import { edgesOf, isLeafOp, meaning, nodeOf, opTable, refusal, reshaped } from "./editor-document.mjs";
import { apply } from "./editor-edits.mjs";
import { factsOf } from "./editor-facts.mjs";
import { CELL } from "./editor-geometry.mjs";
import { createHelp } from "./editor-help.mjs";
import { begin, push, seal } from "./editor-history.mjs";
import { createEditInspector } from "./editor-inspector.mjs";
import { connectActionOf, editActionOf, pageActionOf } from "./editor-keys.mjs";
import { canvasItems, edgeItems, nodeItems } from "./editor-menu.mjs";
import { createPalette, opLabel } from "./editor-palette.mjs";
import { freePlace, settled, snap } from "./editor-place.mjs";
import { listenPointer } from "./editor-pointer.mjs";
import { createAddBox, createMenu, createNameField, createNote } from "./editor-popup.mjs";
import { keepDraft } from "./editor-store.mjs";
import { createToolbar } from "./editor-toolbar.mjs";
import { createWiring } from "./editor-wiring.mjs";
import { NARROW, watchRoom } from "./room.mjs";
import { themeOf } from "./theme.mjs";

const QUIET = 150; // ms after which a run of small edits is sent
const LEAST = 480;
const READABLE = 30; // up to so many nodes, a narrow screen shows numbers and pans

/**
 * Draw a draft (docs/editor.md, `data`) into an element.
 *
 * options: say; onEdit({rev, document}) hears each finished edit; onChange(state) each change of history, selection or view; state: such a state, to go on from;
 * theme: "light", "dark" (default: read from the page); height; lang.
 */
export function createEditor(element, data, options) {
  const { say } = options;
  const root = html("div", { class: "stage editor", "data-testid": "editor", lang: options.lang ?? "en" });
  element.append(root);
  root.dataset.theme = options.theme ?? themeOf(root);

  const state = { history: begin(settled(data.document)), rev: data.rev ?? 0, selection: [], edge: null, snapping: true, ghosts: false, view: null, ...options.state };
  let [ops, inspection, facts] = [new Map(), null, factsOf(null)];
  let [starts, many, dragging, hovered, timer, sized] = [[meaning(data.document)], false, false, null, null, false];
  const draft = () => state.history.present;

  // ---- the desk: what every part of the editor works with

  const canvas = createCanvas({ say, family: getComputedStyle(root).fontFamily });
  const desk = {
    say, state, canvas, draw, commit, refuse, tell, select, toggled, shifted, fit, startRenaming, openMenu, addHere, escape,
    get draft() { return draft(); },
    get ops() { return ops; },
    get many() { return many; },
    history(next) { state.history = next; changed(); },
    levels: () => (known() ? facts.levels : undefined),
    focus(name) { (canvas.node(name) ?? canvas.element).focus({ preventScroll: true }); },
    focused: () => active()?.closest?.("[data-node]")?.dataset.node ?? null,
    inCanvas: () => canvas.element.contains(active()),
    edit: (field) => inspector.focus(field),
    hold: () => pointer.hold(true),
    search: () => palette.search(),
    help: () => help.toggle(),
    noted: () => options.onChange?.({ ...state, view: canvas.view }),
  };
  const wiring = createWiring(desk);
  desk.wiring = wiring;
  const { perform } = createActions(desk);

  // ---- parts

  const { board } = canvas;
  const status = html("p", { class: "editor-status", role: "status", "aria-live": "polite" });
  const toast = html("p", { class: "toast", role: "alert" });
  const empty = html("p", { class: "empty-hint" }, say("editor.empty_hint"));
  const [setStatus, setToast] = [text(status), text(toast)];
  const back = () => desk.focus(state.selection.at(-1));
  const toolbar = createToolbar({ say, perform });
  const palette = createPalette({ say, add: addNode, over });
  const inspector = createEditInspector({ say, act: {
    edit: commit, perform, rename, repair, leave: back, connectFrom: wiring.start,
    value: (name, value, live) => typed({ do: "value", name, value }, `value ${name}`, live),
    target: (value, live) => typed({ do: "target", value }, "target", live),
    shape: (name, shape) => (shape ? commit({ do: "value", name, value: reshaped(nodeOf(draft(), name).value, shape) }) : refuse({ key: "editor.refuse.shape" })),
    show(name) { select([name]); canvas.reveal(name); desk.focus(name); },
  } });
  const addBox = createAddBox({ say, board, closed: back });
  const menu = createMenu({ say, board, closed: back });
  const nameField = createNameField({ say, board, rename, closed: back });
  const note = createNote({ say, board, repair });
  const help = createHelp(say);
  board.append(empty, status, toast);
  root.append(toolbar.element, html("div", { class: "stage-main" }, palette.element, board, inspector.element), help.element);

  const pointer = listenPointer(canvas, {
    touched() { setToast(""); tell(null); wiring.stop(); addBox.close(false); menu.close(false); },
    isSelected: (name) => state.selection.includes(name),
    selected: () => state.selection,
    select: (names, several = false) => select(names, null, several),
    toggle: (name) => select(toggled(name), null, true),
    selectEdge: (edge) => select([], edge),
    snapped,
    moved: ([dx, dy]) => commit({ do: "move", positions: shifted(state.selection, [dx / CELL.w, dy / CELL.h]) }),
    dragging(on) { dragging = on; showNote(); },
    slotFor: (name) => slotFor(draft(), ops, name),
    source: wiring.source, fits: wiring.fits, connect: wiring.join, disconnect: wiring.cut,
    full: (name) => refuse({ key: isLeafOp(nodeOf(draft(), name).op) ? "editor.refuse.into_leaf" : "editor.refuse.full", slots: { name } }),
    openAdd, menu: openMenu, rename: startRenaming,
  });

  // ---- drawing

  const known = () => inspection !== null && inspection.rev === state.rev;

  function draw() {
    const { selection, edge, ghosts, history } = state;
    const scene = { document: draft(), facts, selection, edge, ghosts };
    canvas.draw(scene);
    inspector.draw(scene);
    const [nodes, edges] = [draft().nodes.length, edgesOf(draft()).length];
    toolbar.draw({
      canUndo: history.past.length > 0, canRedo: history.future.length > 0, canRemove: selection.length > 0 || edge !== null, canAlign: nodes > 0,
      snapping: state.snapping, showing: ghosts, identities: facts.identities, nodes, edges,
    });
    empty.hidden = nodes > 0;
    Object.assign(root.dataset, { rev: state.rev, nodes, edges, selected: selection.join(" "), stale: String(!known()), complete: String(facts.complete && known()) });
    wiring.draw();
    showNote();
  }

  // What is wrong with a node is said at the node under the hand, or at the one selected.
  function showNote() {
    const name = hovered ?? (state.selection.length === 1 ? state.selection[0] : null);
    const problems = name === null || dragging || wiring.on || !nodeOf(draft(), name) ? [] : facts.problemsOf(name);
    if (problems.length) note.show(canvas.boxOf(name), problems, canvas.size);
    else note.hide();
  }

  function fit() { canvas.fit(root.classList.contains("narrow") && draft().nodes.length <= READABLE); }

  // ---- telling

  function tell(sentence) { setStatus(sentence ? say(sentence.key, sentence.slots) : ""); }

  /** Say why something was not done; it stays until the next action. Returns false. */
  function refuse(sentence) {
    setToast(say(sentence.key, sentence.slots));
    return false;
  }

  // ---- editing

  /** Make an edit or a list of them one step of the history. Returns false, and says why, where it is refused. */
  function commit(edit, { tag = null, selection = null, said = null } = {}) {
    setToast("");
    let next = draft();
    for (const one of [edit].flat()) {
      const no = refusal(next, one);
      if (no) return refuse(no);
      next = apply(next, one, ops);
    }
    if (JSON.stringify(next) === JSON.stringify(draft())) { draw(); return true; }
    state.history = push(state.history, next, tag);
    if (selection) [state.selection, state.edge] = [selection, null];
    changed(tag !== null);
    tell(said);
    return true;
  }

  // What is typed letter by letter is one edit, sent when the typing pauses or ends.
  function typed(edit, tag, live = false) {
    const done = commit(edit, { tag });
    if (live) return done;
    state.history = seal(state.history);
    if (timer !== null) send();
    return done;
  }

  function changed(soon = false) {
    state.rev += 1;
    keepKnown();
    wiring.stop();
    draw();
    keepDraft(draft(), starts);
    clearTimeout(timer);
    if (soon) timer = setTimeout(send, QUIET);
    else send();
    desk.noted();
  }

  // The selection never names what is gone.
  function keepKnown() {
    state.selection = state.selection.filter((name) => nodeOf(draft(), name));
    const { edge } = state;
    if (edge && !edgesOf(draft()).some((one) => one.from === edge.from && one.to === edge.to && one.slot === edge.slot)) state.edge = null;
  }

  function send() {
    clearTimeout(timer);
    timer = null;
    options.onEdit?.({ rev: state.rev, document: draft() });
  }

  /** Select nodes or an edge; `several` keeps the selection while the focus moves on. */
  function select(names, edge = null, several = false) {
    many = several;
    Object.assign(state, { selection: names, edge, history: seal(state.history) });
    draw();
    desk.noted();
  }

  function toggled(name) { return state.selection.includes(name) ? state.selection.filter((one) => one !== name) : [...state.selection, name]; }

  function rename(name, to) {
    const selection = state.selection.map((one) => (one === name ? to : one));
    return commit({ do: "rename", name, to }, { selection, said: { key: "editor.said.renamed", slots: { name, to } } });
  }

  function repair({ node, repair: way }) {
    const { slot, to } = way;
    const on = way.node ?? node;
    const edits = { remove: { do: "remove", names: [on] }, output: { do: "output", name: on }, connect: { do: "connect", from: to, to: on, slot }, value: { do: "value", name: on, value: to } };
    if (way.do === "rename") return to ? rename(on, to) : startRenaming(on);
    if (way.do === "connect" && !to) return wiring.start({ node: on, slot });
    if (way.do !== "value" || (on && to !== null)) return commit(edits[way.do]);
    if (on) select([on]);
    return inspector.focus(on ? "value" : "target");
  }

  // ---- places

  const rounded = ([x, y]) => [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
  const placed = (position) => (state.snapping ? snap(position) : rounded(position));

  function shifted(names, [dx, dy]) {
    return Object.fromEntries(names.map((name) => { const [x, y] = nodeOf(draft(), name).position; return [name, rounded([x + dx, y + dy])]; }));
  }

  // The node under the hand goes to the grid; the others keep their distance to it.
  function snapped(name, [dx, dy]) {
    const [x, y] = nodeOf(draft(), name).position;
    const [a, b] = placed([x + dx / CELL.w, y + dy / CELL.h]);
    return [(a - x) * CELL.w, (b - y) * CELL.h];
  }

  // ---- adding

  function over({ clientX: x, clientY: y }) {
    const box = board.getBoundingClientRect();
    return x > box.left && x < box.right && y > box.top && y < box.bottom;
  }

  /** Add a node: where it was dropped or asked for, else beside the selection; by keyboard also connected to it. */
  function addNode(op, { event = null, at = null, from = null, keyboard = false } = {}) {
    const wanted = at ?? (event ? canvas.layoutOf(event) : placeBeside(draft(), ops, state.selection, op, canvas.middle()));
    const position = event || at ? placed(wanted) : freePlace(draft(), placed(wanted));
    const links = (name) => (from ? linkFrom(from, name, op) : keyboard ? linksWith(draft(), ops, state.selection, name, op) : []);
    const { name, edits } = addition(draft(), op, position, links);
    const edges = edits.slice(1).map((one) => `${one.from} → ${one.to}`);
    const said = { key: edges.length ? "editor.said.added_connected" : "editor.said.added", slots: { name, op: opLabel(say)({ name: op }), edges } };
    commit(edits, { selection: [name], said });
    many = false;
    canvas.reveal(name);
    if (keyboard || event || at) desk.focus(name);
  }

  function openAdd(event, from) {
    const at = canvas.layoutOf(event);
    addBox.open(canvas.pointOf(event), (op) => addNode(op, { at, from }));
  }

  function addHere() {
    addBox.open([canvas.size.w / 2 - 125, canvas.size.h / 2 - 120], (op) => addNode(op, { keyboard: true }));
  }

  // ---- names, menus

  function startRenaming(name) {
    select([name]);
    canvas.reveal(name);
    nameField.open(name, canvas.boxOf(name));
  }

  function openMenu(event, hit) {
    const name = hit.node ?? hit.port?.node;
    if (name && !state.selection.includes(name)) select([name]);
    if (hit.edge) select([], hit.edge);
    const items = name ? nodeItems(nodeOf(draft(), name).op, say) : hit.edge ? edgeItems(say) : canvasItems(say);
    const choose = (action) => (action === "add" ? openAdd(event, null) : perform(action));
    menu.open(event ? canvas.pointOf(event) : Object.values(canvas.boxOf(name)), items.map((one) => ({ ...one, run: () => choose(one.action) })), event?.pointerType === "touch");
  }

  function escape() {
    if (pointer.busy) return pointer.cancel();
    tell(null);
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

  const onKeyUp = (event) => { if (event.key === " ") pointer.hold(false); };

  function onFocus(event) {
    const name = event.target.dataset?.node;
    if (!name || !event.target.matches(":focus-visible")) return;
    canvas.reveal(name);
    if (!many && !wiring.on && !pointer.busy && state.selection.join() !== name) select([name]);
  }

  root.addEventListener("keydown", onKey);
  document.addEventListener("keydown", onPageKey, true);
  document.addEventListener("keyup", onKeyUp, true);
  canvas.element.addEventListener("focusin", onFocus);
  canvas.element.addEventListener("pointerover", (event) => { hovered = event.target.closest?.("[data-node]")?.dataset.node ?? null; showNote(); });
  canvas.element.addEventListener("pointerleave", () => { hovered = null; showNote(); });
  canvas.onView(() => { showNote(); nameField.close(); desk.noted(); });

  const room = watchRoom(root, ({ width, height }) => {
    root.classList.toggle("narrow", width < NARROW);
    root.style.height = width < NARROW ? "" : `${Math.max(options.height ?? height, LEAST)}px`;
  });
  const boardSize = new ResizeObserver(([{ contentRect: { width, height } }]) => resize({ w: width, h: height }));

  function resize(size) {
    if (size.w < 10 || size.h < 10) return;
    canvas.resize(size);
    if (sized) return;
    sized = true;
    if (state.view) canvas.setView(state.view);
    else fit();
  }

  // ---- from Python

  function setOps(rows) {
    ops = opTable(rows);
    for (const part of [canvas, palette, inspector, addBox]) part.setOps(ops);
  }

  function learn(next, rev) {
    inspection = next && { ...next, rev };
    facts = factsOf(inspection);
    if (!inspection?.complete) return;
    starts = [starts[0], meaning(draft())];
    keepDraft(draft(), starts);
  }

  // Another document is one more step of the history: undo brings the old one back.
  function replace(document) {
    const before = draft();
    const next = settled(document, before);
    state.history = push(state.history, next);
    starts = [meaning(document)];
    keepKnown();
    wiring.stop();
    return next.nodes.some((node) => nodeOf(before, node.name));
  }

  /** Take what Python says: a new inspection, or, with a new `source`, another document. */
  function setData(next) {
    if (JSON.stringify(next.ops) !== JSON.stringify(data.ops)) setOps(next.ops ?? []);
    const fresh = next.source !== data.source;
    const akin = !fresh || replace(next.document);
    if (fresh) state.rev = Math.max(state.rev, next.rev ?? 0);
    if (fresh || (next.rev ?? 0) >= state.rev) learn(next.inspection ?? null, state.rev);
    data = next;
    draw();
    if (!akin) fit();
  }

  setOps(data.ops ?? []);
  learn(data.inspection ?? null, data.rev ?? 0);
  draw();
  boardSize.observe(board);
  resize({ w: board.clientWidth, h: board.clientHeight });
  if (state.unsent) { state.unsent = false; send(); }

  return {
    root,
    get document() { return draft(); },
    setData,
    setTheme(theme) { root.dataset.theme = theme ?? themeOf(root); },
    destroy() {
      if (timer !== null) send();
      room.stop();
      boardSize.disconnect();
      pointer.stop();
      document.removeEventListener("keydown", onPageKey, true);
      document.removeEventListener("keyup", onKeyUp, true);
      root.remove();
    },
  };
}
