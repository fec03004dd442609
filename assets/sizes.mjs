// Sizes of errors as strengths of colour, for pictures that show no more than that.

import { barScale, followsFront, isLeaf, sizeAt } from "./frame.mjs";

/** Return the largest of some sizes, null where there is none; one that is not finite wins. */
export function largest(sizes) {
  return sizes.reduce((most, size) => {
    if (size === null || Number.isNaN(most)) return most;
    return most === null || Number.isNaN(size) || size > most ? size : most;
  }, null);
}

const memo = new WeakMap();

/** Return a function from an error to −1…1, the same for all lanes and steps, by the errors that a front meets:
 *  behind it they may grow without bound, and nobody reads them. */
export function metScale(payload) {
  if (!memo.has(payload)) memo.set(payload, barScale({ lanes: payload.lanes.map((lane) => ({ errors: met(payload, lane) })) }));
  return memo.get(payload);
}

function met(payload, lane) {
  return payload.nodes.map((node, i) => {
    if (isLeaf(node)) return null;
    return lane.front && followsFront(lane) ? [sizeAt(lane, node, i, node.level)] : lane.errors[i];
  });
}

/** Return a function from a size to a strength 0…5; small ones stay visible. */
export function strengthOf(payload) {
  const scale = metScale(payload);
  return (size) => (size === null ? 0 : Math.ceil(5 * Math.abs(scale(size))));
}
