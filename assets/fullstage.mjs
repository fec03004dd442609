// Stage mode: the picture alone on the whole screen. Full screen where the browser allows it, else the top layer of the page.

const HOLD = 2000; // ms within which a window that was opened may have cost us the full screen

/** Return {on, toggle, enter, leave, resume, hold, destroy}; `changed` is called after each change. */
export function createFullStage(root, changed) {
  let [on, whole, held, again] = [false, false, 0, false];
  let [leaving, left] = [false, Promise.resolve()];
  const set = (value) => {
    if (value === on) return;
    [on, whole, again] = [value, false, false];
    root.classList.toggle("stage-mode", on);
    if (on) root.setAttribute("popover", "manual");
    if (on) root.showPopover?.();
    else root.hidePopover?.();
    if (!on) root.removeAttribute("popover");
    changed();
  };
  const shrink = () => {
    if (!document.fullscreenElement) return;
    leaving = true;
    left = document
      .exitFullscreen()
      .catch(() => {})
      .then(() => {
        leaving = false;
      });
  };
  const fill = async () => {
    await left;
    try {
      if (on) await document.documentElement.requestFullscreen();
    } catch {
      // Not allowed here: the top layer alone covers the page.
    }
    if (!on) shrink();
  };
  const enter = () => {
    if (on) return undefined;
    set(true);
    return fill();
  };
  const leave = () => {
    set(false);
    shrink();
  };
  // Who leaves and comes back at once is told of both only then: neither ends a stage mode that has no full screen yet.
  const follow = () => {
    if (leaving) return;
    const had = whole;
    whole = Boolean(document.fullscreenElement);
    if (whole || !had || !on) return;
    if (Date.now() < held) again = true;
    else set(false);
  };
  // The next touch of the stage takes the whole screen again.
  const touched = (event) => {
    if (!again || event.key === "Escape") return;
    again = false;
    fill();
  };
  document.addEventListener("fullscreenchange", follow);
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, touched, true);
  return {
    get on() {
      return on;
    },
    toggle: () => (on ? leave() : enter()),
    enter,
    leave,
    /** Be in stage mode as before a reload: a browser gives the whole screen only to a key or a press. */
    resume() {
      set(true);
      again = true;
    },
    /** A window is about to open, for which browsers leave full screen: the stage stays. */
    hold() {
      held = Date.now() + HOLD;
    },
    destroy() {
      document.removeEventListener("fullscreenchange", follow);
      for (const name of ["keydown", "pointerdown"]) document.removeEventListener(name, touched, true);
    },
  };
}
