// Mounts a Streamlit component once and keeps it: Streamlit calls a component again at each change of its data.

/**
 * Return the function Streamlit calls; `mount(data, parentElement, setTriggerValue)` is called once an element and
 * gives {update(data, setTriggerValue), unmount()}.
 *
 * Streamlit runs a call's cleanup not only when the component leaves the page: when data change faster than it loads
 * the module, the calls it has overtaken are cleaned up too, while the component stays. So a cleanup only counts
 * where, a moment later, the element has left the page.
 */
export function mountOnce(mount, later = (task) => setTimeout(task, 0)) {
  const mounted = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    const there = mounted.get(parentElement);
    if (there) there.update(data, setTriggerValue);
    else mounted.set(parentElement, mount(data, parentElement, setTriggerValue));
    return () =>
      later(() => {
        if (parentElement.isConnected) return;
        mounted.get(parentElement)?.unmount();
        mounted.delete(parentElement);
      });
  };
}
