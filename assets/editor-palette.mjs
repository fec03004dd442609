// The palette: every op by category, with a search. Drag an item onto the canvas, or press it.

import { html } from "./dom.mjs";
import { byCategory, findOps } from "./editor-find.mjs";
import { composing } from "./keys.mjs";

const CLICK = 5;

export const opLabel = (say) => (row) => (say.has(`op.${row.name}`) ? say(`op.${row.name}`) : row.name);
const category = (say, name) =>
  say(
    say.has(`op.category.${name}`) ? `op.category.${name}` : name === "leaf" ? "editor.leaves" : "op.category.custom",
  );

/** Return {element, setOps(table), search()}; `add(op, how)` with how = {keyboard} or {event} of a drop; `over(event)` tells whether that is on the canvas. */
export function createPalette({ say, add, over }) {
  const field = html("input", {
    type: "search",
    class: "field",
    placeholder: say("editor.search"),
    "aria-label": say("editor.search"),
    autocomplete: "off",
    spellcheck: "false",
  });
  const list = html("div", { class: "palette-list", role: "group", "aria-label": say("editor.palette") });
  const fold = html("button", { type: "button", class: "button fold", "aria-expanded": "true" }, say("editor.palette"));
  const element = html("section", { class: "palette", "aria-label": say("editor.palette") }, fold, field, list);
  let rows = [];

  const buttons = () => [...list.querySelectorAll("button")];
  const shownRows = () => findOps(rows, field.value, opLabel(say));

  function draw() {
    const found = shownRows();
    const groups = field.value.trim() ? [["", found]] : byCategory(found);
    list.replaceChildren(
      ...groups.flatMap(([name, items]) =>
        [name ? html("p", { class: "heading" }, category(say, name)) : null, ...items.map(item)].filter(Boolean),
      ),
    );
    if (!found.length) list.append(html("p", { class: "hint" }, say("editor.none_found")));
    rove(buttons()[0]);
  }

  // What was searched for has been found: the palette is whole again.
  function take(row, keyboard) {
    if (field.value) {
      field.value = "";
      draw();
    }
    add(row.name, { keyboard });
  }

  // One stop for Tab; arrows go through the items.
  const rove = (button) =>
    buttons().forEach((one) => {
      one.tabIndex = one === button ? 0 : -1;
    });

  function item(row) {
    const sign = html("span", {
      class: `sign ${row.category === "leaf" ? row.name : ""}`,
      "data-sign": row.symbol === row.name ? "ƒ" : row.symbol,
    });
    const button = html(
      "button",
      {
        type: "button",
        class: "op-item",
        "aria-label": say("editor.add_op", { op: row.name }),
        title: opLabel(say)(row),
        tabindex: -1,
      },
      sign,
      row.name,
    );
    button.addEventListener("click", (event) => {
      if (!button.dragged) take(row, event.detail === 0);
      button.dragged = false;
    });
    button.addEventListener("focus", () => rove(button));
    listenDrag(button, row, { add, over });
    return button;
  }

  list.addEventListener("keydown", (event) => {
    const way = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const all = buttons();
    const next = all[all.indexOf(event.target) + way];
    event.preventDefault();
    event.stopPropagation();
    (next ?? (way < 0 ? field : null))?.focus();
  });
  field.addEventListener("input", draw);
  field.addEventListener("keydown", (event) => {
    if (composing(event)) return;
    const [first] = field.value.trim() ? shownRows() : [];
    if (event.key === "ArrowDown") buttons()[0]?.focus();
    else if (event.key === "Enter" && first) take(first, true);
    else if (event.key === "Escape" && field.value) {
      field.value = "";
      draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  fold.addEventListener("click", () => {
    const open = !element.classList.toggle("folded");
    fold.setAttribute("aria-expanded", String(open));
  });

  return {
    element,
    setOps(table) {
      rows = [...table.values()];
      draw();
    },
    search() {
      element.classList.remove("folded");
      fold.setAttribute("aria-expanded", "true");
      field.focus();
      field.select();
    },
  };
}

function listenDrag(button, row, { add, over }) {
  let [start, ghost] = [null, null];
  const follow = (event) => {
    ghost.style.transform = `translate(${event.clientX}px,${event.clientY}px)`;
    ghost.classList.toggle("over", over(event));
  };
  const end = () => {
    ghost?.remove();
    [start, ghost] = [null, null];
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    [start, button.dragged] = [[event.clientX, event.clientY], false];
    button.setPointerCapture(event.pointerId);
  });
  button.addEventListener("pointermove", (event) => {
    if (!start || (!ghost && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < CLICK)) return;
    if (!ghost) {
      ghost = html("div", { class: "drag-ghost", "aria-hidden": "true" }, row.name);
      button.closest(".stage").append(ghost);
      button.dragged = true;
    }
    follow(event);
  });
  button.addEventListener("pointerup", (event) => {
    const dropped = ghost && over(event);
    end();
    if (dropped) add(row.name, { event });
  });
  button.addEventListener("pointercancel", end);
  button.addEventListener("lostpointercapture", end);
}
