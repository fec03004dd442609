// A sentence that is said, seen in a corner for a while, and gone.

import { html } from "./dom.mjs";

const SHOWN = 2600;

/** Return {element, tell(sentence)}. */
export function createNotice() {
  const element = html("p", { class: "notice", role: "status" });
  let timer = null;
  return {
    element,
    tell(sentence, milliseconds = SHOWN) {
      clearTimeout(timer);
      element.textContent = sentence;
      timer = setTimeout(() => element.replaceChildren(), milliseconds);
    },
  };
}
