// A component is mounted once, updated after, and taken off only when its element has left the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { mountOnce } from "../../assets/mounting.mjs";

function scene() {
  const [told, waiting] = [[], []];
  const component = mountOnce(
    (data) => {
      told.push(`mount ${data}`);
      return { update: (next) => told.push(`update ${next}`), unmount: () => told.push("unmount") };
    },
    (task) => waiting.push(task),
  );
  return { told, component, wait: () => waiting.splice(0).forEach((task) => task()) };
}

test("the first call mounts, every later one updates", () => {
  const { told, component } = scene();
  const parentElement = { isConnected: true };
  for (const data of [1, 2, 3]) component({ data, parentElement });
  assert.deepEqual(told, ["mount 1", "update 2", "update 3"]);
});

test("a call that was overtaken is cleaned up and the component stays", () => {
  const { told, component, wait } = scene();
  const parentElement = { isConnected: true };
  component({ data: 1, parentElement });
  const overtaken = component({ data: 2, parentElement });
  overtaken();
  wait();
  component({ data: 3, parentElement });
  assert.deepEqual(told, ["mount 1", "update 2", "update 3"]);
});

test("an element that has left the page is unmounted once, and a new one mounts anew", () => {
  const { told, component, wait } = scene();
  const parentElement = { isConnected: true };
  const ends = [component({ data: 1, parentElement }), component({ data: 2, parentElement })];
  parentElement.isConnected = false;
  for (const end of ends) end();
  wait();
  component({ data: 3, parentElement: { isConnected: true } });
  assert.deepEqual(told, ["mount 1", "update 2", "unmount", "mount 3"]);
});
