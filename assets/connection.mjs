// Whether Streamlit's server answers. The stage plays without it, so the dialog in which Streamlit says that it is gone is closed by its
// own button: it would take the focus, and in stage mode it lies unseen behind the picture. The stage says a sentence instead.

const APP = "[data-testid=stApp]";
const STATE = "data-test-connection-state";
const PATIENCE = 1500; // ms: most connections come back within

/** Call `changed(connected)` when the server has been gone for a while and when it is back. Returns a function that stops. */
export function watchConnection(changed, page = document) {
  const app = page.querySelector(APP);
  let [known, timer] = [true, null];
  const isConnected = () => !app || app.getAttribute(STATE) === "CONNECTED";
  const look = () => {
    clearTimeout(timer);
    const connected = isConnected();
    if (!connected) page.querySelector("body > * [role=dialog] button")?.click();
    if (connected !== known) timer = setTimeout(() => changed((known = connected)), connected ? 0 : PATIENCE);
  };
  const observer = new MutationObserver(look);
  observer.observe(page.body, { childList: true });
  if (app) observer.observe(app, { attributes: true, attributeFilter: [STATE] });
  look();
  return () => {
    clearTimeout(timer);
    observer.disconnect();
  };
}
