// What a key means in the editor. Quiet in text fields; Streamlit's own keys never hear what the editor used.

import { composing, latin } from "./keys.mjs";

const TYPING = "input, textarea, select, [contenteditable=''], [contenteditable=true], [role=menu], dialog";
const ELSEWHERE = "[role=listbox], [role=combobox], [role=slider], [role=grid], [role=dialog], [role=tab]";
const ANYWHERE = new Set(["search", "undo", "redo", "help", "fit", "open"]); // what can be done from any button of the page
const PRESSABLE = "button, a[href], summary";
const WITH_CONTROL = {
  z: "undo",
  Z: "redo",
  y: "redo",
  a: "selectAll",
  c: "copy",
  x: "cut",
  v: "paste",
  d: "duplicate",
  o: "open",
};
const ALONE = {
  Delete: "remove",
  Backspace: "remove",
  F2: "rename",
  c: "connect",
  o: "output",
  l: "align",
  f: "fit",
  "+": "zoomIn",
  "=": "zoomIn",
  "-": "zoomOut",
  "/": "search",
  a: "addHere",
  "?": "help",
  Escape: "escape",
  Enter: "choose",
  " ": "mark",
  ContextMenu: "menu",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Return {name, by} for a key, or null when it belongs to somebody else. `path` is the event's composed path. */
export function editActionOf(event, path) {
  if (composing(event) || path.some((one) => one.matches?.(TYPING))) return null;
  if (event.ctrlKey || event.metaKey) return control(event);
  if (event.altKey) return null;
  if (event.key === "F10" && event.shiftKey) return { name: "menu" };
  const pressing = (event.key === "Enter" || event.key === " ") && path[0]?.matches?.(PRESSABLE);
  if (pressing) return null;
  if (event.key in ARROWS) return { name: "arrow", by: ARROWS[event.key], far: event.shiftKey };
  const key = latin(event);
  return key in ALONE ? { name: ALONE[key] } : null;
}

/** Return what a key means while the focus is outside the editor: everything where it is on nothing, a little where it is on a button. */
export function pageActionOf(event, path, onNothing) {
  if (path.some((one) => one.matches?.(ELSEWHERE))) return null;
  const action = editActionOf(event, path);
  return action && (onNothing || ANYWHERE.has(action.name)) ? action : null;
}

function control(event) {
  const key = event.shiftKey ? latin(event).toUpperCase() : latin(event).toLowerCase();
  const known = key in WITH_CONTROL && (!event.shiftKey || key === "Z");
  return known && !event.altKey ? { name: WITH_CONTROL[key] } : null;
}

/** Return what a key does while an edge is being connected: "next", "back", "take", "leave", or null. */
export function connectActionOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "Tab") return event.shiftKey ? "back" : "next";
  return (
    {
      ArrowRight: "next",
      ArrowDown: "next",
      ArrowLeft: "back",
      ArrowUp: "back",
      Enter: "take",
      " ": "take",
      Escape: "leave",
    }[event.key] ?? null
  );
}
