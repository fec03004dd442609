// The editor's `?` page: what the mouse, a finger and each key do.

import { html } from "./dom.mjs";

const HANDS = ["add", "wire", "unwire", "move", "frame", "pan", "menu"];
const KEYS = [
  "search",
  "add",
  "connect",
  "rename",
  "value",
  "nudge",
  "mark",
  "all",
  "remove",
  "copy",
  "undo",
  "open",
  "output",
  "align",
  "fit",
  "help",
];

const caps = (keys) => keys.split(" ").flatMap((key) => [html("kbd", {}, key), " "]);

/** Return a dialog with `toggle()` and `close()`. */
export function createHelp(say) {
  const close = html("button", { type: "button", class: "button" }, say("stage.close"));
  const element = html(
    "dialog",
    { class: "legend", "aria-label": say("editor.help") },
    html("div", { class: "legend-head" }, html("h2", {}, say("editor.help")), close),
    html(
      "div",
      { class: "legend-body" },
      html(
        "dl",
        { class: "legend-keys" },
        ...KEYS.map((name) =>
          html(
            "div",
            {},
            html("dt", {}, ...caps(say(`editor.keys.${name}`))),
            html("dd", {}, say(`editor.key.${name}`)),
          ),
        ),
      ),
      html("ul", { class: "hands" }, ...HANDS.map((name) => html("li", {}, say(`editor.hand.${name}`)))),
    ),
  );
  close.addEventListener("click", () => element.close());
  element.addEventListener("click", (event) => {
    if (event.target === element) element.close();
  });
  return { element, toggle: () => (element.open ? element.close() : element.showModal()) };
}
