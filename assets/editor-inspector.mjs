// The editor's side: the selected node's name, op, inputs, value and attrs; the problem's target and loss; what is still missing.

import { attribute, html, text } from "./dom.mjs";
import {
  isLeafOp,
  LOSSES,
  nodeOf,
  parseAttr,
  parseShape,
  reshaped,
  slotCount,
  slotName,
  valueText,
} from "./editor-document.mjs";
import { shownShape, shownValue } from "./editor-facts.mjs";
import { createChoice, createField } from "./editor-fields.mjs";
import { byCategory } from "./editor-find.mjs";
import { problemLine } from "./editor-popup.mjs";
import { scalar } from "./frame.mjs";
import { icon } from "./icons.mjs";
import { number } from "./messages.mjs";

/** Return {element, draw(scene), setOps(table), focus(field)}; a scene is {document, facts, selection, edge}. */
export function createEditInspector({ say, act }) {
  const node = createNodeSection({ say, act });
  const edge = createEdgeSection({ say });
  const many = html("p", { class: "hint" });
  const problem = createProblemSection({ say, act });
  const check = createCheck({ say, act });
  const element = html(
    "aside",
    { class: "inspector", "aria-label": say("editor.inspector"), tabindex: 0 },
    node.element,
    edge.element,
    many,
    problem.element,
    check.element,
  );
  const setMany = text(many);
  const show = (one, on) => {
    one.hidden = !on;
  };
  return {
    element,
    setOps: node.setOps,
    focus: (field) => (field === "target" ? problem : node).focus(field),
    draw(scene) {
      const [name] = scene.selection;
      const single = scene.selection.length === 1;
      show(node.element, single);
      show(edge.element, scene.edge !== null);
      show(many, scene.selection.length > 1);
      setMany(say("editor.many", { count: scene.selection.length }));
      if (single) node.draw(nodeOf(scene.document, name), scene);
      if (scene.edge) edge.draw(scene.edge, scene);
      problem.draw(scene);
      show(check.element, !scene.selection.length);
      check.draw(scene);
    },
  };
}

// ---- the selected node

function createNodeSection({ say, act }) {
  const name = createField({
    label: say("editor.name"),
    commit: (value, owner) => act.rename(owner, value.trim()),
    leave: act.leave,
  });
  const op = createChoice({
    label: say("editor.op"),
    commit: (value, owner) => act.edit({ do: "op", name: owner, op: value }),
  });
  const value = createField({
    label: say("editor.value"),
    lines: 2,
    hint: say("editor.value_hint"),
    commit: (value, owner) => act.value(owner, value),
    live: (value, owner) => act.value(owner, value, true),
    leave: act.leave,
  });
  const shape = createField({
    label: say("editor.shape"),
    hint: say("editor.shape_hint"),
    commit: (value, owner) => act.shape(owner, parseShape(value)),
    leave: act.leave,
  });
  const inputs = createInputs({ say, act });
  const attrs = createAttrs({ act });
  const now = html("p", { class: "now" });
  const output = html("button", { type: "button", class: "button" }, say("editor.set_output"));
  const copy = html("button", { type: "button", class: "button" }, say("editor.duplicate"));
  output.addEventListener("click", () => act.perform("output"));
  copy.addEventListener("click", () => act.perform("duplicate"));
  const [setNow, setPressed] = [text(now), attribute(output, "aria-pressed")];
  const element = html(
    "section",
    { class: "part", "aria-label": say("editor.node_part") },
    name.element,
    op.element,
    value.element,
    shape.element,
    inputs.element,
    attrs.element,
    now,
    html("div", { class: "buttons" }, output, copy),
  );
  let [ops, groups] = [new Map(), []];
  return {
    element,
    focus: (field) => {
      const one = { name, value, op }[field] ?? name;
      one.input.focus();
      one.input.select?.();
    },
    setOps(table) {
      ops = table;
      groups = byCategory([...table.values()]).map(([category, rows]) => [
        say(category === "leaf" ? "editor.leaves" : `op.category.${category}`),
        rows.map((row) => [row.name, row.name]),
      ]);
    },
    draw(node, scene) {
      const leaf = isLeafOp(node.op);
      name.draw(node.name, node.name);
      op.draw(node.op, node.name, ops.has(node.op) ? groups : [["", [[node.op, node.op]]], ...groups]);
      for (const field of [value, shape]) field.element.hidden = !leaf;
      if (leaf) value.draw(valueText(node.value), node.name);
      if (leaf) shape.draw((shownShape(node, scene.facts) ?? []).join(" × "), node.name);
      inputs.draw(node, ops);
      attrs.draw(node, ops);
      setNow(leaf ? "" : nowText(node, scene, say));
      output.hidden = leaf;
      setPressed(String(scene.document.output === node.name));
    },
  };
}

function nowText(node, { facts }, say) {
  const value = shownValue(node, facts);
  const { level } = facts.node(node.name);
  const shape = shownShape(node, facts);
  const size =
    value === null
      ? ""
      : typeof value === "object"
        ? say("stage.largest", { value: number(scalar(value), 4) })
        : number(Number(value), 4);
  return [
    value === null ? "" : say("editor.now", { value: size }),
    level === null ? "" : say("stage.level", { level }),
    shape?.length ? shape.join(" × ") : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

// Each slot with what it holds: press to take it out, or to choose what goes in.
function createInputs({ say, act }) {
  const list = html("ul", { class: "slots" });
  const element = html("div", { class: "row" }, html("span", { class: "label" }, say("editor.inputs")), list);
  let look = "";
  return {
    element,
    draw(node, ops) {
      const slots = Array.from({ length: slotCount(node, ops) }, (_, slot) => node.inputs?.[slot] ?? null);
      element.hidden = !slots.length;
      if (look === (look = JSON.stringify([node.name, slots]))) return;
      const held = list.getRootNode().activeElement;
      const at = [...list.querySelectorAll("button")].indexOf(held);
      list.replaceChildren(...slots.map((from, slot) => slotLine(node.name, slot, from, say, act)));
      if (at >= 0) list.querySelectorAll("button")[at]?.focus();
    },
  };
}

function slotLine(node, slot, from, say, act) {
  const slots = { from: from ?? "", to: node, slot: slotName(slot) };
  const button =
    from === null
      ? html(
          "button",
          { type: "button", class: "button small", "aria-label": say("editor.connect_slot", slots) },
          say("editor.connect_short"),
        )
      : html(
          "button",
          {
            type: "button",
            class: "button small",
            "aria-label": say("editor.disconnect", slots),
            title: say("editor.disconnect", slots),
          },
          icon("close"),
        );
  button.addEventListener("click", () =>
    from === null ? act.connectFrom({ node, slot }) : act.edit({ do: "disconnect", to: node, slot }),
  );
  return html("li", {}, html("span", { class: "symbol" }, slotName(slot)), html("b", {}, from ?? "·"), button);
}

function createAttrs({ act }) {
  const element = html("div", { class: "attrs" });
  let [look, fields] = ["", []];
  return {
    element,
    draw(node, ops) {
      const defaults = new Map(Object.entries(ops.get(node.op)?.attrs ?? {}));
      const given = new Map(Object.entries(node.attrs ?? {}));
      const known = [...new Set([...defaults.keys(), ...given.keys()])];
      if (look !== (look = JSON.stringify([node.op, known]))) {
        fields = known.map((attr) => [
          attr,
          createField({
            label: attr,
            hint: attrText(defaults.get(attr)),
            commit: (value, owner) => act.edit({ do: "attr", name: owner, attr, value: parseAttr(value, defaults.get(attr)) }),
          }),
        ]);
        element.replaceChildren(...fields.map(([, field]) => field.element));
      }
      for (const [attr, field] of fields) field.draw(attrText(given.get(attr)), node.name);
    },
  };
}

const attrText = (value) =>
  value === undefined || value === null
    ? ""
    : typeof value === "string"
      ? value
      : JSON.stringify(value).replaceAll(",", ", ");

// ---- the selected edge

function createEdgeSection({ say }) {
  const line = html("p");
  const setLine = text(line);
  return {
    element: html("section", { class: "part" }, line),
    draw: ({ from, to, slot }) => setLine(say("editor.edge", { from, to, slot: slotName(slot) })),
  };
}

// ---- the whole problem

function createProblemSection({ say, act }) {
  const title = createField({
    label: say("editor.title"),
    commit: (value) => act.edit({ do: "title", title: value.trim().slice(0, 120) }),
    leave: act.leave,
  });
  const target = createField({
    label: say("editor.target"),
    lines: 2,
    commit: (value) => act.target(value),
    live: (value) => act.target(value, true),
    leave: act.leave,
  });
  const loss = createChoice({ label: say("editor.loss"), commit: (value) => act.edit({ do: "loss", loss: value }) });
  const element = html(
    "section",
    { class: "part", "aria-label": say("editor.problem_part") },
    title.element,
    target.element,
    loss.element,
  );
  const losses = [["", LOSSES.map((one) => [one, say(`editor.loss.${one}`)])]];
  return {
    element,
    focus() {
      target.input.focus();
      target.input.select();
    },
    draw({ document }) {
      title.draw(document.title ?? "");
      target.draw(valueText(document.target));
      loss.draw(document.loss, null, losses);
    },
  };
}

// ---- what is still missing

const MOST = 6;

function createCheck({ say, act }) {
  const element = html("section", { class: "part check", "aria-label": say("editor.check_part") });
  let look = "";
  return {
    element,
    draw({ document, facts }) {
      if (look === (look = JSON.stringify([facts.problems, facts.complete, document.nodes.length, facts.identities])))
        return;
      const { problems } = facts;
      const lines = problems.slice(0, MOST).map((one) => withPlace(one, problemLine(one, say, act.repair), say, act));
      const more =
        problems.length > MOST
          ? [html("p", { class: "hint" }, say("editor.more_problems", { count: problems.length - MOST }))]
          : [];
      const fine = facts.complete
        ? [
            html(
              "p",
              { class: "fine" },
              say("editor.complete", { count: document.nodes.length, identities: facts.identities }),
            ),
          ]
        : [];
      element.replaceChildren(...lines, ...more, ...fine);
    },
  };
}

function withPlace(problem, line, say, act) {
  if (!problem.node) return line;
  const button = html(
    "button",
    { type: "button", class: "button small", "aria-label": say("editor.show_node", { name: problem.node }) },
    problem.node,
  );
  button.addEventListener("click", () => act.show(problem.node));
  line.prepend(button, " ");
  return line;
}
