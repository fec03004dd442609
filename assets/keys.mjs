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
  b: "blank",
  B: "blank",
  ".": "blank", // what many clickers send
  l: "spotlight",
  L: "spotlight",
  n: "presenter",
  N: "presenter",
  "?": "legend",
  Escape: "escape",
};
const DIGIT = /^(?:Digit|Numpad)([1-9])$/;
const ROW = /^Digit([1-9])$/;
const LETTER = /^Key([A-Z])$/;
const SIGNS = { Slash: "/?", Period: ".>", Minus: "-_", Equal: "=+" }; // without Shift and with it
const HELD = new Set(["next", "back", "faster", "slower"]); // what a key that is held down does again
const MODIFIERS = new Set(["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Fn"]);
const ACTIVATES = new Set([" "]);
const OWN_KEYS =
  "input:not([type=checkbox]):not([type=button]):not([type=submit]), textarea, select, [contenteditable=''], [contenteditable=true], [role=slider], [role=scrollbar], [role=combobox], [role=listbox], [role=menu], [role=tab], [role=spinbutton], [role=textbox], [role=grid], [role=dialog]";
const PRESSABLE = "button, a[href], summary, input[type=checkbox], [role=switch], [role=option], [role=radio]";

/** Return whether a key event belongs to an input method: Enter then takes a word, Escape drops it. */
export const composing = (event) => Boolean(event.isComposing) || event.keyCode === 229; // 229: Safari's last one

/** Return the key as a Latin keyboard names it: in another script shortcuts go by the physical key. */
export function latin({ key, code = "", shiftKey = false }) {
  if ([...key].length !== 1 || key < "\u0250") return key;
  const letter = LETTER.exec(code)?.[1];
  if (letter) return shiftKey ? letter : letter.toLowerCase();
  return SIGNS[code]?.[Number(shiftKey)] ?? key;
}

/** Return the digit 1 to 9 of a key event, whatever Shift makes of it on this keyboard, or null. */
export function digitOf({ key, code = "" }) {
  const found = DIGIT.exec(code)?.[1] ?? (/^[1-9]$/.test(key) ? key : null);
  return found === null || key in KEYS ? null : Number(found);
}

/**
 * Return what goes with an action: of a digit {digit, set}, where Shift sets the bookmark. A sign that stands in the
 * row of digits, as AZERTY's − on 6 and the Czech + on 1, brings its digit: it leads to a scene or bookmark if there is one.
 */
export function detailOf(event) {
  const digit = digitOf(event) ?? Number(event.shiftKey ? 0 : ROW.exec(event.code ?? "")?.[1] ?? 0);
  return digit ? { digit, set: Boolean(event.shiftKey) } : undefined;
}

/** Return the action of a key event, or null when it belongs to somebody else. `path` is the event's composed path. */
export function actionOf(event, path, ours = () => false) {
  if (event.ctrlKey || event.metaKey || event.altKey || composing(event)) return null;
  const action = KEYS[latin(event)] ?? (digitOf(event) ? "bookmark" : null);
  const target = path[0];
  if (!action || !target?.matches) return action;
  if (path.some((element) => element.matches?.(OWN_KEYS) && !ours(element))) return null;
  if (ACTIVATES.has(event.key) && target.matches(PRESSABLE)) return null;
  return action;
}

let active = null;

/** Return a listener for keydown events that performs their actions. While `any()` gives an action, every key is that one. */
export function keyHandler(perform, ours, any = () => null) {
  return (event) => {
    const held = event.ctrlKey || event.metaKey || event.altKey || composing(event);
    const all = MODIFIERS.has(event.key) || held ? null : any();
    const action = all ?? actionOf(event, event.composedPath(), ours);
    if (!action) return;
    const again = event.repeat && !HELD.has(action);
    if (!again && perform(action, all ? undefined : detailOf(event)) === false) return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** Listen on the whole document; of several stages the one touched last answers. Returns a function that stops. */
export function listenKeys(root, handle) {
  const claim = () => {
    active = root;
  };
  const onKey = (event) => {
    if (active === root || !active?.isConnected) handle(event);
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
