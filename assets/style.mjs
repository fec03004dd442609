// Loads a style sheet that lies beside the modules into the page, or into the shadow root that an element lives in.

/** Load a style sheet once for an element's root; the promise is kept when it is in force. */
export function loadStyle(element, file) {
  const root = element.getRootNode();
  const place = root instanceof ShadowRoot ? root : document.head;
  const href = new URL(`./${file}`, import.meta.url).href;
  const there = [...place.querySelectorAll("link[rel=stylesheet]")].find((link) => link.href === href);
  if (there) return there.loaded;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  link.loaded = new Promise((done) => {
    link.onload = link.onerror = done;
  });
  place.append(link);
  return link.loaded;
}
