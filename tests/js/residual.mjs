// The residual graph of THEORY §4 (G2), levelled, solved here once more by the lines of THEORY §2 on plain numbers:
// a payload to test the stage with, independent of the engine.

const NODES = [
  ["s", "input", 4, [], 0.5],
  ["z3", "parameter", 4, [], -0.5],
  ["z2", "parameter", 3, [], -0.5],
  ["z1", "parameter", 2, [], -1],
  ["a", "mul", 3, ["s", "z3"], 0.5],
  ["b", "mul", 2, ["a", "z2"], 0],
  ["a′", "identity", 2, ["a"], 1],
  ["a″", "identity", 1, ["a′"], 0.5],
  ["c", "mul", 1, ["b", "z1"], -0.5],
  ["out", "add", 0, ["c", "a″"], 0],
];
const OPS = {
  mul: { symbol: "×", formula: ["*", "x", "y"], partials: ["y", "x"], f: (x, y) => x * y, d: (x, y) => [y, x] },
  add: { symbol: "+", formula: ["+", "x", "y"], partials: [1, 1], f: (x, y) => x + y, d: () => [1, 1] },
  identity: { symbol: "=", formula: "x", partials: [1], f: (x) => x, d: () => [1] },
};
const LEAVES = { s: 1.5, z3: 0.8, z2: -1.2, z1: 0.7 };
const TARGET = 0.3;
const EDGES = NODES.flatMap(([name, , , inputs]) => inputs.map((input, slot) => ({ from: input, to: name, slot })));
const LEVEL = Object.fromEntries(NODES.map(([name, , level]) => [name, level]));
const inner = NODES.filter(([, op]) => OPS[op]);

const predict = (x) =>
  Object.fromEntries(inner.map(([name, op, , inputs]) => [name, OPS[op].f(...inputs.map((i) => x[i]))]));
const forward = () =>
  inner.reduce((x, [name, op, , inputs]) => ({ ...x, [name]: OPS[op].f(...inputs.map((i) => x[i])) }), LEAVES);
const slope = (x, { to, slot }) => {
  const [, op, , inputs] = NODES.find(([name]) => name === to);
  return OPS[op].d(...inputs.map((i) => x[i]))[slot];
};

function relax(rate, steps) {
  let x = { ...forward(), out: TARGET };
  return Array.from({ length: steps + 1 }, () => {
    const predictions = predict(x);
    const errors = Object.fromEntries(inner.map(([name]) => [name, predictions[name] - x[name]]));
    const feedback = EDGES.map((edge) => errors[edge.to] * slope(x, edge));
    const state = {
      values: x,
      predictions,
      errors,
      feedback,
      energy: inner.reduce((sum, [name]) => sum + errors[name] ** 2 / 2, 0),
    };
    const received = (name) => EDGES.reduce((sum, edge, k) => sum + (edge.from === name ? feedback[k] : 0), 0);
    x = {
      ...x,
      ...Object.fromEntries(
        inner
          .filter(([name]) => name !== "out")
          .map(([name]) => [name, x[name] + rate * (errors[name] - received(name))]),
      ),
    };
    return state;
  });
}

function backprop(steps) {
  const x = forward();
  const delta = { out: x.out - TARGET };
  for (const [name] of [...inner].reverse()) {
    if (name !== "out")
      delta[name] = EDGES.reduce((sum, edge) => sum + (edge.from === name ? delta[edge.to] * slope(x, edge) : 0), 0);
  }
  return Array.from({ length: steps + 1 }, (_, t) => ({
    values: x,
    predictions: predict(x),
    energy: null,
    errors: Object.fromEntries(inner.map(([name]) => [name, LEVEL[name] <= t ? delta[name] : null])),
    feedback: EDGES.map((edge) => (LEVEL[edge.to] <= t ? delta[edge.to] * slope(x, edge) : null)),
  }));
}

function lane(method, states, { rate, front, readAt }) {
  const steps = states.length - 1;
  const reads = Object.fromEntries(Object.keys(LEAVES).map((name) => [name, readAt(LEVEL[name])]));
  const gradient = (name) =>
    EDGES.reduce((sum, edge, k) => sum + (edge.from === name ? states[reads[name]].feedback[k] : 0), 0);
  const column = (part) =>
    NODES.map(([name]) =>
      part !== "values" && !(name in states[0].predictions) ? null : states.map((state) => state[part][name]),
    );
  return {
    method,
    symbol: method === "bp" ? "δ" : "ε",
    rate,
    learning_rate: null,
    precision: null,
    rules: RULES[method],
    read_times: Object.fromEntries(
      EDGES.filter(({ from }) => from in LEAVES).map(({ to }) => [to, readAt(LEVEL[to] + 1)]),
    ),
    steps,
    levelled: true,
    front,
    reading: method === "zil" ? "exact" : "",
    result: "finished",
    message: { key: "result.finished", slots: { steps } },
    values: column("values"),
    predictions: column("predictions"),
    errors: column("errors"),
    feedback: EDGES.map((_, k) => states.map((state) => state.feedback[k])),
    energy: states.map((state) => state.energy),
    gradients: Object.fromEntries(
      Object.keys(LEAVES).map((name) => [name, states.map((_, t) => (t >= reads[name] ? gradient(name) : null))]),
    ),
    reads,
    captions: states.map((_, t) => ({ key: "caption.front.start", slots: { output: "out", t } })),
  };
}

// As docs/payload.md has them.
const [TOTAL, ERROR] = [
  ["call", "total", "feedback"],
  ["*", "pi", "error"],
];
const INFERENCE = {
  forward: "mu",
  clamped: "y",
  prediction: ["call", "f", "x"],
  error: ["-", "mu", "x"],
  output: ["-", "mu", "x"],
  feedback: ["call", "vjp", ERROR, "x"],
  move: ["+", "x", ["*", "gamma", ["-", ERROR, TOTAL]]],
  gradient: ["call", "at", "T", TOTAL],
};
const FIRST = (name) => ["call", "at", 0, name];
export const RULES = {
  pc: INFERENCE,
  zil: { ...INFERENCE, gradient: ["call", "at", "level", TOTAL] },
  fixed: {
    ...INFERENCE,
    prediction: ["call", "f", FIRST("x")],
    error: ["-", FIRST("mu"), "x"],
    feedback: ["call", "vjp", ERROR, FIRST("x")],
  },
  bp: {
    forward: "mu",
    prediction: ["call", "f", "x"],
    error: TOTAL,
    output: ["-", "mu", "y"],
    feedback: ["call", "vjp", "error", "x"],
    gradient: TOTAL,
  },
};

const LANES = {
  bp: () => lane("bp", backprop(4), { rate: null, front: true, readAt: (level) => level - 1 }),
  zil: () => lane("zil", relax(1, 4), { rate: 1, front: true, readAt: (level) => level - 1 }),
  pc: () => lane("pc", relax(0.1, 20), { rate: 0.1, front: false, readAt: () => 20 }),
};

/** Return the payload of the residual graph with these lanes. */
export const residual = (...methods) => ({
  version: 1,
  id: methods.join(),
  problem: "residual",
  title: "Residual graph",
  target: TARGET,
  loss: "squared_error",
  output: "out",
  depth: 4,
  nodes: NODES.map(([name, op, level, inputs, y]) => ({
    name,
    op,
    kind: OPS[op] ? (op === "identity" ? "identity" : "node") : op,
    level,
    x: 4 - level,
    y,
    shape: [],
    inputs,
    stands_for: op === "identity" ? "a" : null,
    attrs: {},
    group: "",
  })),
  edges: EDGES,
  ops: Object.fromEntries(
    Object.entries(OPS).map(([name, { symbol, formula, partials }]) => [name, { symbol, formula, partials }]),
  ),
  lanes: methods.map((method) => LANES[method]()),
  compare: null,
});

export const indexOf = (name) => NODES.findIndex(([one]) => one === name);
export const edgeOf = (from, to) => EDGES.findIndex((edge) => edge.from === from && edge.to === to);
