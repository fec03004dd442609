// Stage mode: the picture alone on the whole screen. Full screen where the browser allows it, else the top layer of the page.

/** Return {on, toggle, leave, destroy}; `changed` is called after each change. */
export function createFullStage(root, changed) {
  let on = false;
  const set = (value) => {
    if (value === on) return;
    on = value;
    root.classList.toggle("stage-mode", on);
    if (on) root.setAttribute("popover", "manual");
    if (on) root.showPopover?.();
    else root.hidePopover?.();
    if (!on) root.removeAttribute("popover");
    changed();
  };
  const enter = async () => {
    set(true);
    try {
      await document.documentElement.requestFullscreen();
    } catch {
      // Not allowed here: the top layer alone covers the page.
    }
  };
  const leave = () => {
    set(false);
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  };
  const follow = () => {
    if (!document.fullscreenElement) set(false);
  };
  document.addEventListener("fullscreenchange", follow);
  return {
    get on() {
      return on;
    },
    toggle: () => (on ? leave() : enter()),
    leave,
    destroy: () => document.removeEventListener("fullscreenchange", follow),
  };
}
