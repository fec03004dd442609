"""The addresses of the app: which pages it has, where it stands (`server.baseUrlPath`), and what others answer."""

from __future__ import annotations

import html
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pcgraph.messages import LANGUAGES, say
from pcgraph.ui.language import LINK, preferred

# The last part of a page's address, and its file in pages/.
PAGES = {
    "": "step_through",
    "learn": "learn",
    "compare": "compare",
    "levels": "levels",
    "train": "train",
    "cost": "cost",
    "build": "build",
    "lecture": "lecture",
    "share": "share",
    "reference": "reference",
}
FILES = ("assets/", "static/", "media/", "component/", "_stcore/")  # below these are files and calls, no pages
BEHIND = ".,;:!?)]>\"'*…。，；：！？）】》”’ "  # what a sentence puts behind an address
MOST_SHOWN = 80  # characters of somebody's address that a page repeats


def app_root() -> str:
    """Return the path the app stands at, as `server.baseUrlPath` says: "" or, for instance, "/lab/pcg"."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def below_root(scope: Any) -> str | None:
    """Return the path of a request below the app's root, without the first slash; None where it is not below it."""
    root = scope.get("root_path", "") + app_root()
    path = scope["path"]
    return path[len(root) + 1 :] if path == root or path.startswith(f"{root}/") else None


def language_of(scope: Any) -> str:
    """Return the language a page will be read in: the link's, else the browser's first."""
    wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(LINK, [""])[0]
    return wanted if wanted in LANGUAGES else preferred(Headers(scope=scope).get("accept-language"))


def is_host_allowed(host: str, allowed: list[str]) -> bool:
    """Tell whether a Host header names one of `server.allowedHosts`, as Streamlit reads them; no list allows all.

    >>> is_host_allowed("localhost:8501", ["localhost"]), is_host_allowed("pcg.lab.org", ["*.lab.org"])
    (True, True)
    >>> is_host_allowed("evil.example", ["localhost"]), is_host_allowed("evil.example", [])
    (False, True)
    """
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        name = ""
    known = [each.strip().lower().rstrip(".") for each in allowed]
    return not known or any(
        each == "*" or name == each or (each.startswith("*.") and name.endswith(each[1:])) for each in known
    )


class Addresses:
    """ASGI middleware: an address that is no page, or a host that is not allowed, answers with a page that says so.

    Streamlit answers any path with its own empty page, which then finds no script, and leaves a host that is not
    allowed waiting for its socket without end. Redirects are relative, so they also hold where a proxy took a prefix
    away.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = below_root(scope) if scope["type"] == "http" else None  # read here: a router below changes the scope
        if scope["type"] != "http" or (path or "").startswith(FILES):
            return await self.app(scope, receive, send)
        query = scope.get("query_string", b"").decode("latin-1")
        if target := _meant(scope["path"], path, query):
            return await RedirectResponse(target)(scope, receive, send)
        address = scope["path"]
        instead: Response | None = None

        async def send_or_tell(message: Any) -> None:
            nonlocal instead
            if message["type"] == "http.response.start":
                instead = _page_instead(scope, message, address, path)
                if instead is not None:
                    await instead(scope, receive, send)
            if instead is None:
                await send(message)

        return await self.app(scope, receive, send_or_tell)


def _meant(address: str, path: str | None, query: str) -> str | None:
    """Return, relative to it, where an address leads that is almost a page's; None where it is none or right.

    The root's slash may be missing or one be too many, its `?` may be encoded, or a sentence's sign stand behind it.
    """
    tail = f"?{query}" if query else ""
    if path == "" and not address.endswith("/"):
        return f"{address.rpartition('/')[2]}/{tail}"
    name, mark, encoded = (path or "").partition("?")
    clean = "/".join(part for part in name.split("/") if part)
    page = clean.rstrip(BEHIND)
    if mark and page in PAGES:
        tail = "?" + "&".join(filter(None, [quote(encoded, safe="=&"), query]))
    clean = page if page in PAGES else clean
    return "../" * name.count("/") + (clean or "./") + tail if path and path != clean else None


def _page_instead(scope: Any, start: Any, address: str, path: str | None) -> Response | None:
    """Return the page that is sent instead of an answer that begins like this; None where the answer is right."""
    headers = Headers(scope=scope)
    is_page = Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")
    host = headers.get("host", "")
    if is_page and not is_host_allowed(host, st.get_option("server.allowedHosts")):
        return HTMLResponse(_page(language_of(scope), "address.host", host), 403, {"cache-control": "no-store"})
    if (is_page and path not in PAGES) or (start["status"] == 404 and "text/html" in headers.get("accept", "")):
        home = f"{app_root()}/" if path is None else "../" * path.count("/") or "./"
        page = _page(language_of(scope), "address.path", address, home)
        return HTMLResponse(page, 404, {"cache-control": "no-store"})
    return None


def _page(language: str, key: str, got: str, home: str = "") -> str:
    """Return a page of one sentence about what was asked for, with a link home where there is one to follow."""
    sentence = html.escape(say(key, language, got=got[:MOST_SHOWN]))
    link = f'<p><a href="{html.escape(home)}">{html.escape(say("address.home", language))}</a></p>' if home else ""
    return PAGE.format(language=language, title=say("app.title", language), sentence=sentence, link=link)


PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 40rem; margin: 4rem auto; padding: 0 1.25rem; font: 1.125rem/1.55 system-ui, sans-serif;
  color: light-dark(#1f2937, #f3f4f6); background: light-dark(#fbfbfa, #0f172a); overflow-wrap: anywhere; }}
h1 {{ font-size: 1.5rem; }} a {{ color: light-dark(#00659e, #56b4e9); }}
</style>
<h1>{title}</h1>
<p>{sentence}</p>
{link}
</html>
"""
