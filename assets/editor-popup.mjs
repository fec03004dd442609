// What opens on the canvas: the search box that adds a node there, the menu of a node, the field of a name, the note at a node.

import { html } from "./dom.mjs";
import { findOps } from "./editor-find.mjs";
import { opLabel } from "./editor-palette.mjs";
import { composing } from "./keys.mjs";

/** Put an element into a board at a point, kept inside it. */
function putAt(board, element, [x, y]) {
  const { clientWidth: w, clientHeight: h } = board;
  element.style.left = `${Math.max(4, Math.min(x, w - element.offsetWidth - 4))}px`;
  element.style.top = `${Math.max(4, Math.min(y, h - element.offsetHeight - 4))}px`;
}

/** Return {open(point, choose), close, isOpen}: type a word, arrows choose, Enter adds. */
export function createAddBox({ say, board, closed }) {
  const field = html("input", {
    class: "field",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "add-list",
    "aria-autocomplete": "list",
    "aria-label": say("editor.add_here"),
    placeholder: say("editor.search"),
    autocomplete: "off",
    spellcheck: "false",
  });
  const list = html("ul", { id: "add-list", role: "listbox", "aria-label": say("editor.palette") });
  const element = html("div", { class: "popup add-box" }, field, list);
  let [rows, found, at, choose, open] = [[], [], 0, null, false];

  function draw() {
    found = findOps(rows, field.value, opLabel(say));
    list.replaceChildren(
      ...found.map((row, i) => {
        const option = html(
          "li",
          { role: "option", id: `add-${i}`, "aria-selected": String(i === at) },
          html("b", {}, row.name),
          html("span", {}, opLabel(say)(row) === row.name ? "" : opLabel(say)(row)),
        );
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          take(row);
        });
        return option;
      }),
    );
    field.setAttribute("aria-activedescendant", found.length ? `add-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function take(row) {
    const then = choose;
    close(false);
    then(row.name);
  }

  function close(back = true) {
    if (!open) return;
    [open, choose] = [false, null];
    element.remove();
    if (back) closed();
  }

  field.addEventListener("input", () => {
    at = 0;
    draw();
  });
  field.addEventListener("blur", () => close(false));
  field.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (way && found.length) {
      at = (at + way + found.length) % found.length;
      draw();
    } else if (event.key === "Enter") {
      if (found[at]) take(found[at]);
    } else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    setOps(table) {
      rows = [...table.values()];
    },
    get isOpen() {
      return open;
    },
    open(point, then) {
      [open, choose, at] = [true, then, 0];
      field.value = "";
      board.append(element);
      draw();
      putAt(board, element, point);
      field.focus({ preventScroll: true });
    },
    close,
  };
}

/** Return {open(point, items, held), close}: items are [{label, run, keys}]; `held`: a finger still lies on it, and its lifting presses nothing. */
export function createMenu({ say, board, closed }) {
  const element = html("div", { class: "popup menu", role: "menu", "aria-label": say("editor.menu") });
  let open = false;

  function close(back = true) {
    if (!open) return;
    open = false;
    element.remove();
    if (back) closed();
  }

  function step(way) {
    const all = [...element.children];
    const now = all.indexOf(element.getRootNode().activeElement);
    all[(now + way + all.length) % all.length].focus();
  }

  element.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowUp: -1, Tab: event.shiftKey ? -1 : 1 }[event.key];
    if (way) step(way);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget)) close(false);
  });

  return {
    open(point, items, held = false) {
      close(false);
      open = true;
      if (held) untilLifted(element);
      element.replaceChildren(
        ...items.map(({ label, run, keys = "" }) => {
          const button = html(
            "button",
            { type: "button", role: "menuitem" },
            label,
            html("kbd", { "data-keys": keys }),
          );
          button.addEventListener("click", () => {
            close();
            run();
          });
          return button;
        }),
      );
      board.append(element);
      putAt(board, element, point);
      element.firstChild?.focus({ preventScroll: true });
    },
    close,
  };
}

function untilLifted(element) {
  element.style.pointerEvents = "none";
  const lifted = () =>
    setTimeout(() => {
      element.style.pointerEvents = "";
    }, 50);
  for (const name of ["pointerup", "pointercancel"])
    document.addEventListener(name, lifted, { capture: true, once: true });
}

/** Return {open(name, box), close}: a field over a node's name. `rename(name, to)` says whether it was taken. */
export function createNameField({ say, board, rename, closed }) {
  const field = html("input", {
    class: "field popup name-field",
    "aria-label": say("editor.rename"),
    autocomplete: "off",
    spellcheck: "false",
  });
  let node = null;

  function close(back) {
    if (node === null) return;
    node = null;
    field.remove();
    if (back) closed();
  }

  function take(back) {
    if (node === null) return;
    const [old, wanted] = [node, field.value.trim()];
    if (wanted === old || rename(old, wanted)) close(back);
    else if (back) field.setAttribute("aria-invalid", "true");
    else close(false);
  }

  field.addEventListener("input", () => field.removeAttribute("aria-invalid"));
  field.addEventListener("blur", () => take(false));
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (composing(event)) return;
    if (event.key === "Enter") take(true);
    else if (event.key === "Escape") close(true);
    else return;
    event.preventDefault();
  });

  return {
    open(name, box) {
      close(false);
      node = name;
      field.value = name;
      field.removeAttribute("aria-invalid");
      board.append(field);
      Object.assign(field.style, { width: `${Math.max(110, box.w)}px` });
      putAt(board, field, [box.x, box.y]);
      field.focus({ preventScroll: true });
      field.select();
    },
    close: () => close(false),
  };
}

const NOTE = 310; // px: the note's width at most, and the gap

/** Return {show(box, problems, size), hide}: what is wrong with a node, said at the node, with a repair to press. Placed without asking the browser for its size. */
export function createNote({ say, board, repair }) {
  const element = html("div", { class: "note" });
  let drawn = "";
  return {
    show(box, problems, size) {
      const first = problems.slice(0, 3);
      if (drawn !== (drawn = JSON.stringify(first)))
        element.replaceChildren(...first.map((problem) => problemLine(problem, say, repair)));
      const [right, above] = [box.x > size.w - NOTE, box.y + box.h > size.h * 0.7];
      Object.assign(element.style, {
        left: right ? "auto" : `${Math.max(4, box.x - 6)}px`,
        right: right ? "4px" : "auto",
        top: above ? "auto" : `${box.y + box.h + 24}px`,
        bottom: above ? `${size.h - box.y + 10}px` : "auto",
      });
      if (!element.isConnected) board.append(element);
    },
    hide: () => element.remove(),
  };
}

/** Return a problem's sentence, with its repair as a button where there is one. */
export function problemLine(problem, say, repair) {
  const line = html("p", { class: "problem" }, say(problem.key, problem.slots));
  if (!problem.repair) return line;
  const button = html("button", { type: "button", class: "button repair" }, repairText(problem, say));
  button.addEventListener("click", () => repair(problem));
  line.append(button);
  return line;
}

function repairText({ node, repair: way }, say) {
  const slots = { node: way.node ?? node, to: way.to ?? "…" };
  return way.do === "value" && way.to === null ? say("editor.repair.edit") : say(`editor.repair.${way.do}`, slots);
}
