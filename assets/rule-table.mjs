// The rules of a lane with the numbers of a node at a step in them: trees whose leaves are places, as
// pcgraph/rule_table.py makes them. Pure.
//
// A place {quantity, node, t, slot} names one number. Of feedback, `node` is the user and `slot` where its edge ends.

import { entry } from "./frame.mjs";
import { namesIn } from "./formula.mjs";
import { held, linksOf } from "./trace.mjs";

const QUANTITY = {
  ...{ x: "value", mu: "prediction", error: "error", y: "target" },
  ...{ gamma: "rate", pi: "precision", alpha: "learning_rate" },
};
export const isSetting = ({ quantity }) => ["rate", "precision", "learning_rate"].includes(quantity);
export const isPlace = (part) => typeof part === "object" && part !== null && !Array.isArray(part);
export const at = (quantity, node, t, slot = null) => ({ quantity, node, t, slot });

/** Return the name of an input slot in formulas: x, y, z, x4, x5, … */
const slotName = (slot) => "xyz"[slot] ?? `x${slot + 1}`;

/** Return a rule of a node at step t; of feedback `name` is the user. ["total", a, b, …] is the sum of what users have
 *  sent by then, with `every` of what any user sends. */
export function instance(payload, lane, kind, name, t, { slot = null, every = false } = {}) {
  const rule = kind === "error" && name === payload.output ? "output" : kind;
  return resolved({ payload, lane, links: linksOf(payload), kind, name, t, slot, every }, lane.rules[rule]);
}

function resolved(scope, part) {
  if (typeof part === "string") return leaf(scope, QUANTITY[part]);
  if (!Array.isArray(part)) return part;
  const [head, ...rest] = part;
  if (head === "call" && CALLS[rest[0]]) return CALLS[rest[0]](scope, ...rest.slice(1));
  const skip = head === "call" ? 1 : 0;
  const parts = rest.map((one, i) => (i < skip ? one : resolved(scope, one)));
  return head === "*" ? product(...parts) : [head, ...parts];
}

function leaf({ payload, lane, name, t }, quantity) {
  if (quantity === "target") return at("target", name, 0);
  const place = at(quantity, name, t);
  return isSetting(place) && numberAt(payload, lane, place) === 1 ? 1 : place;
}

const product = (a, b) => (a === 1 ? b : b === 1 ? a : ["*", a, b]);
const timed = (scope, inputs) => (typeof inputs === "string" ? scope : { ...scope, t: 0 });

const CALLS = {
  at: (scope, time, part) => resolved(time === 0 ? { ...scope, t: 0 } : scope, part),
  total: (scope) => total(scope),
  f: (scope, inputs) => filled(opOf(scope.payload, scope.links.node(scope.name)).formula, slots(timed(scope, inputs))),
  vjp: sent,
};

function total({ payload, lane, links, kind, name, t, every }) {
  const before = kind === "gradient" && !every ? readTimes(payload, lane, name).filter((one) => one < t) : [];
  const due = (edge) => kind !== "gradient" || isRead(lane, edge.to, t);
  const edges = every ? links.from(name) : arrived(payload, lane, name, t).filter(due);
  const parts = [
    ...before.slice(-1).map((one) => at("gradient", name, one)),
    ...edges.map((edge) => at("feedback", edge.to, sentAt(payload, lane, edge.to, t), edge.slot)),
  ];
  return parts.length > 1 ? ["total", ...parts] : (parts[0] ?? 0);
}

// Error × partial derivative; where the op has none, ["d", slot, inputs …, output] stands for it.
function sent(scope, error, inputs) {
  const node = scope.links.node(scope.name);
  const { partials } = opOf(scope.payload, node);
  const partial = partials[scope.slot] ?? partials.at(-1) ?? null;
  const [named, ct] = [slots(timed(scope, inputs)), resolved(scope, error)];
  if (partial === null) return ["*", ct, ["d", scope.slot, ...node.inputs.map((_, i) => named[slotName(i)]), named.out]];
  const shown = filled(partial, { ...named, ct });
  return namesIn(partial).includes("ct") ? shown : times(ct, shown);
}

const times = (error, partial) =>
  Array.isArray(partial) && partial[0] === "*" ? ["*", times(error, partial[1]), partial[2]] : ["*", error, partial];

function opOf(payload, { op, inputs }) {
  const rule = payload.ops[`${op}/${inputs.length}`] ?? payload.ops[op];
  const formula = rule.formula ?? ["call", op, ...inputs.map((_, i) => slotName(i))];
  return { formula, partials: rule.formula === null ? [] : rule.partials };
}

function slots({ links, name, t }) {
  const { inputs, attrs } = links.node(name);
  const values = inputs.map((input, i) => [slotName(i), at("value", input, t)]);
  const settings = Object.entries(attrs).filter(([, value]) => typeof value === "number");
  return { ...Object.fromEntries([...settings, ...values]), out: at("prediction", name, t) };
}

function filled(part, named) {
  if (typeof part === "string") return named[part] ?? part;
  if (!Array.isArray(part)) return part;
  const skip = part[0] === "call" ? 2 : 1;
  return part.map((one, i) => (i < skip ? one : filled(one, named)));
}

/** Return a tree in which feedback is the rule that made it. */
export function expanded(payload, lane, part) {
  if (isPlace(part) && part.quantity === "feedback")
    return instance(payload, lane, "feedback", part.node, part.t, { slot: part.slot });
  return Array.isArray(part) ? part.map((one) => expanded(payload, lane, one)) : part;
}

/** Return the places a tree names, in its order. */
export const placesIn = (part) => (isPlace(part) ? [part] : Array.isArray(part) ? part.flatMap(placesIn) : []);

/** Return the number at a place, null where the trace (or the payload) has none. */
export function numberAt(payload, lane, { quantity, node, t, slot }) {
  if (quantity === "target") return payload.target;
  if (quantity === "rate") return lane.rate;
  if (quantity === "learning_rate") return lane.learning_rate;
  if (quantity === "precision") return lane.precision?.[node] ?? 1;
  if (quantity === "gradient") return entry(lane.gradients[node], t);
  if (quantity !== "feedback") return held(payload, lane, node, t)[quantity];
  const edge = linksOf(payload)
    .into(node)
    .find((one) => one.slot === slot);
  return edge ? entry(lane.feedback[edge.k], sentAt(payload, lane, node, t)) : null;
}

/** Return the step in which a user sent what it has sent by step t: BP's messages are sent once, at its level. */
export const sentAt = (payload, lane, user, t) =>
  lane.method === "bp" ? Math.min(t, linksOf(payload).node(user).level) : t;

// The edges by which something has come to a node by step t.
const arrived = (payload, lane, name, t) =>
  linksOf(payload)
    .from(name)
    .filter((edge) => {
      const step = sentAt(payload, lane, edge.to, t);
      return entry(lane.feedback[edge.k], step) !== null && held(payload, lane, edge.to, step).error !== null;
    });

// BP reads the sum of all that has come, incremental PC reads in every step up to the last.
const isRead = ({ method, read_times: times }, user, t) =>
  method === "bp" || (method === "ipc" ? times[user] >= t : times[user] === t);

/** Return the steps at which a leaf's gradient, or a part of it, is read, in rising order. */
export function readTimes(payload, lane, name) {
  if (!(name in lane.gradients)) return [];
  const users = linksOf(payload).from(name);
  const times = [...new Set(users.map((edge) => lane.read_times[edge.to]))].sort((a, b) => a - b);
  const upTo = Array.from({ length: (times.at(-1) ?? -1) + 1 }, (_, t) => t);
  return ({ bp: times.slice(-1), ipc: upTo }[lane.method] ?? times).filter((t) => t <= lane.steps);
}
