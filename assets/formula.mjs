// A formula tree as MathML, with names or with numbers in it. Pure: returns descriptions, dom.mjs draws them.

import { number } from "./messages.mjs";

export const mi = (text) => ({ tag: "mi", text, ...(text.length > 1 ? { class: "word" } : {}) });
export const mo = (text) => ({ tag: "mo", text });
const mn = (text, name) => ({ tag: "mn", text, ...(name ? { class: name } : {}) });
export const row = (...children) => ({ tag: "mrow", children });
// Every base gets the same depth, so that subscripts stand in one line.
export const sub = (base, index) => ({
  tag: "msub",
  children: [
    { tag: "mpadded", depth: "0.25em", children: [mi(base)] },
    { tag: "mtext", text: index },
  ],
});
export const sup = (base, mark) => ({ tag: "msup", children: [base, { tag: "mtext", text: mark }] });
const parentheses = (inside) => row(mo("("), inside, mo(")"));

/** Return a line as pieces that may wrap: cut before its own equals signs, arrows, plus and minus. */
export function chunks(line) {
  const list = [[]];
  for (const part of flat(line)) {
    const before = list.at(-1);
    const cuts = part.tag === "mo" && CUTS.has(part.text) && before.length && before.at(-1).text !== "(";
    if (cuts) list.push([]);
    list.at(-1).push(cuts ? { ...part, form: "infix" } : part);
  }
  return list.map((parts) => ({ tag: "math", children: [row(...parts)] }));
}

const CUTS = new Set(["=", "←", "+", "−"]);
const flat = (part) => (part.tag === "mrow" ? part.children.flatMap(flat) : [part]);

/** Return a number as a description; a negative one says so, to be put in parentheses where needed. */
export function figure(value, { decimals = 4, signed = false, hue = false } = {}) {
  const name = hue ? (value > 0 ? "pos" : value < 0 ? "neg" : "zero") : null;
  return { ...mn(number(value, decimals, signed), name), negative: value < 0 };
}

const SUM = 1;
const PRODUCT = 2;
const POWER = 4;
const STRENGTH = { "+": SUM, "-": SUM, total: SUM, "*": PRODUCT, "@": PRODUCT, neg: PRODUCT, "**": POWER };
const COMPARISONS = new Set(["<", ">", "<=", ">=", "=="]);

/** Return a tree as MathML. `leaf(name)` gives a name's or a place's description; with `times` "×" it is a rule filled
 *  with numbers. */
export function formula(tree, leaf, times = "·") {
  const show = (part, outer = 0, first = true) => {
    if (typeof part === "number") return wrap(figureOf(part), part < 0 && !(first && outer <= SUM), 0, 1);
    if (!Array.isArray(part)) return wrapLeaf(leaf(part), outer, first);
    const [op, ...parts] = part;
    const shown = operation(op, parts, show, times);
    return wrap(shown, false, STRENGTH[op] ?? 9, outer + (first ? 0 : 0.5));
  };
  return show(tree);
}

const figureOf = (value) => mn(Number.isInteger(value) ? String(value).replace("-", "−") : number(value));
const wrap = (shown, forced, strength, outer) =>
  forced || (strength && strength < outer) ? parentheses(shown) : shown;
const wrapLeaf = (shown, outer, first) => (shown.negative && (!first || outer >= POWER) ? parentheses(shown) : shown);

function operation(op, parts, show, times) {
  const [a, b, c] = parts;
  if (op === "+" || op === "-") return row(show(a, SUM), mo(op === "+" ? "+" : "−"), show(b, SUM, false));
  if (op === "*" || op === "@")
    return row(show(a, PRODUCT), mo(op === "@" && times === "·" ? "" : times), show(b, PRODUCT, false));
  if (op === "/") return { tag: "mfrac", children: [show(a), show(b)] };
  if (op === "**") return { tag: "msup", children: [show(a, POWER + 1), show(b)] };
  if (op === "neg") return row(mo("−"), show(a, PRODUCT, false));
  if (op === "if") return cases(show, a, b, c);
  if (COMPARISONS.has(op)) return row(show(a), mo({ "<=": "≤", ">=": "≥", "==": "=" }[op] ?? op), show(b));
  if (op === "call") return call(a, parts.slice(1), show);
  if (op === "d") return row(mo("∂"), show(parts.at(-1)), mo("/"), mo("∂"), show(parts[1 + a]));
  if (op === "total") return sum(parts, show);
  return call(op, parts, show);
}

const SHOWN = 3; // terms of a sum

function sum(parts, show) {
  const terms = parts.slice(0, SHOWN).flatMap((part, i) => (i ? [mo("+"), show(part, SUM, false)] : [show(part, SUM)]));
  return row(...terms, ...(parts.length > SHOWN ? [mo("+"), mo("…")] : []));
}

function call(name, parts, show) {
  const shown = parts.map((part) => show(part));
  if (name === "sqrt") return { tag: "msqrt", children: shown };
  if (name === "exp") return { tag: "msup", children: [mi("e"), shown[0]] };
  if (name === "transpose") return { tag: "msup", children: [shown[0], mi("⊤")] };
  if (name === "abs") return row(mo("|"), shown[0], mo("|"));
  return row(mi(name), mo("("), ...shown.flatMap((one, i) => (i ? [mo(","), one] : [one])), mo(")"));
}

function cases(show, condition, yes, no) {
  const line = (...cells) => ({ tag: "mtr", children: cells.map((cell) => ({ tag: "mtd", children: [cell] })) });
  return row(mo("{"), {
    tag: "mtable",
    children: [line(show(yes), row(mi("if"), mo(" "), show(condition))), line(show(no), mi("else"))],
  });
}

const CALLS = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  tanh: Math.tanh,
  abs: Math.abs,
  min: Math.min,
  max: Math.max,
  minimum: Math.min,
  maximum: Math.max,
  sign: Math.sign,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
  softplus: (x) => Math.log1p(Math.exp(x)),
};
const BINARY = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "**": (a, b) => a ** b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
};

/** Return the number a tree stands for, or NaN where it cannot be told here: then no numbers are shown. */
export function evaluate(tree, value) {
  if (typeof tree === "number") return tree;
  if (!Array.isArray(tree)) return Number(value(tree) ?? NaN);
  const [op, ...parts] = tree;
  if (op === "call") return CALLS[parts[0]]?.(...parts.slice(1).map((part) => evaluate(part, value))) ?? NaN;
  const [a, b, c] = parts.map((part) => evaluate(part, value));
  if (op === "neg") return -a;
  if (op === "total") return parts.reduce((sum, part) => sum + evaluate(part, value), 0);
  if (op === "if") return a ? b : c;
  return BINARY[op]?.(a, b) ?? NaN;
}

/** Return the names a tree mentions. */
export function namesIn(tree) {
  if (typeof tree === "string") return [tree];
  return Array.isArray(tree) ? tree.slice(tree[0] === "call" ? 2 : 1).flatMap(namesIn) : [];
}
