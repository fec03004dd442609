// What Python says of a draft (docs/editor.md, INSPECTION), put beside its nodes and edges. Pure.

import { isLeafOp, shapeOf } from "./editor-document.mjs";

const NOTHING = { nodes: {}, gaps: [], problems: [], identities: 0, complete: false, formula: null };
const UNKNOWN = { value: null, shape: null, level: null, dead: false };
const NONE = [];
const MOST_CELLS = 64;

/** Return {node(name), problemsOf(name), rest, levels, gap(edge), identities}. `inspection` may be null: nothing is known yet. */
export function factsOf(inspection) {
  const known = { ...NOTHING, ...inspection };
  const byNode = new Map();
  for (const problem of known.problems) byNode.set(problem.node, [...(byNode.get(problem.node) ?? []), problem]);
  const gaps = new Map(known.gaps.map(({ from, to, slot, gap }) => [`${from} ${to} ${slot}`, gap]));
  return {
    node: (name) => (Object.hasOwn(known.nodes, name) ? known.nodes[name] : UNKNOWN),
    problems: known.problems,
    problemsOf: (name) => byNode.get(name) ?? NONE,
    levels: new Map(Object.entries(known.nodes).map(([name, { level }]) => [name, level])),
    gap: ({ from, to, slot }) => gaps.get(`${from} ${to} ${slot}`) ?? 1,
    identities: known.identities ?? 0,
    complete: known.complete,
  };
}

/** Return what a node's card shows: a leaf's own value at once, what is typed as text and other nodes as Python read or computed them. */
export const shownValue = (node, facts) => (isKnownHere(node) ? cellOf(node.value) : facts.node(node.name).value);

/** Return the shape to show for a node, or null. */
export const shownShape = (node, facts) => (isKnownHere(node) ? shapeOf(node.value) : facts.node(node.name).shape);

const isKnownHere = ({ op, value }) => isLeafOp(op) && (typeof value !== "string" || !value.trim());

/** Return a leaf's value as an entry of docs/payload.md, or null while it is unfinished. */
export function cellOf(value) {
  const shape = shapeOf(value);
  if (shape === null) return null;
  if (!shape.length) return value;
  const flat = value.flat(Infinity);
  const max = flat.reduce((most, one) => (Math.abs(one) > Math.abs(most) ? one : most), 0);
  const columns = shape.at(-1);
  return {
    max: Math.abs(max),
    cells: flat.slice(0, Math.max(columns, Math.floor(MOST_CELLS / columns) * columns)),
    grid: [gridRows(flat, columns), columns],
    whole: flat.length <= MOST_CELLS,
  };
}

const gridRows = (flat, columns) => Math.min(flat.length / columns, Math.max(1, Math.floor(MOST_CELLS / columns)));
