// Every edit of a draft: `apply` returns a new document, the old one stays as it was. Pure.

import { arityOf, freeName, isLeafOp, nodeOf, usersOf } from "./editor-document.mjs";

/** Return the document after an edit {do, …} or a list of them, each made on what the one before left. */
export function apply(document, edit, ops) {
  if (Array.isArray(edit)) return edit.reduce((now, one) => apply(now, one, ops), document);
  return EDITS[edit.do](document, edit, ops);
}

const EDITS = {
  add: (document, { node }) => ({
    ...document,
    nodes: [...document.nodes, node],
    output: document.output ?? (isLeafOp(node.op) ? null : node.name),
  }),
  paste: (document, { nodes }) => ({ ...document, nodes: [...document.nodes, ...nodes] }),
  connect: (document, { from, to, slot }, ops) => followed(withInput(document, to, slot, from, ops), from, to),
  disconnect: (document, { to, slot }, ops) => withInput(document, to, slot, null, ops),
  move: (document, { positions }) =>
    changed(document, (node) => (Object.hasOwn(positions, node.name) ? { ...node, position: positions[node.name] } : node)),
  rename: (document, { name, to }) => renamed(document, name, to),
  remove: (document, { names }, ops) => removed(document, names, ops),
  op: (document, { name, op }, ops) => changed(document, (node) => (node.name === name ? withOp(node, op, ops) : node)),
  value: (document, { name, value }) => changed(document, (node) => (node.name === name ? { ...node, value } : node)),
  attr: (document, { name, attr, value }) =>
    changed(document, (node) => (node.name === name ? withAttr(node, attr, value) : node)),
  output: (document, { name }) => ({ ...document, output: name }),
  target: (document, { value }) => ({ ...document, target: value }),
  loss: (document, { loss }) => ({ ...document, loss }),
  title: (document, { title }) => ({ ...document, title }),
};

const changed = (document, change) => ({ ...document, nodes: document.nodes.map(change) });

function withInput(document, to, slot, from, ops) {
  return changed(document, (node) =>
    node.name === to ? { ...node, inputs: tidy(placed(node.inputs ?? [], slot, from), arityOf(node, ops)) } : node,
  );
}

function placed(inputs, slot, from) {
  const next = Array.from({ length: Math.max(inputs.length, slot + 1) }, (_, i) => inputs[i] ?? null);
  next[slot] = from;
  return next;
}

// An op that takes any number of inputs has no empty slots between them; empty slots at the end are left out.
function tidy(inputs, [, most]) {
  if (most === null) return inputs.filter((input) => input !== null);
  const last = inputs.findLastIndex((input) => input !== null);
  return inputs.slice(0, last + 1);
}

// What grows on from the output moves the output to its new end.
function followed(document, from, to) {
  if (document.output !== from) return document;
  let end = to;
  for (let users = [to]; users.length; users = usersOf(document, end)) [end] = users;
  return { ...document, output: end };
}

function renamed(document, name, to) {
  const swap = (one) => (one === name ? to : one);
  const next = changed(document, (node) => ({
    ...node,
    name: swap(node.name),
    ...(node.inputs ? { inputs: node.inputs.map(swap) } : {}),
  }));
  return { ...next, output: swap(document.output) };
}

function removed(document, names, ops) {
  const gone = new Set(names);
  const left = document.nodes.filter((node) => !gone.has(node.name));
  const nodes = left.map((node) =>
    node.inputs?.some((input) => gone.has(input))
      ? {
          ...node,
          inputs: tidy(
            node.inputs.map((input) => (gone.has(input) ? null : input)),
            arityOf(node, ops),
          ),
        }
      : node,
  );
  return { ...document, nodes, output: gone.has(document.output) ? null : document.output };
}

function withOp(node, op, ops) {
  const { name, position } = node;
  if (isLeafOp(op)) return { name, op, value: node.value ?? START[op], position };
  const arity = ops.get(op)?.arity ?? [0, null];
  const known = Object.entries(node.attrs ?? {}).filter(([attr]) => attr in (ops.get(op)?.attrs ?? {}));
  return {
    name,
    op,
    inputs: tidy((node.inputs ?? []).slice(0, arity[1] ?? undefined), arity),
    ...(known.length ? { attrs: Object.fromEntries(known) } : {}),
    position,
  };
}

function withAttr(node, attr, value) {
  const { attrs = {}, ...rest } = node;
  const next = { ...attrs, [attr]: value };
  if (value === undefined) delete next[attr];
  return Object.keys(next).length ? { ...rest, attrs: next } : rest;
}

const START = { input: 1, parameter: 0.5, constant: 1 };

/** Return a new node of an op at a position. */
export function newNode(name, op, position) {
  return isLeafOp(op) ? { name, op, value: START[op], position } : { name, op, inputs: [], position };
}

// ---- copies

/** Return copies of nodes, ready to be added: edges among them stay among them, edges from elsewhere stay where that node is. */
export function copies(document, nodes, shift) {
  const names = new Map();
  for (const node of nodes) names.set(node.name, freeName(document, node.name, [...names.values()]));
  const input = (from) => names.get(from) ?? (nodeOf(document, from) ? from : null);
  return nodes.map((node) => ({
    ...node,
    name: names.get(node.name),
    ...(node.inputs ? { inputs: node.inputs.map(input) } : {}),
    position: node.position.map((at, i) => at + shift[i]),
  }));
}
