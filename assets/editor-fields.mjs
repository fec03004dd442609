// The fields of the editor's inspector: they keep what is being typed, and give it to the node it was typed for.

import { html } from "./dom.mjs";
import { composing } from "./keys.mjs";

let count = 0;

/** Return a labelled field {element, input, draw(text, owner)}. `commit(text, owner)` may refuse by returning false; `live(text, owner)` hears each letter; `leave()` follows Escape. */
export function createField({ label, lines = 1, commit, live = null, leave = null, hint = "" }) {
  const id = `field-${(count += 1)}`;
  const input =
    lines > 1
      ? html("textarea", { id, class: "field", rows: lines, spellcheck: "false", placeholder: hint })
      : html("input", { id, class: "field", autocomplete: "off", spellcheck: "false", placeholder: hint });
  const element = html("div", { class: "row" }, html("label", { for: id }, label), input);
  let [owner, next, typing] = [null, { text: "", owner: null }, false];
  const focused = () => input.getRootNode().activeElement === input;

  function show() {
    typing = false;
    owner = next.owner;
    if (input.value !== next.text) input.value = next.text;
    input.removeAttribute("aria-invalid");
  }

  function take() {
    if (!typing) return;
    typing = false;
    if (commit(input.value, owner) === false && focused()) input.setAttribute("aria-invalid", "true");
    else show();
  }

  input.addEventListener("input", () => {
    typing = true;
    input.removeAttribute("aria-invalid");
    live?.(input.value, owner);
  });
  input.addEventListener("change", take);
  input.addEventListener("blur", () => {
    take();
    show();
  });
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (composing(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      take();
      input.select();
    }
    if (event.key === "Escape") {
      show();
      input.blur();
      leave?.();
    }
  });
  return {
    element,
    input,
    /** Show a text, unless somebody is typing another one here. */
    draw(text, of = null) {
      next = { text, owner: of };
      if (!typing) show();
    },
  };
}

/** Return a labelled choice {element, input, draw(value, owner, groups)}; groups are [[heading or "", [[value, label]]]]. */
export function createChoice({ label, commit }) {
  const id = `field-${(count += 1)}`;
  const input = html("select", { id, class: "field" });
  let [owner, drawn] = [null, ""];
  input.addEventListener("change", () => commit(input.value, owner));
  input.addEventListener("keydown", (event) => event.stopPropagation());
  return {
    element: html("div", { class: "row" }, html("label", { for: id }, label), input),
    input,
    draw(value, of, groups) {
      owner = of;
      const look = JSON.stringify(groups);
      if (look !== drawn) input.replaceChildren(...groups.flatMap(([heading, options]) => group(heading, options)));
      drawn = look;
      input.value = value;
    },
  };
}

function group(heading, options) {
  const list = options.map(([value, label]) => html("option", { value }, label));
  return heading ? [html("optgroup", { label: heading }, ...list)] : list;
}
