// Where nodes of a draft stand, in layout units (x = column, y = row): grid, free places, columns by level. Pure.

import { edgesOf } from "./editor-document.mjs";

export const GRID = 0.25;
const SWEEPS = 8;
const PASSING = 0.6; // the room an edge takes that passes a column, against 1 for a node
const PORT = 0.26; // from one input port to the next

export const snap = ([x, y]) => [grid(x), grid(y)];
const grid = (value) => Math.round(value / GRID) * GRID || 0;

/** Return the free place nearest to the wanted one, straight above or below it first. */
export function freePlace(document, [x, y]) {
  const free = ([a, b]) =>
    document.nodes.every(({ position: [c, d] }) => Math.abs(a - c) >= 0.9 || Math.abs(b - d) >= 0.9);
  for (let far = 0; far <= document.nodes.length; far += 1) {
    const place = [
      [x, y + far],
      [x, y - far],
    ].find(free);
    if (place) return place;
  }
  return [x, y];
}

/** Return a level for every node: the longest path to the output, or to an end where there is none; what does not reach it stands beside its inputs. */
export function draftLevels(document) {
  const order = sorted(document);
  const back = [...order].reverse();
  const users = usersByName(document);
  const inputs = new Map(document.nodes.map((node) => [node.name, (node.inputs ?? []).filter((one) => one !== null)]));
  const level = new Map();
  const known = (names) => names.map((name) => level.get(name)).filter((one) => one !== undefined);
  const isEnd = (name) =>
    document.output === null ? !users.get(name).length && inputs.get(name).length : name === document.output;
  for (const name of back) {
    const after = known(users.get(name));
    if (after.length) level.set(name, 1 + Math.max(...after));
    else if (isEnd(name)) level.set(name, 0);
  }
  for (const name of order) {
    const before = known(inputs.get(name));
    if (!level.has(name) && before.length) level.set(name, Math.min(...before) - 1);
  }
  for (const name of back) if (!level.has(name)) level.set(name, 1 + Math.max(-1, ...known(users.get(name))));
  return level;
}

function usersByName(document) {
  const users = new Map(document.nodes.map((node) => [node.name, []]));
  for (const { from, to } of edgesOf(document)) users.get(from)?.push(to);
  return users;
}

/** Return the nodes' names, inputs before users; those on a cycle and what reads them are left out. */
export function sorted(document) {
  const left = new Map(
    document.nodes.map((node) => [node.name, new Set((node.inputs ?? []).filter((one) => one !== null)).size]),
  );
  const users = usersByName(document);
  const order = document.nodes.map(({ name }) => name).filter((name) => left.get(name) === 0);
  for (let i = 0; i < order.length; i += 1) {
    for (const user of new Set(users.get(order[i]))) {
      left.set(user, left.get(user) - 1);
      if (left.get(user) === 0) order.push(user);
    }
  }
  return order;
}

/** Return {name: [x, y]}: columns by level, few crossings, heights near those of the neighbours. */
export function aligned(document, levels = draftLevels(document)) {
  const known = new Map([...draftLevels(document), ...[...levels].filter(([, level]) => level !== null)]);
  const depth = Math.max(0, ...known.values());
  const { columns, near } = withPassing(document, known, depth);
  const y = new Map();
  for (const column of columns) column.forEach((one, i) => y.set(one, i - (column.length - 1) / 2));
  const place = (column, order) => heights(column, near, y, order).forEach((at, i) => y.set(column[i], at));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1)
    (sweep % 2 ? columns : [...columns].reverse()).forEach((column) => place(column, sweep < SWEEPS - 2));
  return Object.fromEntries(document.nodes.map(({ name }) => [name, [depth - known.get(name), grid(y.get(name))]]));
}

// Columns from the left, with a stand-in in each column that an edge passes; what stands next to what, and how far its port lies from its middle.
function withPassing(document, level, depth) {
  const columns = Array.from({ length: depth - Math.min(0, ...level.values()) + 1 }, () => []);
  const near = new Map(document.nodes.map(({ name }) => [name, []]));
  const slots = new Map(document.nodes.map((node) => [node.name, node.inputs?.length ?? 0]));
  const join = (a, b, port = 0) => {
    near.get(a).push([b, port]);
    near.get(b).push([a, -port]);
  };
  const standing = [...document.nodes].sort((a, b) => (a.position?.[1] ?? 0) - (b.position?.[1] ?? 0));
  for (const { name } of standing) columns[depth - level.get(name)].push(name);
  for (const { from, to, slot } of edgesOf(document)) {
    let last = from;
    for (let at = level.get(from) - 1; at > level.get(to); at -= 1) {
      const passing = `${from} ${to} ${slot} ${at}`;
      near.set(passing, []);
      columns[depth - at].push(passing);
      join(last, passing);
      last = passing;
    }
    join(last, to, (slot - (slots.get(to) - 1) / 2) * PORT);
  }
  return { columns, near };
}

// Sort a column by its neighbours' mean height, then give each the nearest height that keeps the order and the distances.
function heights(column, near, y, order) {
  const wanted = (one) =>
    near.get(one).length
      ? near.get(one).reduce((sum, [other, port]) => sum + y.get(other) + port, 0) / near.get(one).length
      : y.get(one);
  if (order) column.sort((a, b) => wanted(a) - wanted(b) || y.get(a) - y.get(b));
  const room = (one) => (one.includes(" ") ? PASSING : 1);
  const offsets = column.map(() => 0);
  for (let i = 1; i < column.length; i += 1) offsets[i] = offsets[i - 1] + (room(column[i - 1]) + room(column[i])) / 2;
  return monotone(column.map((one, i) => wanted(one) - offsets[i])).map((at, i) => at + offsets[i]);
}

/** Return the nearest values that never fall: neighbours that would are joined at their mean. */
export function monotone(values) {
  const blocks = [];
  for (const value of values) {
    blocks.push({ sum: value, count: 1 });
    while (blocks.length > 1 && blocks.at(-2).sum / blocks.at(-2).count > blocks.at(-1).sum / blocks.at(-1).count) {
      const { sum, count } = blocks.pop();
      blocks.at(-1).sum += sum;
      blocks.at(-1).count += count;
    }
  }
  return blocks.flatMap(({ sum, count }) => Array(count).fill(sum / count));
}

/** Return the document with a place for every node: its own, the one it had before, else by level. */
export function settled(document, before = null) {
  const old = new Map((before?.nodes ?? []).map((node) => [node.name, node.position]));
  const missing = document.nodes.filter((node) => !node.position && !old.get(node.name));
  const places = missing.length ? aligned(document) : {};
  const alone = missing.length === document.nodes.length;
  let next = { ...document, nodes: [] };
  for (const node of document.nodes) {
    const given = node.position ?? old.get(node.name);
    const position =
      given ??
      (alone
        ? places[node.name]
        : freePlace({ nodes: [...next.nodes, ...document.nodes.filter((one) => one.position)] }, places[node.name]));
    next = {
      ...next,
      nodes: [...next.nodes, { ...node, ...(node.inputs || node.value !== undefined ? {} : { inputs: [] }), position }],
    };
  }
  return next;
}

/** Return the column in which level `depth` stands when every node stands in its level's column, else null. */
export function firstColumn(document, levels) {
  const known = document.nodes.filter((node) => (levels.get(node.name) ?? null) !== null);
  if (known.length < 2) return null;
  const depth = Math.max(...known.map((node) => levels.get(node.name)));
  const start = known[0].position[0] - (depth - levels.get(known[0].name));
  const fits = known.every((node) => Math.abs(node.position[0] - start - (depth - levels.get(node.name))) < 0.01);
  return fits && document.nodes.every((node) => Number.isInteger(node.position[0] - start)) ? start : null;
}
