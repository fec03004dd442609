// What the board marks while a chain is open or a node's knowledge is shown. Pure.

import { entryOf, readsAt } from "./origin.mjs";
import { linksOf } from "./trace.mjs";

/** Return lane → {traced, known}: the nodes that the chain names, and those the selected node read; null: all. */
export function marksOf(payload, focusLane, { origin, knows, selected, t }) {
  const traced = origin ? tracedBy(payload, origin) : null;
  const known = knows && selected !== null ? knownTo(payload, focusLane, selected, t) : null;
  return (lane) => ({ traced: origin?.lane === lane ? traced : null, known: lane === focusLane ? known : null });
}

function tracedBy(payload, { lane, trail }) {
  const place = trail.at(-1);
  const found = entryOf(payload, lane, place);
  return new Set([place, ...(found?.restsOn ?? [])].map((one) => one.node));
}

function knownTo(payload, lane, name, t) {
  if (linksOf(payload).index(name) < 0) return null;
  const { steps } = payload.lanes[lane];
  return new Set([name, ...readsAt(payload, payload.lanes[lane], name, Math.min(t, steps))]);
}

/** Return what a node read at a step as one message. */
export function knowsSentence(payload, laneIndex, name, t) {
  const lane = payload.lanes[laneIndex];
  const links = linksOf(payload);
  const read = readsAt(payload, lane, name, Math.min(t, lane.steps));
  const inputs = links.node(name).inputs.filter((one, i, all) => read.includes(one) && all.indexOf(one) === i);
  const users = links.from(name).map((edge) => edge.to);
  const heard = read.filter((one) => users.includes(one));
  const others = read.filter((one) => !inputs.includes(one) && !users.includes(one));
  const own = count("inputs", { inputs: inputs.join(", ") }, inputs);
  const slots = { users: heard.join(", "), others: others.join(", ") };
  const theirs = count(others.length ? "users_with" : "users", slots, heard);
  if (!read.length) return { key: "stage.knows.nothing", slots: { name } };
  if (!heard.length || !inputs.length)
    return { key: "stage.knows.one", slots: { name, read: heard.length ? theirs : own } };
  return { key: "stage.knows.two", slots: { name, inputs: own, users: theirs } };
}

const count = (kind, slots, list) => ({ key: `stage.knows.${kind}_${list.length > 1 ? "many" : "one"}`, slots });
