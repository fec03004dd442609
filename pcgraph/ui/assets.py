"""What lies in assets/, as the app serves it: compressed once, kept in memory, and all modules as one."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response

from pcgraph.bundle import bundle
from pcgraph.messages import ASSETS

BUNDLE = "pcgraph.mjs"  # all modules; its default export gives what one of them exports
TYPES = {".mjs": "text/javascript", ".css": "text/css", ".json": "application/json"}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent: its kind, its bytes plain and compressed, and a tag that changes with them."""

    kind: str
    plain: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, name: str, text: str) -> Asset:
        plain = text.encode()
        return cls(
            TYPES[Path(name).suffix],
            plain,
            gzip.compress(plain, mtime=0),
            f'"{hashlib.sha256(plain).hexdigest()[:32]}"',
        )


class Assets:
    """ASGI app: answer with a file of assets/ by its name, read again once it has changed.

    A class opens the app together: each answer then costs the server's one loop a fraction of a millisecond.
    """

    def __init__(self) -> None:
        files = [file for file in ASSETS.rglob("*") if file.suffix in TYPES]
        self.files = {file.relative_to(ASSETS).as_posix(): [file] for file in files}
        self.files[BUNDLE] = [file for file in files if file.suffix == ".mjs"]
        self.kept: dict[str, tuple[int, Asset]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Any) -> Response:
        name = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        asset = self._asset(name) if scope["method"] in ("GET", "HEAD") else None
        if asset is None:
            return Response("Not found", 404, media_type="text/plain")
        asked = Headers(scope=scope)
        headers = {"etag": asset.tag, "cache-control": "no-cache", "vary": "accept-encoding"}
        if asset.tag in asked.get("if-none-match", ""):
            return Response(None, 304, headers)
        if "gzip" not in asked.get("accept-encoding", ""):
            return Response(asset.plain, headers=headers, media_type=asset.kind)
        return Response(asset.packed, headers={**headers, "content-encoding": "gzip"}, media_type=asset.kind)

    def _asset(self, name: str) -> Asset | None:
        """Return a file as it is now; None where there is no such file."""
        if name not in self.files:
            return None
        stamp = max(file.stat().st_mtime_ns for file in self.files[name])
        if self.kept.get(name, (None,))[0] != stamp:
            text = everything() if name == BUNDLE else self.files[name][0].read_text("utf-8")
            self.kept[name] = stamp, Asset.of(name, text)
        return self.kept[name][1]


def everything() -> str:
    """Return all that the components need as one module."""
    return bundle(*sorted(file.name for file in ASSETS.glob("streamlit*.mjs")))
