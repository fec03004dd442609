// The black screen: what is behind it stays as it is.

import { html } from "./dom.mjs";

/** Return {element, on, set(on)}; `changed(on)` is called after each change, `back()` for a press on the black. */
export function createBlank({ changed, back }) {
  const element = html("div", { class: "blank" });
  element.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    back();
  });
  return {
    element,
    get on() {
      return element.hasAttribute("data-on");
    },
    set(on) {
      if (on === this.on) return;
      element.toggleAttribute("data-on", on);
      changed(on);
    },
  };
}
