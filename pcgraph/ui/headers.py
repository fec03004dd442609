"""The HTTP headers of every answer: what a page may load, and, with a page itself, what it will need soon."""

from __future__ import annotations

from typing import Any

from pcgraph.messages import LANGUAGES
from pcgraph.ui.address import below_root, language_of
from pcgraph.ui.assets import BUNDLE

# Everything comes from this server: no request leaves it. Streamlit itself needs inline styles, blobs for
# component modules, and eval for its charts.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss: blob: data:; "
    "worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
STAGE = ("", "compare", "levels", "learn")  # the pages that open with a stage
SECURITY = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


def soon(language: str) -> str:
    """Return the Link header that lets a browser fetch the stage while Streamlit's own code still loads."""
    links = {
        BUNDLE: "modulepreload",
        "stage.css": "preload; as=style",
        f"messages/{language}.json": "preload; as=fetch; crossorigin",
    }
    return ", ".join(f"<./assets/{name}>; rel={how}" for name, how in links.items())


class Headers:
    """ASGI middleware: add the security headers, and to a page with a stage the list of what it needs soon."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.always = [(name.encode(), text.encode()) for name, text in SECURITY.items()]
        self.with_stage = {language: [(b"link", soon(language).encode())] for language in LANGUAGES}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        has_stage = below_root(scope) in STAGE  # read here: a router below changes the scope

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                more = self.with_stage[language_of(scope)] if has_stage and kind.startswith(b"text/html") else []
                message["headers"] = [*message["headers"], *self.always, *more]
            await send(message)

        return await self.app(scope, receive, send_with_headers)
