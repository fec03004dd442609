// The controls of stage mode: away, until the pointer comes to the lower edge or the focus is on them.

const EDGE = 96; // px from the bottom: here they come
const NEAR = 190; // they stay while the pointer is no further away
const REST = 2500; // ms after which a pointer that rests is hidden
const TOUCHED = 4000;

/** Return {set(on), stop}: while on, `root` has the classes "controls-near" and "pointer-rests" as the pointer goes. */
export function createFading(root, controlsOf) {
  let [on, timer, touch] = [false, null, null];

  const near = (value) => {
    root.classList.toggle("controls-near", value);
    const focused = root.getRootNode().activeElement;
    if (!value && controlsOf()?.contains(focused)) focused.blur();
  };

  const moved = (event) => {
    if (!on) return;
    const room = root.clientHeight - event.clientY;
    const shown = root.classList.contains("controls-near");
    if (room <= (shown ? NEAR : EDGE) !== shown) near(!shown);
    root.classList.remove("pointer-rests");
    clearTimeout(timer);
    timer = setTimeout(() => root.classList.add("pointer-rests"), REST);
    if (event.pointerType !== "touch") return;
    clearTimeout(touch);
    touch = setTimeout(() => near(false), TOUCHED); // a finger leaves no pointer behind
  };

  const left = (event) => {
    if (on && event.pointerType === "mouse") near(false);
  };

  const listeners = [
    ["pointermove", moved],
    ["pointerdown", moved],
    ["pointerleave", left],
  ];
  for (const [name, listener] of listeners) root.addEventListener(name, listener);
  const rest = () => {
    [timer, touch].forEach(clearTimeout);
    root.classList.remove("pointer-rests");
    near(false);
  };
  return {
    set(value) {
      if (value === on) return;
      on = value;
      rest();
    },
    stop() {
      rest();
      for (const [name, listener] of listeners) root.removeEventListener(name, listener);
    },
  };
}
