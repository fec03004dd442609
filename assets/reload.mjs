// What a reload of the page keeps, and a shared link does not: it is written into the entry of the browser's history.

const NAME = "pcgraph";

/** Return what was kept under a name before the page was loaded again, undefined where nothing was. */
export const keptForReload = (name) => history.state?.[NAME]?.[name];

/** Keep a value for a reload, and write the address that goes with it. Browsers refuse to do this often. */
export function keepForReload(values, address = location.href) {
  history.replaceState({ ...history.state, [NAME]: { ...history.state?.[NAME], ...values } }, "", address);
}
