// createEditor: the graph editor. It owns the draft; whoever mounts it hears of each finished edit and tells what the draft means.

import { html, text } from "./dom.mjs";
import { createCanvas } from "./editor-canvas.mjs";
import { edgeBetween, firstTarget, slotFor, targetSentence, targetsOf } from "./editor-connect.mjs";
import { edgesOf, emptySlot, isLeafOp, meaning, newName, nodeOf, opTable, parseValue, refusal, reshaped, slotName } from "./editor-document.mjs";
import { apply, copies, newNode } from "./editor-edits.mjs";
import { factsOf } from "./editor-facts.mjs";
import { createHelp } from "./editor-help.mjs";
import { begin, push, redo, seal, undo } from "./editor-history.mjs";
import { createEditInspector } from "./editor-inspector.mjs";
import { connectActionOf, editActionOf } from "./editor-keys.mjs";
import { createPalette } from "./editor-palette.mjs";
import { aligned, freePlace, GRID, settled, snap } from "./editor-place.mjs";
import { listenPointer } from "./editor-pointer.mjs";
import { createAddBox, createMenu, createNameField, createNote } from "./editor-popup.mjs";
import { keepCopies, keepDraft, keptCopies } from "./editor-store.mjs";
import { createToolbar } from "./editor-toolbar.mjs";
import { NARROW, watchRoom } from "./room.mjs";
import { themeOf } from "./theme.mjs";

const QUIET = 150; // ms after which a run of small edits is sent
const LEAST = 480;

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

  const state = { history: begin(settled(data.document)), rev: data.rev ?? 0, selection: [], edge: null, snapping: true, ghosts: false, ...options.state };
  let ops = opTable(data.ops ?? []);
  let [source, inspection, facts] = [data.source, data.inspection ?? null, factsOf(data.inspection)];
  let starts = [meaning(data.document)];
  let [sticky, connecting, dragging, hovered, timer, ready] = [false, null, false, null, null, false];
  const draft = () => state.history.present;

  // ---- parts

  const canvas = createCanvas({ say, family: getComputedStyle(root).fontFamily });
  const { board } = canvas;
  const status = html("p", { class: "editor-status", role: "status", "aria-live": "polite" });
  const toast = html("p", { class: "toast", role: "alert" });
  const empty = html("p", { class: "empty-hint" }, say("editor.empty_hint"));
  const [setStatus, setToast] = [text(status), text(toast)];
  const toNode = () => focusNode(state.selection.at(-1));
  const add = (op, how) => addNode(op, how);
  const over = (event) => { const box = board.getBoundingClientRect(); return event.clientX > box.left && event.clientX < box.right && event.clientY > box.top && event.clientY < box.bottom; };
  const act = {
    edit: (edit) => commit(edit), perform, rename, repair, connectFrom: startConnecting,
    value: (name, value) => commit({ do: "value", name, value }, { tag: `value ${name}` }),
    target: (value) => commit({ do: "target", value }, { tag: "target" }),
    shape: (name, shape) => (shape ? commit({ do: "value", name, value: reshaped(nodeOf(draft(), name).value, shape) }) : refuse({ key: "editor.refuse.shape" })),
    show: (name) => { select([name]); canvas.reveal(name); focusNode(name); },
  };
  const toolbar = createToolbar({ say, perform });
  const palette = createPalette({ say, add, over });
  const inspector = createEditInspector({ say, act });
  const addBox = createAddBox({ say, board, closed: toNode });
  const menu = createMenu({ say, board, closed: toNode });
  const nameField = createNameField({ say, board, rename, closed: toNode });
  const note = createNote({ say, board, repair });
  const help = createHelp(say);
  board.append(empty, status, toast);
  root.append(toolbar.element, html("div", { class: "stage-main" }, palette.element, board, inspector.element), help.element);

  const pointer = listenPointer(canvas, {
    touched() { clearToast(); connecting = null; hush(); addBox.close(false); menu.close(false); },
    isSelected: (name) => state.selection.includes(name),
    selected: () => state.selection,
    select: (names, many = false) => { sticky = many; select(names); },
    toggle: (name) => { sticky = true; select(toggled(name)); },
    selectEdge: (edge) => select([], edge),
    snapped,
    moved: (shift) => commit({ do: "move", positions: shifted(state.selection, shift[0] / 160, shift[1] / 92) }),
    dragging(on) { dragging = on; showNote(); },
    source: ({ node, slot }) => nodeOf(draft(), node).inputs?.[slot] ?? null,
    slotFor: (name) => slotFor(draft(), ops, name) ?? lastSlot(name),
    fits: (from, to) => { const edge = edgeBetween(from, to); return edge !== null && refusal(draft(), { do: "connect", ...edge }) === null; },
    connect: connectPorts,
    disconnect: ({ node, slot }) => commit({ do: "disconnect", to: node, slot }, { said: { key: "editor.said.disconnected", slots: { to: node, slot: slotName(slot) } } }),
    openAdd,
    menu: openMenu,
    rename: startRenaming,
  });

  // ---- drawing

  function draw() {
    const { selection, edge, ghosts, history } = state;
    const scene = { document: draft(), facts, selection, edge, ghosts };
    canvas.draw(scene);
    inspector.draw(scene);
    const edges = edgesOf(draft()).length;
    toolbar.draw({
      canUndo: history.past.length > 0, canRedo: history.future.length > 0, canRemove: selection.length > 0 || edge !== null, canAlign: draft().nodes.length > 0,
      snapping: state.snapping, showing: ghosts, identities: facts.identities, nodes: draft().nodes.length, edges,
    });
    empty.hidden = draft().nodes.length > 0;
    const stale = (inspection?.rev ?? state.rev) !== state.rev;
    Object.assign(root.dataset, { rev: state.rev, nodes: draft().nodes.length, edges, selected: selection.join(" "), stale: String(stale), complete: String(facts.complete && !stale) });
    showConnecting();
    showNote();
  }

  function showNote() {
    const one = hovered ?? (state.selection.length === 1 ? state.selection[0] : null);
    const problems = one === null || dragging || connecting || !nodeOf(draft(), one) ? [] : facts.problemsOf(one);
    if (problems.length) note.show(canvas.boxOf(one), problems);
    else note.hide();
  }

  // ---- telling

  function tell(sentence) { setStatus(sentence ? say(sentence.key, sentence.slots) : ""); }
  const hush = () => tell(null);
  const clearToast = () => setToast("");
  function refuse(sentence) { setToast(say(sentence.key, sentence.slots)); return false; }

  // ---- editing

  /** Make an edit or a list of them one step of the history. Returns false, and says why, where it is refused. */
  function commit(edit, { tag = null, selection = null, said = null } = {}) {
    clearToast();
    const list = [edit].flat();
    let next = draft();
    for (const one of list) {
      const no = refusal(next, one);
      if (no) return refuse(no);
      next = apply(next, one, ops);
    }
    if (JSON.stringify(next) === JSON.stringify(draft())) { draw(); return true; }
    state.history = push(state.history, next, tag);
    if (selection) state.selection = selection;
    changed(tag !== null);
    tell(said);
    return true;
  }

  function changed(soon = false) {
    state.rev += 1;
    const there = new Set(draft().nodes.map((node) => node.name));
    state.selection = state.selection.filter((name) => there.has(name));
    if (state.edge && !edgesOf(draft()).some((edge) => edge.to === state.edge.to && edge.slot === state.edge.slot && edge.from === state.edge.from)) state.edge = null;
    if (connecting) connecting = null;
    draw();
    keepDraft(draft(), starts);
    clearTimeout(timer);
    if (soon) timer = setTimeout(send, QUIET);
    else send();
    options.onChange?.(state);
  }

  function send() {
    clearTimeout(timer);
    timer = null;
    options.onEdit?.({ rev: state.rev, document: draft() });
  }

  function select(names, edge = null) {
    state.selection = names;
    state.edge = edge;
    state.history = seal(state.history);
    draw();
    options.onChange?.(state);
  }

  const toggled = (name) => (state.selection.includes(name) ? state.selection.filter((one) => one !== name) : [...state.selection, name]);

  function rename(name, to) {
    const selection = state.selection.map((one) => (one === name ? to : one));
    return commit({ do: "rename", name, to }, { selection, said: { key: "editor.said.renamed", slots: { name, to } } });
  }

  const rounded = ([x, y]) => [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
  const placed = (position) => (state.snapping ? snap(position) : rounded(position));
  const shifted = (names, dx, dy) => Object.fromEntries(names.map((name) => { const [x, y] = nodeOf(draft(), name).position; return [name, rounded([x + dx, y + dy])]; }));

  // The node under the hand goes to the grid; the others keep their distance to it.
  function snapped(name, [dx, dy]) {
    const [x, y] = nodeOf(draft(), name).position;
    const [a, b] = placed([x + dx / 160, y + dy / 92]);
    return [(a - x) * 160, (b - y) * 92];
  }

  // ---- adding

  /** Add a node: where it was dropped or asked for, else beside the selection; by keyboard also connected to it. */
  function addNode(op, { event = null, at = null, from = null, keyboard = false } = {}) {
    const name = newName(draft(), op);
    const wanted = at ?? (event ? canvas.layoutOf(event) : besideSelection(op));
    const position = event || at ? placed(wanted) : freePlace(draft(), placed(wanted));
    const links = from ? linkFrom(from, name, op) : keyboard ? linksTo(name, op) : [];
    const word = { name, op: say.has(`op.${op}`) ? say(`op.${op}`) : op };
    const said = links.length ? { key: "editor.said.added_connected", slots: { ...word, edges: links.map(({ from: a, to: b }) => `${a} → ${b}`) } } : { key: "editor.said.added", slots: word };
    commit([{ do: "add", node: newNode(name, op, position) }, ...links], { selection: [name], said });
    state.edge = null;
    sticky = false;
    canvas.reveal(name);
    if (keyboard || event || at) focusNode(name);
  }

  function besideSelection(op) {
    const chosen = state.selection.map((name) => nodeOf(draft(), name).position);
    if (!chosen.length) return canvas.centre();
    const y = chosen.reduce((sum, place) => sum + place[1], 0) / chosen.length;
    const xs = chosen.map(([x]) => x);
    return isLeafOp(op) ? [Math.min(...xs) - (openSlot() ? 1 : 0), y + (openSlot() ? 0 : 1)] : [Math.max(...xs) + 1, y];
  }

  const openSlot = () => (state.selection.length === 1 ? slotFor(draft(), ops, state.selection[0]) : null);

  // A leaf goes into the selected node; what is selected goes into a new op, in the order in which it was selected.
  function linksTo(name, op) {
    const slot = openSlot();
    if (isLeafOp(op)) return slot ? [{ do: "connect", from: name, to: slot.node, slot: slot.slot }] : [];
    const most = ops.get(op)?.arity[1] ?? Infinity;
    return state.selection.slice(0, most).map((from, i) => ({ do: "connect", from, to: name, slot: i }));
  }

  function linkFrom(port, name, op) {
    if (port.slot !== "out") return [{ do: "connect", from: name, to: port.node, slot: port.slot }];
    return isLeafOp(op) ? [] : [{ do: "connect", from: port.node, to: name, slot: 0 }];
  }

  function openAdd(event, from) {
    const at = canvas.layoutOf(event);
    addBox.open(canvas.pointOf(event), (op) => addNode(op, { at, from }));
  }

  function addHere() {
    const at = state.selection.length ? freePlace(draft(), placed(besideSelection("add"))) : freePlace(draft(), placed(canvas.centre()));
    const { w, h } = canvas.size;
    addBox.open([w / 2 - 110, h / 2 - 120], (op) => addNode(op, { at: isLeafOp(op) ? freePlace(draft(), placed(besideSelection(op))) : at, keyboard: true }));
  }

  // ---- connecting

  const lastSlot = (name) => { const count = nodeOf(draft(), name).inputs?.length ?? 0; return count ? { node: name, slot: count - 1 } : null; };

  // An edge taken from one slot to another is one edit.
  function connectPorts(a, b, held = null) {
    const edge = edgeBetween(a, b);
    if (!edge) return refuse({ key: "editor.refuse.same_side" });
    if (held && held.node === edge.to && held.slot === edge.slot) return draw();
    const before = nodeOf(draft(), edge.to).inputs?.[edge.slot] ?? null;
    const key = before && before !== edge.from ? "editor.said.replaced" : "editor.said.connected";
    const edits = [...(held ? [{ do: "disconnect", to: held.node, slot: held.slot }] : []), { do: "connect", ...edge }];
    return commit(edits, { said: { key, slots: { ...edge, slot: slotName(edge.slot), before } } });
  }

  function startConnecting(anchor) {
    const targets = targetsOf(draft(), ops, anchor);
    if (!targets.length) return refuse({ key: "editor.refuse.no_target", slots: { name: anchor.node } });
    clearToast();
    connecting = { anchor, targets, at: firstTarget(draft(), anchor, targets) };
    focusNode(anchor.node);
    draw();
    return true;
  }

  function showConnecting() {
    if (!connecting) return canvas.connect(null);
    const { anchor, targets, at } = connecting;
    canvas.reveal(targets[at].node);
    canvas.connect(anchor, targets[at], targets[at].loops ? "no" : "yes");
    tell(targetSentence(anchor, targets[at], at, targets.length));
  }

  function connectKey(action) {
    const { anchor, targets, at } = connecting;
    if (action === "leave") { connecting = null; tell({ key: "editor.said.left" }); return draw(); }
    if (action === "take") {
      const done = connectPorts(anchor, targets[at]);
      if (done) focusNode(anchor.node);
      return undefined;
    }
    clearToast();
    connecting.at = (at + (action === "next" ? 1 : -1) + targets.length) % targets.length;
    return draw();
  }

  // ---- repairs

  function repair({ node, repair: way }) {
    const { slot, to } = way;
    const on = way.node ?? node;
    const plain = { remove: { do: "remove", names: [on] }, output: { do: "output", name: to ?? on } };
    if (way.do in plain) return commit(plain[way.do]);
    if (way.do === "connect") return to ? commit({ do: "connect", from: to, to: on, slot }) : startConnecting({ node: on, slot });
    if (way.do === "rename") return to ? rename(on, to) : startRenaming(on);
    if (on && nodeOf(draft(), on)) { select([on]); return inspector.focus("value"); }
    return inspector.focus("target");
  }

  // ---- names, menus

  function startRenaming(name) {
    select([name]);
    canvas.reveal(name);
    nameField.open(name, canvas.boxOf(name));
  }

  function openMenu(event, hit) {
    const point = event.clientX === undefined ? [canvas.boxOf(hit.node).x, canvas.boxOf(hit.node).y] : canvas.pointOf(event);
    const name = hit.node ?? hit.port?.node;
    const item = (key, action, keys) => ({ label: say(key), run: () => perform(action), keys });
    if (name) {
      if (!state.selection.includes(name)) select([name]);
      return menu.open(point, [
        item("editor.menu_connect", "connect", "c"), item("editor.rename", "rename", "F2"),
        ...(isLeafOp(nodeOf(draft(), name).op) ? [{ label: say("editor.menu_value"), run: () => inspector.focus("value"), keys: "Enter" }] : [item("editor.set_output", "output", "o")]),
        item("editor.duplicate", "duplicate", "Ctrl+D"), item("editor.copy", "copy", "Ctrl+C"), item("editor.delete", "remove", "Del"),
      ]);
    }
    if (hit.edge) { select([], hit.edge); return menu.open(point, [item("editor.delete", "remove", "Del")]); }
    return menu.open(point, [{ label: say("editor.add_here"), run: () => openAdd(event, null), keys: "" }, item("editor.paste", "paste", "Ctrl+V"), item("editor.align", "align", "l"), item("editor.fit", "fit", "f")]);
  }

  // ---- copies

  function copy() {
    if (!state.selection.length) return false;
    keepCopies(state.selection.map((name) => nodeOf(draft(), name)));
    tell({ key: "editor.said.copied", slots: { count: state.selection.length } });
    return true;
  }

  function paste(nodes = keptCopies()) {
    if (!nodes.length) return refuse({ key: "editor.refuse.nothing_copied" });
    const fresh = copies(draft(), nodes, [0.5, 0.5]);
    commit({ do: "paste", nodes: fresh }, { selection: fresh.map((node) => node.name), said: { key: "editor.said.pasted", slots: { count: fresh.length } } });
    sticky = fresh.length > 1;
    canvas.reveal(fresh[0].name);
    return focusNode(fresh[0].name);
  }

  // ---- actions

  const active = () => root.getRootNode().activeElement;
  const focusedNode = () => active()?.closest?.("[data-node]")?.dataset.node ?? null;
  function focusNode(name) { (canvas.node(name) ?? canvas.element).focus({ preventScroll: true }); }

  // What a key acts on: the selection, or the node that has the focus where it is not part of it.
  function chosen() {
    const name = focusedNode();
    if (name && !state.selection.includes(name)) { sticky = false; select([name]); }
    return state.selection;
  }

  function step(move, key) {
    const from = move === undo ? "past" : "future";
    if (!state.history[from].length) return tell({ key: `editor.said.no_${key}` });
    const held = focusedNode();
    state.history = move(state.history);
    changed();
    tell({ key: `editor.said.${key}` });
    if (held && !canvas.node(held)) focusNode(state.selection[0]);
    return true;
  }

  function remove() {
    const names = state.edge ? [] : chosen();
    const { edge } = state;
    if (edge) return commit({ do: "disconnect", to: edge.to, slot: edge.slot }, { said: { key: "editor.said.disconnected", slots: { to: edge.to, slot: slotName(edge.slot) } } });
    if (!names.length) return tell({ key: "editor.said.nothing" });
    const inside = canvas.element.contains(active());
    commit({ do: "remove", names }, { selection: [], said: { key: "editor.said.removed", slots: { names } } });
    if (inside) focusNode(null);
    return true;
  }

  function setOutput() {
    const [name] = chosen();
    if (!name) return tell({ key: "editor.said.nothing" });
    if (isLeafOp(nodeOf(draft(), name).op)) return refuse({ key: "editor.refuse.leaf_output", slots: { name } });
    return commit({ do: "output", name }, { said: { key: "editor.said.output", slots: { name } } });
  }

  function align() {
    if (!draft().nodes.length) return tell({ key: "editor.said.nothing" });
    commit({ do: "move", positions: aligned(draft(), inspection?.rev === state.rev ? facts.levels : undefined) }, { said: { key: "editor.said.aligned" } });
    return canvas.fit();
  }

  function arrow({ by: [x, y], far }) {
    const names = chosen();
    if (!names.length) return canvas.setView({ ...canvas.view, x: canvas.view.x - x * 60, y: canvas.view.y - y * 60 });
    const size = far ? 1 : GRID;
    commit({ do: "move", positions: shifted(names, x * size, y * size) }, { tag: `nudge ${names}` });
    return canvas.reveal(names[0]);
  }

  function escape() {
    if (pointer.busy) return pointer.cancel();
    clearToast();
    hush();
    sticky = false;
    return select([]);
  }

  // Space adds the focused node to the selection; with none focused it is held to pan.
  function mark() {
    const name = focusedNode();
    if (!name) { pointer.hold(true); return true; }
    const first = !sticky && state.selection.length === 1 && state.selection[0] === name;
    sticky = true;
    select(first ? [name] : toggled(name));
    return tell({ key: "editor.said.marked", slots: { names: state.selection, count: state.selection.length } });
  }

  function choose() {
    const name = focusedNode();
    if (!name) return false;
    sticky = false;
    select([name]);
    return inspector.focus(isLeafOp(nodeOf(draft(), name).op) ? "value" : "name");
  }

  function toggle(setting) {
    state[setting] = !state[setting];
    draw();
    options.onChange?.(state);
  }

  const single = (run) => () => { const names = chosen(); return names.length ? run(names.at(-1)) : tell({ key: "editor.said.nothing" }); };

  function perform(action, event = {}) {
    return {
      undo: () => step(undo, "undo"),
      redo: () => step(redo, "redo"),
      remove, align, escape, mark, choose, copy, addHere,
      cut: () => copy() && remove(),
      paste: () => paste(),
      duplicate: () => { const names = chosen(); return names.length ? paste(names.map((name) => nodeOf(draft(), name))) : tell({ key: "editor.said.nothing" }); },
      output: setOutput,
      selectAll: () => { sticky = true; select(draft().nodes.map((node) => node.name)); tell({ key: "editor.many", slots: { count: draft().nodes.length } }); },
      connect: single((name) => startConnecting({ node: name, slot: "out" })),
      rename: single(startRenaming),
      menu: single((name) => openMenu({}, { node: name })),
      arrow: () => arrow(event),
      fit: () => canvas.fit(),
      zoomIn: () => canvas.zoom(1.3),
      zoomOut: () => canvas.zoom(1 / 1.3),
      snap: () => toggle("snapping"),
      ghosts: () => toggle("ghosts"),
      search: () => palette.search(),
      help: () => help.toggle(),
    }[action]();
  }

  // ---- listeners

  function onKey(event) {
    const path = event.composedPath();
    const busy = connecting && !path.some((one) => one.matches?.("input, textarea, select"));
    const connect = busy ? connectActionOf(event) : null;
    const action = connect ? null : editActionOf(event, path);
    if (!connect && !action) return;
    if (action && action.name !== "help") clearToast();
    if (connect) connectKey(connect);
    else if (perform(action.name, action) === false && action.name === "choose") return;
    event.preventDefault();
    event.stopPropagation();
  }

  // With the focus on nothing, keys are the editor's too: it is what the page is for.
  const onPageKey = (event) => { if (event.target === document.body || event.target === document.documentElement) onKey(event); };
  const onKeyUp = (event) => { if (event.key === " ") pointer.hold(false); };
  root.addEventListener("keydown", onKey);
  document.addEventListener("keydown", onPageKey, true);
  document.addEventListener("keyup", onKeyUp, true);
  canvas.element.addEventListener("focusin", (event) => {
    const name = event.target.dataset?.node;
    if (!name || !event.target.matches(":focus-visible")) return;
    canvas.reveal(name);
    if (!sticky && !connecting && !pointer.busy && state.selection.join() !== name) select([name]);
  });
  canvas.element.addEventListener("pointerover", (event) => { hovered = event.target.closest?.("[data-node]")?.dataset.node ?? null; showNote(); });
  canvas.element.addEventListener("pointerleave", () => { hovered = null; showNote(); });
  canvas.onView(() => { if (ready) { showNote(); nameField.close(); options.onChange?.(state); } });

  const room = watchRoom(root, ({ width, height }) => {
    root.classList.toggle("narrow", width < NARROW);
    root.style.height = width < NARROW ? "" : `${Math.max(options.height ?? height, LEAST)}px`;
  });
  const boardSize = new ResizeObserver(([{ contentRect: { width, height } }]) => resize({ w: width, h: height }));
  let placed_ = false;
  function resize(size) {
    if (size.w < 10 || size.h < 10) return;
    canvas.resize(size);
    if (!placed_) { placed_ = true; if (state.view) canvas.setView(state.view); else canvas.fit(); ready = true; }
  }

  // ---- from Python

  function setOps(rows) {
    ops = opTable(rows);
    canvas.setOps(ops);
    palette.setOps(ops);
    inspector.setOps(ops);
    addBox.setOps(ops);
  }

  function replace(document) {
    const known = new Set(draft().nodes.map((node) => node.name));
    const next = settled(document, draft());
    state.history = push(state.history, next);
    state.selection = state.selection.filter((name) => nodeOf(next, name));
    state.edge = null;
    connecting = null;
    draw();
    if (!next.nodes.some((node) => known.has(node.name))) canvas.fit();
  }

  function take(next) {
    if (JSON.stringify(next.ops) !== JSON.stringify(data.ops)) setOps(next.ops ?? []);
    const fresh = next.source !== source;
    data = next;
    source = next.source;
    if (fresh) { state.rev = Math.max(state.rev, next.rev ?? 0); starts = [meaning(next.document)]; }
    if (fresh || (next.rev ?? 0) >= state.rev) { inspection = next.inspection ? { ...next.inspection, rev: state.rev } : null; facts = factsOf(inspection); }
    if (inspection?.complete) starts = [starts[0], meaning(draft())];
    if (fresh) replace(next.document);
    else draw();
    keepDraft(draft(), starts);
  }

  setOps(data.ops ?? []);
  if (inspection) inspection = { ...inspection, rev: data.rev ?? 0 };
  draw();
  boardSize.observe(board);
  resize({ w: board.clientWidth, h: board.clientHeight });
  if (options.state?.send) { state.send = false; send(); }

  return {
    root,
    get document() { return draft(); },
    /** Take what Python says: a new inspection, or, with a new `source`, another document. */
    setData: take,
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
