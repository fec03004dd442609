"""The HTTP headers of every answer: what a page may load, and, with a page itself, what it will need soon."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from pcgraph.messages import LANGUAGES
from pcgraph.ui.assets import BUNDLE
from pcgraph.ui.language import LINK, preferred

# Everything comes from this server: no request leaves it. Streamlit itself needs inline styles, blobs for
# component modules, and eval for its charts.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: blob: data:; "
    "worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
STAGE = ("/", "/compare", "/levels", "/learn")  # the pages that open with a stage
SECURITY = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


def soon(language: str) -> str:
    """Return the Link header that lets a browser fetch the stage while Streamlit's own code still loads."""
    links = {
        BUNDLE: "modulepreload",
        "stage.css": "preload; as=style",
        f"messages/{language}.json": "preload; as=fetch; crossorigin",
    }
    return ", ".join(f"</assets/{name}>; rel={how}" for name, how in links.items())


def _language(scope: Any) -> str:
    """Return the language a page will be read in: the link's, else the browser's first."""
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(LINK, [""])[0]
    accepted = dict(scope.get("headers", ())).get(b"accept-language", b"").decode("latin-1")
    return asked if asked in LANGUAGES else preferred(accepted)


class Headers:
    """ASGI middleware: add the security headers, and to a page with a stage the list of what it needs soon."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.always = [(name.encode(), text.encode()) for name, text in SECURITY.items()]
        self.with_stage = {language: [(b"link", soon(language).encode())] for language in LANGUAGES}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                stage = kind.startswith(b"text/html") and scope["path"] in STAGE
                more = self.with_stage[_language(scope)] if stage else []
                message["headers"] = [*message["headers"], *self.always, *more]
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
