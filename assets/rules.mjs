// The rules of a node at a step, general and with its numbers. Pure: sections {title, lines} of MathML descriptions.
//
// A line with numbers is only given where the numbers, put into the rule, give what the trace holds.

import { evaluate, figure, formula, mi, mo, namesIn, row, sub } from "./formula.mjs";
import { entry, isLeaf } from "./frame.mjs";
import { heardBy } from "./locality.mjs";
import { held, linksOf, readsThrough } from "./trace.mjs";

const SLOTS = ["x", "y", "z", "u", "v", "w"];
const equals = (...parts) => row(mo("="), ...parts);
const plain = (value) => typeof value === "number" && Number.isFinite(value);
const close = (a, b) => Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
const result = (value) => figure(value, { hue: true });

/** Return the sections that explain a node at (t, phase) in a lane; `short` leaves out where its value came from. */
export function rulesOf(payload, laneIndex, name, t, phase = null, { short = false } = {}) {
  const lane = payload.lanes[laneIndex];
  const at = Math.min(t, lane.steps);
  const context = { payload, lane, name, t: at, node: linksOf(payload).node(name), links: linksOf(payload) };
  const sections = isLeaf(context.node) ? leafSections(context) : nodeSections(context, phase, t, short);
  return sections.filter(Boolean);
}

function leafSections(context) {
  if (context.node.kind === "constant") return [];
  const read = context.lane.reads[context.name] ?? null;
  return [gradientRule(context, context.name, read, read !== null && read <= context.t)];
}

function nodeSections(context, phase, t, short) {
  const { payload, lane, name } = context;
  if (phase === "predict") return [predictionRule(context)];
  if (phase === "move") return [moveRule(context, context.t) ?? clampRule(context)];
  const error = lane.method === "bp" ? cotangentRule(context) : errorRule(context);
  if (phase === "error") return [error];
  const reads = readsThrough(payload, lane, name, t);
  const sent = reads.map((leaf) => gradientRule(context, leaf, t, true));
  if (phase === "feedback") return sent.length ? sent : feedbackRules(context);
  if (short) return [error, ...sent];
  const arrived = lane.method !== "bp" && t > 0 && t <= lane.steps ? moveRule(context, context.t - 1) : null;
  return [arrived ?? predictionRule(context), error, ...sent];
}

// ---- μ = f(inputs)

function predictionRule(context) {
  const { name, lane, node, payload, t } = context;
  const tree = payload.ops[node.op]?.formula;
  const general = row(
    sub("μ", name),
    mo("="),
    tree === null || tree === undefined ? callOf(node) : formula(tree, namesOf(node)),
  );
  const predicted = held(payload, lane, name, t).prediction;
  const numbers = filled(context, tree, predicted);
  return section("stage.rule.prediction", [general, numbers && equals(numbers, mo("="), figure(predicted))]);
}

const callOf = (node) =>
  row(mi(node.op), mo("("), ...node.inputs.flatMap((input, i) => (i ? [mo(","), mi(input)] : [mi(input)])), mo(")"));

const namesOf = (node) => (slot) =>
  slot === "out" ? sub("μ", node.name) : mi(node.inputs[SLOTS.indexOf(slot)] ?? slot);

// Fixed predictions: values and derivatives stay at their forward state.
function inputsOf({ payload, lane, node, t }) {
  const at = lane.method === "fixed" ? 0 : t;
  return (slot) =>
    slot === "out"
      ? held(payload, lane, node.name, at).prediction
      : held(payload, lane, node.inputs[SLOTS.indexOf(slot)], at).value;
}

function filled(context, tree, expected) {
  if (tree === null || tree === undefined || !plain(expected)) return null;
  const value = inputsOf(context);
  const names = namesIn(tree);
  if (!names.every((one) => plain(value(one))) || !close(evaluate(tree, value), expected)) return null;
  return formula(tree, (slot) => figure(value(slot)), "×");
}

// ---- ε = μ − x, δ from users

function errorRule(context) {
  const { name, payload, lane, t } = context;
  const now = held(payload, lane, name, t);
  const output = name === payload.output;
  if (output && payload.loss !== "squared_error") {
    return section("stage.rule.error", [
      row(sub("ε", name), mo("="), derivative(mi("L"), sub("μ", name))),
      plain(now.error) && equals(result(now.error)),
    ]);
  }
  const general = row(sub("ε", name), mo("="), sub("μ", name), mo("−"), sub("x", name));
  const numbers =
    plain(now.error) && plain(now.prediction) && plain(now.value) && close(now.prediction - now.value, now.error);
  return section("stage.rule.error", [
    general,
    numbers && equals(figure(now.prediction), mo("−"), inside(now.value), mo("="), result(now.error)),
  ]);
}

function cotangentRule(context) {
  const { name, payload, lane, t, links } = context;
  const now = held(payload, lane, name, t).error;
  if (name === payload.output) {
    const squared = payload.loss === "squared_error";
    const general = squared
      ? row(sub("δ", name), mo("="), sub("μ", name), mo("−"), mi("y"))
      : row(sub("δ", name), mo("="), derivative(mi("L"), sub("μ", name)));
    const predicted = held(payload, lane, name, t).prediction;
    const numbers =
      squared && plain(now) && plain(predicted) && plain(payload.target) && close(predicted - payload.target, now);
    return section("stage.rule.cotangent", [
      general,
      numbers
        ? equals(figure(predicted), mo("−"), inside(payload.target), mo("="), result(now))
        : plain(now) && equals(result(now)),
    ]);
  }
  return section("stage.rule.cotangent", sumRule(context, sub("δ", name), links.from(name), now));
}

const inside = (value) => (value < 0 ? row(mo("("), figure(value), mo(")")) : figure(value));
const derivative = (of, by) => row(mo("∂"), of, mo("/"), mo("∂"), by);

// ---- feedback, gradients

const SHOWN = 3;

// left = Σ over edges to users of error × partial; with each edge's own numbers, then their sum.
function sumRule(context, left, edges, total) {
  const terms = edges.slice(0, SHOWN).map((edge) => edgeTerm(context, edge));
  const more = edges.length > SHOWN ? [mo("+"), mo("…")] : [];
  const join = (list) => [...list.flatMap((term, i) => (i ? [mo("+"), term] : [term])), ...more];
  const numbers = plain(total) && terms.every((term) => term.numbers) && addsUp(context, edges, total);
  return [
    row(left, mo("="), ...join(terms.map((term) => term.names))),
    numbers
      ? equals(...join(terms.map((term) => term.numbers)), mo("="), result(total))
      : plain(total) && equals(result(total)),
  ];
}

function addsUp({ payload, lane, t }, edges, total) {
  const level = (edge) => linksOf(payload).node(edge.to).level;
  const sent = edges.map((edge) => entry(lane.feedback[edge.k], lane.method === "bp" ? Math.min(t, level(edge)) : t));
  return sent.every(plain) && close(sumOf(sent), total);
}

const sumOf = (list) => list.reduce((a, b) => a + b, 0);

function edgeTerm(context, edge) {
  const { payload, lane, t } = context;
  const user = linksOf(payload).node(edge.to);
  const tree = payload.ops[user.op]?.partials?.[edge.slot];
  const symbol = sub(lane.symbol, user.name);
  const whole = tree === null || tree === undefined || namesIn(tree).includes("ct");
  const partial = whole ? derivative(sub("μ", user.name), mi(edge.from)) : tree;
  const names = whole
    ? row(symbol, mo("·"), partial)
    : formula(["*", "ct", partial], (slot) => (slot === "ct" ? symbol : namesOf(user)(slot)));
  return { names, numbers: whole ? null : termNumbers({ ...context, node: user, t }, tree, edge.k) };
}

function termNumbers(context, tree, k) {
  const { payload, lane, node, t } = context;
  const at = lane.method === "bp" ? Math.min(t, node.level) : t; // BP's messages are sent once
  const [error, sent] = [held(payload, lane, node.name, t).error, entry(lane.feedback[k], at)];
  const value = inputsOf(context);
  const all = (slot) => (slot === "ct" ? error : value(slot));
  const whole = ["*", "ct", tree];
  if (
    !plain(error) ||
    !plain(sent) ||
    !namesIn(tree).every((one) => plain(value(one))) ||
    !close(evaluate(whole, all), sent)
  )
    return null;
  return formula(whole, (slot) => figure(all(slot)), "×");
}

function gradientRule(context, leaf, read, done) {
  const { lane, links } = context;
  const t = read ?? context.t;
  const total = done ? entry(lane.gradients[leaf], t) : null;
  const lines = sumRule(
    { ...context, t },
    derivative(mi(lane.method === "bp" ? "L" : "F"), mi(leaf)),
    links.from(leaf),
    total,
  );
  return section("stage.rule.gradient", done ? lines : [lines[0]], { name: leaf });
}

function feedbackRules(context) {
  const { name, lane, t, links } = context;
  return links
    .into(name)
    .slice(0, 2)
    .map((edge) => {
      const sent = entry(lane.feedback[edge.k], t);
      const { names, numbers } = edgeTerm(context, edge);
      return section(
        "stage.rule.feedback",
        [names, plain(sent) && (numbers ? equals(numbers, mo("="), result(sent)) : equals(result(sent)))],
        { name: edge.from },
      );
    });
}

// ---- x ← x + γ (ε − Σ feedback)

function moveRule(context, t) {
  const { name, payload, lane, links } = context;
  if (name === payload.output || lane.method === "bp" || t >= lane.steps) return null;
  const [now, after] = [held(payload, lane, name, t), held(payload, lane, name, t + 1).value];
  const sent = links.from(name).map((edge) => entry(lane.feedback[edge.k], t));
  if (![now.value, now.error, after, lane.rate, ...sent].every(plain)) return null;
  if (!close(now.value + lane.rate * (now.error - sumOf(sent)), after) || close(after, now.value)) return null;
  const more = sent.length > SHOWN ? [mo("−"), mo("…")] : [];
  const unit = lane.rate === 1;
  const minus = sent.slice(0, SHOWN).flatMap((value) => [mo("−"), inside(value)]);
  const numbers = equals(
    figure(now.value),
    mo("+"),
    ...(unit ? [] : [figure(lane.rate, { decimals: 2 }), mo("×")]),
    mo("("),
    figure(now.error),
    ...minus,
    ...more,
    mo(")"),
    mo("="),
    figure(after),
  );
  return section("stage.rule.move", [moveLine(context), numbers]);
}

function moveLine({ name, lane, links }) {
  const users = links.from(name).map((edge) => edge.to);
  const terms = users.slice(0, SHOWN).flatMap((user) => [mo("−"), row(sub("ε", user), derivativeText(user, name))]);
  return row(
    sub("x", name),
    mo("←"),
    sub("x", name),
    mo("+"),
    ...(lane.rate === 1 ? [] : [mi("γ")]),
    mo("("),
    sub("ε", name),
    ...terms,
    ...(users.length > SHOWN ? [mo("−"), mo("…")] : []),
    mo(")"),
  );
}

const derivativeText = (user, name) => row(mo("∂"), sub("μ", user), mo("/"), mo("∂"), sub("x", name));

function clampRule({ name, payload, lane, t }) {
  if (name !== payload.output || lane.method === "bp") return null;
  const value = held(payload, lane, name, t).value;
  return section("stage.rule.clamped", [
    row(sub("x", name), mo("="), mi("y"), ...(plain(value) ? [mo("="), figure(value)] : [])),
  ]);
}

const section = (key, lines, slots = {}) => ({ title: { key, slots }, lines: lines.filter(Boolean) });

/** Return the rule of a lane's method, for any node i with users j and any parameter θ. */
export function methodRule(payload, laneIndex) {
  const { method, symbol, rate } = payload.lanes[laneIndex];
  const sum = (by) => row(sub("Σ", "j"), sub(symbol, "j"), row(mo("∂"), sub("μ", "j"), mo("/"), mo("∂"), by));
  const gradient = row(derivative(mi(method === "bp" ? "L" : "F"), mi("θ")), mo("="), sum(mi("θ")));
  const title = { key: "stage.rule.method", slots: { method: { key: `method.${method}` } } };
  if (method === "bp") return { title, lines: [row(sub("δ", "i"), mo("="), sum(sub("x", "i"))), gradient] };
  const move = row(
    sub("x", "i"),
    mo("←"),
    sub("x", "i"),
    mo("+"),
    ...(rate === 1 ? [] : [mi("γ")]),
    mo("("),
    sub("ε", "i"),
    mo("−"),
    sum(sub("x", "i")),
    mo(")"),
  );
  return { title, lines: [row(sub("ε", "i"), mo("="), sub("μ", "i"), mo("−"), sub("x", "i")), move, gradient] };
}

/** Return whose numbers a node's rules name: its inputs, its users, and what their partial derivatives name. */
export function readFrom(payload, laneIndex, name) {
  const inputs = linksOf(payload).node(name).inputs;
  return [...new Set([...inputs, ...heardBy(payload, name)])].filter((one) => one !== name);
}

// ---- the rule behind one number

/** Return the lines behind a number; kind and place are origin.mjs's, `place.numbers` what it rests on. */
export function originLines(payload, laneIndex, kind, place, total) {
  const { node: name, t, slot, numbers } = place;
  const [links, lane] = [linksOf(payload), payload.lanes[laneIndex]];
  const context = { payload, lane, name, t, node: links.node(name), links };
  const makers = {
    leaf: () => [given(sub("x", name), total)],
    target: () => [given(mi("y"), total)],
    forward: () => [given(row(sub("x", name), mo("="), sub("μ", name)), total)],
    clamped: () => clampRule(context).lines,
    move: () => moveRule(context, t - 1)?.lines ?? [moveLine(context), ends(total)],
    learned: () => learnedLines(context, numbers, total),
    prediction: () => predictionRule(context).lines,
    error: () => errorRule(context).lines,
    start: () => cotangentRule(context).lines,
    cotangent: () => [cotangentRule(context).lines[0], added(numbers, total)],
    feedback: () =>
      feedbackLines(
        context,
        links.into(name).find((edge) => edge.slot === slot),
        total,
      ),
    gradient: () => gradientLines(context, place, total),
  };
  return makers[kind]().filter(Boolean);
}

const given = (left, value) => (plain(value) ? row(left, mo("="), figure(value)) : left);
const ends = (value) => plain(value) && equals(result(value));

// The numbers it rests on, added up.
function added(numbers, total) {
  const adds = numbers.length > 1 && numbers.every(plain) && plain(total) && close(sumOf(numbers), total);
  if (!adds) return ends(total);
  return equals(...numbers.flatMap((one, i) => (i ? [mo("+"), inside(one)] : [figure(one)])), mo("="), result(total));
}

function feedbackLines(context, edge, total) {
  const { names, numbers } = edgeTerm(context, edge);
  const way = [mi(edge.to), mo("→"), mi(edge.from)];
  return [row(...way, mo("="), names), numbers && plain(total) ? equals(numbers, mo("="), result(total)) : ends(total)];
}

// Only what was due is added, to what had been read before.
function gradientLines(context, { node, restsOn, numbers }, total) {
  const { lane, links } = context;
  const left = derivative(mi(lane.method === "bp" ? "L" : "F"), mi(node));
  const sent = restsOn.filter(({ quantity }) => quantity === "feedback");
  const came = ({ to, slot }) => sent.some((one) => one.node === to && one.slot === slot);
  const [general] = sumRule(context, left, links.from(node).filter(came), null);
  const more = restsOn[0]?.quantity === "gradient";
  return [more ? row(left, mo("←"), left, mo("+"), ...general.children.slice(2)) : general, added(numbers, total)];
}

function learnedLines({ name, links }, [before, ...sent], total) {
  const users = links.from(name).map((edge) => edge.to);
  const terms = users
    .slice(0, SHOWN)
    .flatMap((user, i) => [...(i ? [mo("+")] : []), row(sub("ε", user), derivativeText(user, name))]);
  const more = users.length > SHOWN ? [mo("+"), mo("…")] : [];
  const x = sub("x", name);
  const general = row(x, mo("←"), x, mo("−"), mi("α"), mo("("), ...terms, ...more, mo(")"));
  if (![before, ...sent, total].every(plain)) return [general, ends(total)];
  return [general, equals(figure(before), mo("−"), mi("α"), mo("×"), inside(sumOf(sent)), mo("="), result(total))];
}
