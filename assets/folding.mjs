// A large graph by module: when it opens folded, where its cards go, and what they show at a step. Pure.

import { curveThrough, pathText } from "./curve.mjs";
import { followsFront, isLeaf, sizeAt } from "./frame.mjs";
import { largest } from "./sizes.mjs";

const MANY = 60; // with fewer nodes than this, nothing is folded
export const CARD = { w: 150, h: 104 };
const GAP = { w: 34, h: 26 };
const EDGE = 14;
const TOP = 8;

/** Return whether a payload opens folded: many nodes, and groups that are far fewer. */
export const opensFolded = ({ folded, nodes }) =>
  Boolean(folded) && nodes.length > MANY && folded.groups.length > 1 && folded.groups.length <= nodes.length / 2;

/** Return how a graph that opens folded is named, null for any other: a name is shown as it is within its module. */
export function moduleNames(payload) {
  if (!opensFolded(payload)) return null;
  const { groups } = payload.folded;
  const within = groups.flatMap(({ name: path, members }) =>
    members
      .map((i) => payload.nodes[i].name)
      .filter((name) => name.startsWith(`${path}.`))
      .map((name) => [name, name.slice(path.length + 1)]),
  );
  return { within: new Map(within), longest: 136, names: groups.map(({ name }) => name), room: CARD.w - 24 };
}

/** Return {cards, edges, w, h}: columns of groups broken into lines that fit a width. Pure. */
export function placeGroups(folded, width) {
  const columns = 1 + Math.max(...folded.groups.map((group) => group.x));
  const [top, bottom] = [Math.min, Math.max].map((pick) => pick(...folded.groups.map((group) => group.y)));
  const fitting = Math.max(1, Math.floor((width - 2 * EDGE + GAP.w) / (CARD.w + GAP.w)));
  const lines = Math.ceil(columns / fitting);
  const each = Math.ceil(columns / lines); // lines of like length
  const lineHeight = (bottom - top) * (CARD.h + 18) + CARD.h;
  const cards = folded.groups.map(({ x, y }) => ({
    line: Math.floor(x / each),
    x: EDGE + (x % each) * (CARD.w + GAP.w),
    y: TOP + Math.floor(x / each) * (lineHeight + GAP.h) + (y - top) * (CARD.h + 18),
    ...CARD,
  }));
  const index = new Map(folded.groups.map((group, i) => [group.name, i]));
  const inLine = (line) => TOP + line * (lineHeight + GAP.h);
  const right = EDGE + each * (CARD.w + GAP.w) - GAP.w;
  const edges = folded.edges.map((edge) => {
    const [from, to] = [cards[index.get(edge.from)], cards[index.get(edge.to)]];
    const d = from.line === to.line ? straight(edge, from, to) : around(from, to);
    return { d, end: [to.x, to.y + to.h / 2] };
  });
  function straight({ via }, from, to) {
    const passed = via.flatMap(([x, y]) => {
      const card = { x: EDGE + (x % each) * (CARD.w + GAP.w), y: inLine(from.line) + (y - top) * (CARD.h + 18) };
      return [
        [card.x, card.y + CARD.h / 2],
        [card.x + CARD.w, card.y + CARD.h / 2],
      ];
    });
    return pathText(
      curveThrough([[from.x + from.w, from.y + from.h / 2], ...passed, [to.x - 6, to.y + to.h / 2]]),
    );
  }
  // To another line: out at the right, back through the gap above that line, in from the left.
  function around(from, to) {
    const [out, turn, back] = [from.x + from.w, Math.min(from.x + from.w + GAP.w / 2, right + 10), to.x - GAP.w / 2];
    const [y1, gap, y2] = [from.y + from.h / 2, inLine(to.line) - GAP.h / 2, to.y + to.h / 2];
    const enter = Math.max(back, 2);
    return `M${out},${y1}H${turn - 8}Q${turn},${y1} ${turn},${y1 + 8}V${gap - 8}Q${turn},${gap} ${turn - 8},${gap}H${enter + 8}Q${enter},${gap} ${enter},${gap + 8}V${y2 - 8}Q${enter},${y2} ${Math.min(enter + 8, to.x - 6)},${y2}H${to.x - 6}`;
  }
  return { cards, edges, w: right + EDGE, h: inLine(lines - 1) + lineHeight + TOP };
}

/** Return what a group shows at step t: {size, place, read, due}. Pure. */
export function groupFrame(payload, laneIndex, group, t) {
  const lane = payload.lanes[laneIndex];
  const members = group.members.map((i) => ({ node: payload.nodes[i], i }));
  const parameters = members.filter(({ node }) => node.kind === "parameter" && lane.gradients[node.name]);
  return {
    size: largest(members.map(({ node, i }) => sizeAt(lane, node, i, t))),
    place: placeOf(lane, group, t),
    leaves: members.every(({ node }) => isLeaf(node)),
    read: parameters.filter(({ node }) => (lane.reads[node.name] ?? Infinity) <= t).length,
    due: parameters.length,
  };
}

function placeOf(lane, { levels: [low, high] }, t) {
  if (!lane.front) return "plain";
  if (low <= t && t <= high) return "front";
  return !followsFront(lane) ? "plain" : high < t ? "passed" : "ahead";
}
