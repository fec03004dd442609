// Keys work wherever the focus is on the page, except where a person types or another control needs them.

const KEYS = {
  ArrowRight: "next",
  PageDown: "next",
  ArrowLeft: "back",
  PageUp: "back",
  ArrowUp: "coarser",
  ArrowDown: "finer",
  " ": "toggle",
  Home: "first",
  End: "last",
  "+": "faster",
  "=": "faster",
  "-": "slower",
  "−": "slower",
  f: "stageMode",
  F: "stageMode",
  s: "springs",
  S: "springs",
  "?": "legend",
  Escape: "escape",
};
const ACTIVATES = new Set([" "]);
const OWN_KEYS =
  "input:not([type=checkbox]):not([type=button]):not([type=submit]), textarea, select, [contenteditable=''], [contenteditable=true], [role=slider], [role=scrollbar], [role=combobox], [role=listbox], [role=menu], [role=tab], [role=spinbutton], [role=textbox], [role=grid], [role=dialog]";
const PRESSABLE = "button, a[href], summary, input[type=checkbox], [role=switch], [role=option], [role=radio]";

/** Return the action of a key event, or null when it belongs to somebody else. `path` is the event's composed path. */
export function actionOf(event, path, ours = () => false) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const action = KEYS[event.key] ?? null;
  const target = path[0];
  if (!action || !target?.matches) return action;
  if (path.some((element) => element.matches?.(OWN_KEYS) && !ours(element))) return null;
  if (ACTIVATES.has(event.key) && target.matches(PRESSABLE)) return null;
  return action;
}

let active = null;

/** Listen on the whole document; of several stages the one touched last answers. Returns a function that stops. */
export function listenKeys(root, perform, ours) {
  const claim = () => {
    active = root;
  };
  const onKey = (event) => {
    if (active !== root && active?.isConnected) return;
    const action = actionOf(event, event.composedPath(), ours);
    if (!action || perform(action) === false) return;
    event.preventDefault();
    event.stopPropagation();
  };
  claim();
  root.addEventListener("pointerdown", claim);
  root.addEventListener("focusin", claim);
  document.addEventListener("keydown", onKey, true);
  return () => {
    document.removeEventListener("keydown", onKey, true);
    if (active === root) active = null;
  };
}
