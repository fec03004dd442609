// The desk: the draft with its history and selection, what Python said of it, and what has to be sent. No page, no drawing.

import { drawable } from "./editor-drawable.mjs";
import { edgesOf, meaning, nodeOf, opTable, refusal } from "./editor-document.mjs";
import { apply } from "./editor-edits.mjs";
import { factsOf } from "./editor-facts.mjs";
import { CELL } from "./editor-geometry.mjs";
import { begin, push, seal } from "./editor-history.mjs";
import { settled, snap } from "./editor-place.mjs";
import { keepDraft } from "./editor-store.mjs";

const QUIET = 150; // ms after which a run of small edits is sent while Python still reads an older one

/**
 * Return the desk of a draft (docs/editor.md, `data`). `state` goes on from an earlier one.
 *
 * It calls: send({rev, document}) for each finished edit; draw() after each change; changing() before one is drawn;
 * tell(sentence) what was done; refuse(sentence) why something was not (returns false); noted() when the state has changed.
 */
export function createDesk(data, state, { send, draw, changing, tell, refuse, noted }) {
  const start = drawable(data.document);
  state = {
    history: begin(settled(start)),
    rev: data.rev ?? 0,
    selection: [],
    edge: null,
    snapping: true,
    ghosts: false,
    view: null,
    ...state,
  };
  let [ops, inspection, facts] = [opTable(data.ops ?? []), null, factsOf(null)];
  let [starts, many, timer] = [[meaning(start)], false, null];
  const draft = () => state.history.present;
  const isKnown = () => inspection !== null && inspection.rev === state.rev;
  learn(data.inspection ?? null, data.rev ?? 0);

  // ---- editing

  /** Make an edit or a list of them one step of the history. Returns false, and says why, where it is refused. */
  function commit(edit, { tag = null, selection = null, said = null } = {}) {
    refuse(null);
    let next = draft();
    for (const one of [edit].flat()) {
      const no = refusal(next, one);
      if (no) return refuse(no);
      next = apply(next, one, ops);
    }
    if (JSON.stringify(next) === JSON.stringify(draft())) {
      draw();
      return true;
    }
    state.history = push(state.history, next, tag);
    if (selection) [state.selection, state.edge] = [selection, null];
    changed(tag !== null);
    tell(said);
    return true;
  }

  /** What is typed letter by letter is one edit, sent when the typing pauses or ends, or at once while nobody waits for an answer. */
  function typed(edit, tag, live = false) {
    const done = commit(edit, { tag });
    if (live) return done;
    state.history = seal(state.history);
    flush();
    return done;
  }

  function changed(soon = false) {
    const idle = isKnown();
    state.rev += 1;
    keepKnown();
    changing();
    draw();
    keepDraft(draft(), starts);
    clearTimeout(timer);
    timer = setTimeout(flush, QUIET);
    if (!soon || idle) flush();
    noted();
  }

  /** Send what has not been sent yet. */
  function flush() {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    send({ rev: state.rev, document: draft() });
  }

  // The selection never names what is gone.
  function keepKnown() {
    const { selection, edge } = state;
    const there = ({ from, to, slot }) => from === edge.from && to === edge.to && slot === edge.slot;
    state.selection = selection.filter((name) => nodeOf(draft(), name));
    state.edge = edge && edgesOf(draft()).some(there) ? edge : null;
  }

  function rename(name, to) {
    const selection = state.selection.map((one) => (one === name ? to : one));
    return commit({ do: "rename", name, to }, { selection, said: { key: "editor.said.renamed", slots: { name, to } } });
  }

  // ---- the selection

  /** Select nodes or an edge; `several` keeps the selection while the focus moves on. */
  function select(names, edge = null, several = false) {
    many = several;
    Object.assign(state, { selection: names.filter((name) => nodeOf(draft(), name)), edge, history: seal(state.history) });
    draw();
    noted();
  }

  const toggled = (name) =>
    state.selection.includes(name) ? state.selection.filter((one) => one !== name) : [...state.selection, name];

  // ---- places, in layout units

  const rounded = ([x, y]) => [Math.round(x * 1000) / 1000, Math.round(y * 1000) / 1000];
  const placed = (position) => (state.snapping ? snap(position) : rounded(position));

  function shifted(names, [dx, dy]) {
    const moved = (name) => {
      const [x, y] = nodeOf(draft(), name).position;
      return [name, rounded([x + dx, y + dy])];
    };
    return Object.fromEntries(names.map(moved));
  }

  /** Return a shift in drawing units that puts a node onto the grid; others keep their distance to it. */
  function snapped(name, [dx, dy]) {
    const [x, y] = nodeOf(draft(), name).position;
    const [a, b] = placed([x + dx / CELL.w, y + dy / CELL.h]);
    return [(a - x) * CELL.w, (b - y) * CELL.h];
  }

  // ---- from Python

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
    state.history = push(state.history, settled(document, before));
    starts = [meaning(document)];
    keepKnown();
    changing();
    return draft().nodes.some((node) => nodeOf(before, node.name));
  }

  /** Take what Python says: a new inspection, or, with a new `source`, another document. Returns whether it shares nodes with the old one. */
  function take(next) {
    const fresh = next.source !== data.source;
    const akin = !fresh || replace(drawable(next.document));
    if (fresh) state.rev = Math.max(state.rev, next.rev ?? 0);
    if (fresh || (next.rev ?? 0) >= state.rev) learn(next.inspection ?? null, state.rev);
    data = next;
    draw();
    return akin;
  }

  return {
    state,
    commit,
    typed,
    flush,
    rename,
    select,
    toggled,
    placed,
    shifted,
    snapped,
    take,
    tell,
    refuse,
    draw,
    noted,
    get draft() {
      return draft();
    },
    get ops() {
      return ops;
    },
    get facts() {
      return facts;
    },
    get many() {
      return many;
    },
    get known() {
      return isKnown();
    },
    /** Return the levels that Python found, where they are of this very draft. */
    levels: () => (isKnown() ? facts.levels : undefined),
    setOps(rows) {
      ops = opTable(rows);
    },
    /** Go to another place of the history. */
    travel(history) {
      state.history = history;
      changed();
    },
    /** Send the draft as it stands, although nothing was edited: it came from this browser's own storage. */
    announce() {
      timer ??= setTimeout(flush, 0);
      flush();
    },
  };
}
