// A draft as the editor holds it: an immutable version 1 document (docs/editor.md) and questions to it. Pure.
//
// `ops` is a Map of op rows by name, as `opTable` makes it.

import { readNumber } from "./typed-numbers.mjs";

export const LEAVES = ["input", "parameter", "constant"];
export const LOSSES = ["squared_error", "cross_entropy"];
export const isLeafOp = (op) => LEAVES.includes(op);

const LONGEST_NAME = 64;
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.′″‴]*$/u; // as pcgraph/problem.py has it

export const blank = () => ({ version: 1, title: "", output: null, target: 0, loss: "squared_error", nodes: [] });

/** Return the op rows by name, leaves first: the palette's order. */
export function opTable(rows) {
  const leaves = LEAVES.map((name) => ({ name, category: "leaf", symbol: "", arity: [0, 0], attrs: {} }));
  return new Map([...leaves, ...rows.filter((row) => !isLeafOp(row.name))].map((row) => [row.name, row]));
}

export const nodeOf = (document, name) => document.nodes.find((node) => node.name === name);

/** Return the edges in order of user, then slot: `x*x` gives two. */
export function edgesOf(document) {
  return document.nodes.flatMap((node) =>
    (node.inputs ?? []).flatMap((from, slot) => (from === null ? [] : [{ from, to: node.name, slot }])),
  );
}

/** Return the names that use a node, once each. */
export const usersOf = (document, name) =>
  document.nodes.filter((node) => node.inputs?.includes(name)).map((node) => node.name);

// ---- slots

/** Return [least, most] inputs of a node; most is null where there is no limit. */
export const arityOf = (node, ops) => ops.get(node.op)?.arity ?? [node.inputs?.length ?? 0, node.inputs?.length ?? 0];

/** Return how many input slots a node shows: all it needs, and one more while more may come. */
export function slotCount(node, ops) {
  const [least, most] = arityOf(node, ops);
  const used = node.inputs?.length ?? 0;
  return Math.max(least, used, Math.min(most ?? Infinity, used && used >= least ? used + 1 : 0));
}

/** Return a slot's name in formulas: x, y, z, x4, … */
export const slotName = (slot) => ["x", "y", "z"][slot] ?? `x${slot + 1}`;

/** Return the first empty slot of a node, or null. */
export function emptySlot(node, ops) {
  const slots = Array.from({ length: slotCount(node, ops) }, (_, slot) => slot);
  return slots.find((slot) => (node.inputs?.[slot] ?? null) === null) ?? null;
}

// ---- what is refused

/** Return the path that an edge would close to a cycle, its first node repeated at the end, or null. */
export function cyclePath(document, from, to) {
  const before = new Map(document.nodes.map((node) => [node.name, node.inputs ?? []]));
  const next = new Map([[from, null]]);
  const open = [from];
  while (open.length) {
    const name = open.pop();
    if (name === to) return [...along(next, to), to];
    for (const input of before.get(name) ?? []) {
      if (input !== null && !next.has(input)) {
        next.set(input, name);
        open.push(input);
      }
    }
  }
  return null;
}

function along(next, start) {
  const path = [];
  for (let name = start; name !== null; name = next.get(name)) path.push(name);
  return path;
}

/** Tell whether this can be a node's name. */
export const isName = (name) => typeof name === "string" && NAME.test(name) && [...name].length <= LONGEST_NAME;

/** Return why a name can't be given, as {key, slots}, or null. `own` is the node that would carry it. */
export function nameProblem(document, name, own = null) {
  if (!isName(name))
    return { key: "error.name", slots: { name, longest: LONGEST_NAME } };
  if (name !== own && nodeOf(document, name))
    return { key: "editor.refuse.taken", slots: { name, free: freeName(document, name) } };
  return null;
}

/** Return why an edit is refused, as {key, slots}, or null. */
export function refusal(document, edit) {
  if (edit.do === "rename") return nameProblem(document, edit.to, edit.name);
  if (edit.do !== "connect") return null;
  const path = cyclePath(document, edit.from, edit.to);
  return path && { key: "editor.refuse.cycle", slots: { from: edit.from, to: edit.to, path: path.join(" → ") } };
}

// ---- names

const FIRST = { input: "x", parameter: "w", constant: "k" };

/** Return a free name for a new node: x1 for an input, w1 for a parameter, h1 for an op. */
export const newName = (document, op) => numbered(document, FIRST[op] ?? "h", 1);

/** Return a free name like this one: itself, or with the next free number. */
export function freeName(document, name, taken = []) {
  if (!nodeOf(document, name) && !taken.includes(name)) return name;
  return numbered(document, name.replace(/\d+$/, "").slice(0, LONGEST_NAME - 6) || "h", 2, taken);
}

function numbered(document, base, from, taken = []) {
  const names = new Set([...document.nodes.map((node) => node.name), ...taken]);
  let count = from;
  while (names.has(`${base}${count}`)) count += 1;
  return `${base}${count}`;
}

// ---- values

/**
 * Return what a text stands for: a number, nested lists of numbers, or the text itself, which Python reads or refuses.
 * `now` is the value before: in the place of a number a comma is a decimal comma.
 */
export function parseValue(text, now = null) {
  const one = readNumber(text);
  const severalPerhaps = typeof now !== "number" && /[,，、]|\S\s+\S/.test(text.trim());
  if (typeof one === "number" && !severalPerhaps) return one;
  const plain = text.trim().replaceAll("−", "-");
  if (/\d,\d/.test(plain) && /,\s/.test(plain)) return text.trim(); // [0,5, 1,5]
  const value = readJson(plain.replace(/(^|[[,\s-])\.(\d)/g, "$10.$2").replace(/(\d)\.(?!\d)/g, "$1.0"));
  return shapeOf(value) === null ? text.trim() : value;
}

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Return the shape of a number or of nested lists, or null where they are ragged or no numbers. */
export function shapeOf(value) {
  if (typeof value === "number") return Number.isFinite(value) ? [] : null;
  if (!Array.isArray(value) || !value.length) return null;
  const shapes = value.map(shapeOf);
  if (shapes.some((shape) => shape === null || shape.join() !== shapes[0].join())) return null;
  return [value.length, ...shapes[0]];
}

/** Return a value as it is typed. */
export const valueText = (value) =>
  typeof value === "string"
    ? value
    : value === undefined || value === null
      ? ""
      : JSON.stringify(value).replaceAll(",", ", ");

/** Return a value in another shape: its numbers in order, repeated where more are needed. */
export function reshaped(value, shape) {
  const flat = typeof value === "number" ? [value] : shapeOf(value) ? value.flat(Infinity) : [0];
  let at = 0;
  const build = ([size, ...rest]) =>
    size === undefined ? flat[at++ % flat.length] : Array.from({ length: size }, () => build(rest));
  return build(shape);
}

/** Return the shape that a text names, such as "2, 3" or "2 × 3", or null. */
export function parseShape(text, most = 10000) {
  const parts = text
    .replace(/[()[\]]/g, " ")
    .split(/[\s,×x*]+/i)
    .filter(Boolean);
  const shape = parts.map(readNumber);
  const fits =
    shape.every((size) => Number.isInteger(size) && size > 0) &&
    shape.reduce((a, b) => a * b, 1) <= most &&
    shape.length <= 8;
  return fits ? shape : null;
}

const WORDS = new Map([
  ["True", true],
  ["False", false],
  ["None", null],
]);

/** Return what an attr's text stands for: JSON, a tuple as a list, or text; undefined leaves the default, `normal`. */
export function parseAttr(text, normal = null) {
  const plain = text.trim();
  if (!plain) return undefined;
  const one = readNumber(plain);
  // Beside a whole number, 2,3 may be a pair.
  if (typeof one === "number" && typeof normal === "number" && !(Number.isInteger(normal) && /[,，]/.test(plain)))
    return one;
  if (WORDS.has(plain)) return WORDS.get(plain);
  const value = readJson(plain.replaceAll("−", "-").replace(/^\((.*?),?\)$/, "[$1]"));
  return value === undefined ? plain : value;
}

// ---- comparing

/** Return a draft's meaning as text: everything but where nodes stand and in which order they come. */
export function meaning(document) {
  const nodes = document.nodes.map(({ name, op, inputs = [], value = null, attrs = {} }) => [
    name,
    op,
    inputs,
    value,
    Object.entries(attrs).sort(),
  ]);
  return JSON.stringify([
    document.title ?? "",
    document.output ?? null,
    document.target,
    document.loss,
    nodes.sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
