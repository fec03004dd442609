// How wide texts are in the page's font, measured once on a canvas: never by laying out the page.

import { scalar } from "./frame.mjs";
import { NUMBER } from "./geometry.mjs";

const LONGEST_NAME = 110;

/** Return the widths that geometry needs, and the names cut to fit a card. */
export function measure(payload, family, { marks = false, modules = null } = {}) {
  const width = ruler(`700 ${NUMBER}px ${family}`);
  const small = ruler(`700 15px ${family}`);
  const longest = modules?.longest ?? LONGEST_NAME;
  const within = (name) => modules?.within.get(name) ?? name;
  const names = new Map(payload.nodes.map(({ name }) => [name, cut(within(name), longest, width)]));
  const pills = new Map(Object.entries(payload.ops).map(([op, { symbol }]) => [op, Math.max(24, small(symbol) + 14)]));
  const heads = payload.nodes.map((node) => width(names.get(node.name)) + (pills.get(node.op) ?? 24) + 32);
  const values = payload.lanes.flatMap((lane) => [...lane.values, ...lane.predictions]);
  const quantities = payload.lanes.flatMap((lane) => [...lane.errors, ...Object.values(lane.gradients)]);
  return {
    marks,
    tensors: payload.nodes.some((node) => node.shape?.length > 0),
    longest,
    names,
    groups: new Map((modules?.names ?? []).map((name) => [name, cut(name, modules.room, width)])),
    pills,
    name: Math.max(...[...names.values()].map(width)),
    head: Math.max(...heads),
    number: width(widest(values)),
    quantity: width(widest(quantities)),
    brief: width(shorter(widest(quantities))),
    tight: width(shorter(widest([...values, ...quantities]))),
    label: small("+8.8888") + 4,
    message: width("+8.8888") + 4, // the same in stage mode
  };
}

export function ruler(font) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  return (text) => context.measureText(text).width;
}

/** Return a name cut in its middle: module paths differ at both ends. */
export function cut(name, most, width) {
  if (width(name) <= most) return name;
  let kept = name.length - 1;
  while (kept > 2 && width(join(name, kept)) > most) kept -= 1;
  return join(name, kept);
}

const join = (name, kept) => `${name.slice(0, Math.ceil(kept / 2))}…${name.slice(name.length - Math.floor(kept / 2))}`;

// As `brief` of messages.mjs prints it.
const shorter = (text) => text.replace(".88e", ".8e");

// The widest number that a list of series will print (messages.mjs, `short`).
function widest(list) {
  const sizes = list.flatMap((series) => (series ?? []).map((value) => Math.abs(scalar(value) ?? 0)));
  const tiny = sizes.some((size) => size > 0 && size < 1e-3);
  const large = sizes.some((size) => size >= 1e6);
  if (tiny || large) return "−8.88e−8";
  return sizes.some((size) => size >= 10) ? "−88.888" : "−8.888";
}
