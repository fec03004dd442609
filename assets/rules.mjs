// Rules as MathML: a lane's rules in general, and those of a node at a step with its numbers. Pure: {title, lines, notes}.
//
// A line with numbers is only given where the numbers, put into the rule, give what the trace holds.

import { evaluate, figure, formula, mi, mo, row, sub, sup } from "./formula.mjs";
import { isLeaf } from "./frame.mjs";
import { expanded, instance, isPlace, isSetting, numberAt, placesIn } from "./rule-table.mjs";
import { linksOf, readsThrough } from "./trace.mjs";

const equals = (...parts) => row(mo("="), ...parts);
const plain = (value) => typeof value === "number" && Number.isFinite(value);
const close = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
const derivative = (of, by) => row(mo("∂"), of, mo("/"), mo("∂"), by);
const SIGNED = ["error", "feedback", "gradient"]; // what flows has its sign's colour
const BARE = ["prediction", "feedback", "gradient"]; // rules that call an input's value by the input's name

/** Return the sections that explain a node at (t, phase) in a lane; `short` leaves out where its value came from. */
export function rulesOf(payload, laneIndex, name, t, phase = null, { short = false } = {}) {
  const lane = payload.lanes[laneIndex];
  const node = linksOf(payload).node(name);
  const context = { payload, lane, name, t: Math.min(t, lane.steps), node };
  return (isLeaf(node) ? leafSections(context) : nodeSections(context, phase, t, short)).filter(Boolean);
}

function leafSections(context) {
  if (context.node.kind === "constant") return [];
  const read = context.lane.reads[context.name] ?? null;
  return [gradientRule(context, context.name, read ?? context.t, read !== null && read <= context.t)];
}

function nodeSections(context, phase, t, short) {
  const { payload, lane, name } = context;
  if (phase === "predict") return [section(context, "prediction")];
  if (phase === "move") return [moveRule(context, context.t) ?? clampRule(context)];
  const error = errorRule(context);
  if (phase === "error") return [error];
  const sent = readsThrough(payload, lane, name, t).map((leaf) => gradientRule(context, leaf, t, true));
  if (phase === "feedback") return sent.length ? sent : feedbackRules(context);
  if (short) return [error, ...sent];
  const arrived = lane.method !== "bp" && t > 0 && t <= lane.steps ? moveRule(context, context.t - 1) : null;
  return [arrived ?? section(context, "prediction"), error, ...sent];
}

function errorRule(context) {
  const { payload, lane, name } = context;
  if (lane.method !== "bp") return section(context, "error");
  const general = instance(payload, lane, "error", name, context.t, { every: true });
  return section(context, "error", { general, title: "cotangent", always: true });
}

function gradientRule(context, leaf, t, done) {
  const { payload, lane } = context;
  const general = instance(payload, lane, "gradient", leaf, t, { every: true });
  const place = { quantity: "gradient", node: leaf, t, slot: null };
  return section({ ...context, name: leaf, t }, "gradient", { general, place, numbers: done, always: true });
}

const feedbackRules = (context) =>
  linksOf(context.payload)
    .into(context.name)
    .slice(0, 2)
    .map(({ from, slot }) => section(context, "feedback", { slot, always: true, of: from }));

// Null where the node did not move.
function moveRule(context, t) {
  const { payload, lane, name } = context;
  if (!lane.rules.move || name === payload.output || t >= lane.steps) return null;
  const [before, after] = [t, t + 1].map((one) => numberAt(payload, lane, { quantity: "value", node: name, t: one }));
  if (!plain(before) || !plain(after) || close(before, after)) return null;
  const found = section({ ...context, t }, "move");
  return found.lines.length > 1 ? found : null;
}

const clampRule = (context) =>
  context.name === context.payload.output && context.lane.rules.clamped ? section(context, "clamped") : null;

// A rule of a node: its general line, and its line of numbers where they are true; `always` at least its result.
function section(context, kind, { slot = null, general, place, title = kind, numbers = true, always, of } = {}) {
  const { payload, lane, name, t } = context;
  const tree = general ?? instance(payload, lane, kind, name, t, { slot });
  const made = place ?? madeBy(kind, name, t, slot);
  const result = numbers ? numberAt(payload, lane, made) : null;
  const filled = kind === "move" ? tree : expanded(payload, lane, tree);
  const lines = linesOf(payload, lane, { kind, t, tree: expanded(payload, lane, tree), filled, made, result, always });
  return { title: { key: `stage.rule.${title}`, slots: { name: of ?? made.node } }, lines };
}

function madeBy(kind, node, t, slot) {
  const quantity = { move: "value", learned: "value", forward: "value", clamped: "value" }[kind] ?? kind;
  return { quantity, node, t: kind === "move" || kind === "learned" ? t + 1 : t, slot };
}

/** Return the lines behind a number: origin.mjs's kind and tree, at the step whose rule made it. */
export function originLines(payload, laneIndex, { kind, place, t, tree, result }) {
  const lane = payload.lanes[laneIndex];
  const left = symbolOf(payload, lane, place);
  if (tree === null) return [plain(result) ? row(left, mo("="), figure(result)) : left];
  const shown = expanded(payload, lane, tree);
  return linesOf(payload, lane, { kind, t, tree: shown, filled: tree, made: place, result, always: true });
}

function linesOf(payload, lane, { kind, t, tree, filled, made, result, always }) {
  const bare = (place) => BARE.includes(kind) || place.node !== made.node;
  const symbol = (part) => (isPlace(part) ? symbolOf(payload, lane, part, { bare: bare(part), t }) : mi(part));
  const sign = kind === "move" || kind === "learned" ? "←" : "=";
  const general = row(symbolOf(payload, lane, made), mo(sign), formula(tree, symbol));
  const end = plain(result) && figure(result, { hue: SIGNED.includes(made.quantity) });
  if (isPlace(filled) && filled.quantity !== "feedback" && end) return [row(...general.children, mo("="), end)];
  const numbers = end && numbersOf(payload, lane, filled, result);
  return [general, numbers ? equals(...numbers, end) : always && end && equals(end)].filter(Boolean);
}

// A tree with its numbers and "=", null where they do not give the result; nothing of a tree that is one number.
function numbersOf(payload, lane, tree, result) {
  const value = (part) => (isPlace(part) ? numberAt(payload, lane, part) : null);
  if (!placesIn(tree).every((place) => plain(value(place))) || !close(evaluate(tree, value), result)) return null;
  if (isPlace(tree)) return [];
  const shown = (part) => figure(value(part), isPlace(part) && isSetting(part) ? { decimals: 2 } : {});
  return [formula(tree, shown, "×"), mo("=")];
}

const wayOf = (payload, { node, slot }) => row(mi(node), mo("→"), mi(linksOf(payload).node(node).inputs[slot]));

/** Return what a rule of step t calls a number: x_b, `bare` b; with "(0)" where fixed predictions keep it from step 0. */
function symbolOf(payload, lane, place, { bare = false, t = place.t } = {}) {
  const { quantity, node } = place;
  if (quantity === "target") return mi("y");
  if (quantity === "feedback") return wayOf(payload, place);
  if (quantity === "gradient") return derivative(mi(lane.method === "bp" ? "L" : "F"), mi(node));
  if (quantity === "rate" || quantity === "learning_rate") return mi(quantity === "rate" ? "γ" : "α");
  const letter = { value: "x", prediction: "μ", error: lane.symbol, precision: "π" }[quantity];
  const base = quantity === "value" && bare ? mi(node) : sub(letter, node);
  const kept = lane.method === "fixed" && place.t < t && !isLeaf(linksOf(payload).node(node));
  return kept ? sup(base, "(0)") : base;
}

// ---- a method's rules, for any node i with users j and any leaf θ

/** Return the rules of a lane's method: {title, lines, notes}; the notes say of which step the numbers are. */
export function methodRule(payload, laneIndex) {
  const lane = payload.lanes[laneIndex];
  const { rules, method } = lane;
  const x = sub("x", "i");
  const lines = [row(sub(lane.symbol, "i"), mo("="), anyOf(lane, rules.error, x))];
  if (rules.move) lines.push(row(x, mo("←"), anyOf(lane, rules.move, x)));
  if (rules.learned) lines.push(row(mi("θ"), mo("←"), anyOf(lane, rules.learned, mi("θ"))));
  lines.push(row(derivative(mi(method === "bp" ? "L" : "F"), mi("θ")), mo("="), anyOf(lane, rules.gradient, mi("θ"))));
  const notes = [...timesIn(Object.values(rules))].map((time) => ({ key: `stage.rule.at_${time}`, slots: {} }));
  return { title: { key: "stage.rule.method", slots: { method: { key: `method.${method}` } } }, lines, notes };
}

// The times that rules name: 0, "T", "level", …
function timesIn(part) {
  if (!Array.isArray(part)) return new Set();
  const own = part[0] === "call" && part[1] === "at" ? [part[2]] : [];
  return new Set([...own, ...part.flatMap((one) => [...timesIn(one)])]);
}

const TIMES = { T: [mi("T")], level: [sub("ℓ", "j")], path: [sub("d", "j")], every: [mo("0, 1, …")] };

// A rule of names as MathML, by the value `by` of a node i or a leaf θ.
function anyOf(lane, rule, by) {
  const symbol = (part) => {
    if (isPlace(part)) return part.shown;
    if (part === "x") return by;
    return { gamma: mi("γ"), alpha: mi("α"), mu: sub("μ", "i"), error: sub(lane.symbol, "i"), pi: sub("π", "i") }[part];
  };
  return formula(symbolic(lane, rule, by), symbol);
}

// Calls become symbols: total(feedback) the sum over users j of what a user sends, at(0, …) its mark.
function symbolic(lane, part, by) {
  if (!Array.isArray(part)) return part;
  const [head, name, a, b] = part;
  if (head === "*" && isUnit(lane, name)) return symbolic(lane, a, by);
  if (head !== "call") return part.map((one) => symbolic(lane, one, by));
  if (name === "total") return { shown: sumOf(lane, by) };
  if (name === "at" && a === 0) return { shown: sup(sub("μ", "i"), "(0)") };
  if (name === "at") return { shown: row(symbolic(lane, b, by).shown, mo(","), mi("t"), mo("="), ...TIMES[a]) };
  return part;
}

const isUnit = (lane, factor) => (factor === "pi" && !lane.precision) || (factor === "gamma" && lane.rate === 1);

function sumOf(lane, by) {
  const kept = Array.isArray(lane.rules.feedback.at(-1));
  const mu = kept ? sup(sub("μ", "j"), "(0)") : sub("μ", "j");
  const weight = lane.precision ? [sub("π", "j")] : [];
  return row(sub("Σ", "j"), ...weight, sub(lane.symbol, "j"), derivative(mu, by));
}
