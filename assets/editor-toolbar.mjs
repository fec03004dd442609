// The row above the canvas.

import { attribute, html, text } from "./dom.mjs";
import { editIcon } from "./editor-icons.mjs";
import { icon } from "./icons.mjs";

/** Return {element, draw(state)}; each button calls `perform(action)`. */
export function createToolbar({ say, perform }) {
  const press = (element, action) => {
    element.addEventListener("click", () => perform(action));
    return element;
  };
  const withIcon = (picture, action, key, keys) =>
    press(
      html(
        "button",
        { type: "button", class: "button", "aria-label": say(key), title: `${say(key)} (${keys})` },
        picture,
      ),
      action,
    );
  const open = press(
    html("button", { type: "button", class: "button", title: say("editor.open_help") }, say("editor.open")),
    "open",
  );
  const undo = withIcon(editIcon("undo"), "undo", "editor.undo", "Ctrl+Z");
  const redo = withIcon(editIcon("redo"), "redo", "editor.redo", "Ctrl+Shift+Z");
  const remove = withIcon(editIcon("remove"), "remove", "editor.delete", "Del");
  const align = press(
    html(
      "button",
      { type: "button", class: "button", title: say("editor.align_help") },
      editIcon("align"),
      say("editor.align"),
    ),
    "align",
  );
  const snap = press(
    html("button", { type: "button", class: "button toggle", title: say("editor.snap_help") }, say("editor.snap")),
    "snap",
  );
  const count = html("b");
  const ghosts = press(
    html(
      "button",
      { type: "button", class: "button toggle", title: say("editor.ghosts_help") },
      say("editor.ghosts"),
      " ",
      count,
    ),
    "ghosts",
  );
  const zoom = html(
    "div",
    { class: "zoom" },
    withIcon(icon("minus"), "zoomOut", "stage.zoom_out", "−"),
    withIcon(icon("plus"), "zoomIn", "stage.zoom_in", "+"),
    withIcon(icon("fit"), "fit", "editor.fit", "f"),
  );
  const help = withIcon("?", "help", "editor.help", "?");
  const place = html("span", { class: "counts" });
  const [setSnap, setGhosts, setCount, setPlace] = [
    attribute(snap, "aria-pressed"),
    attribute(ghosts, "aria-pressed"),
    text(count),
    text(place),
  ];
  return {
    element: html(
      "div",
      { class: "controls", role: "group", "aria-label": say("editor.toolbar") },
      html(
        "div",
        { class: "controls-left" },
        open,
        html("div", { class: "zoom" }, undo, redo),
        remove,
        align,
        snap,
        ghosts,
        place,
      ),
      html("div", { class: "controls-right" }, zoom, help),
    ),
    draw({ can, snapping, ghosts: showing, identities, nodes, edges }) {
      // A button with the focus stays reachable when there is nothing left to do: it only says so.
      for (const [name, button] of Object.entries({ undo, redo, remove, align })) {
        button.setAttribute("aria-disabled", String(!can[name]));
      }
      setSnap(String(snapping));
      setGhosts(String(showing));
      setCount(String(identities));
      setPlace(say("editor.counts", { nodes, edges }));
    },
  };
}
