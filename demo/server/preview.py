"""Title, description and picture of the page for whoever is sent a link to it (Open Graph).

gradio's page names gradio itself there. This middleware puts the page's own values in their place, with absolute
addresses, as sites that show previews require.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.server.visitors import header
from demo.views.render import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PICTURE = "/preview.png"
"""Path of the picture."""
SIZE = 1200, 630
"""Width and height that sites show."""

_FOREIGN = re.compile(rb"<meta\s+(?:property=\"og:|name=\"(?:twitter:|description\"))[^>]*>\s*", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class Preview:
    """Middleware that describes the page in its head.

    Args:
        title, description: of the page.
    """

    def __init__(self, title: str, description: str) -> None:
        self.title, self.description = title, description

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application with these values in the head of its page."""

        async def described(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope.get("path") != "/":
                await app(scope, receive, send)
            else:
                await app(scope, receive, _Rewriting(send, self._tags(scope)))

        return described

    def _tags(self, scope: Scope) -> bytes:
        address = _address(scope)
        tags = render("page", "preview", title=self.title, description=self.description, address=address,
                      picture=address and address + PICTURE, size=SIZE)  # fmt: skip
        return tags.encode()


class _Rewriting:
    """Holds a page back until it is complete, and sends it with other tags."""

    def __init__(self, send: Send, tags: bytes) -> None:
        self._send, self._tags = send, tags
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kinds = dict(message.get("headers", ()))
            page = kinds.get(b"content-type", b"").startswith(b"text/html") and b"content-encoding" not in kinds
            if message["status"] == 200 and page:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = _FOREIGN.sub(b"", self._body).replace(b"<head>", b"<head>\n" + self._tags, 1) if self._body else b""
            headers = [(name, value) for name, value in self._start["headers"] if name.lower() != b"content-length"]
            if body:
                headers.append((b"content-length", str(len(body)).encode()))
            await self._send({**self._start, "headers": headers})
            message = {"type": "http.response.body", "body": body}
        await self._send(message)


def picture(screenshot: Path) -> Callable[[Request], Response]:
    """Endpoint that answers with the upper part of a picture of the page, or 404 where there is none."""
    from starlette.responses import Response

    content = _cut(screenshot) if screenshot.is_file() else b""
    lasting = {"Cache-Control": "public, max-age=86400"}

    def answer(_: Request) -> Response:
        if not content:
            return Response(status_code=404)
        return Response(content, media_type="image/png", headers=lasting)

    return answer


def _cut(screenshot: Path) -> bytes:
    with Image.open(screenshot) as image:
        height = min(image.height, round(image.width * SIZE[1] / SIZE[0]))
        cut = image.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS, box=(0, 0, image.width, height))
    png = io.BytesIO()
    cut.quantize(128).save(png, "PNG", optimize=True)
    return png.getvalue()


def _address(scope: Mapping[str, Any]) -> str:
    """ "https://host/path", as the visitor's browser or a proxy names it; "" where that is no host."""
    host = header(scope, "x-forwarded-host").partition(",")[0].strip() or header(scope, "host")
    scheme = header(scope, "x-forwarded-proto").partition(",")[0].strip() or scope.get("scheme", "http")
    if not _HOST.fullmatch(host) or scheme not in ("http", "https"):
        return ""
    return f"{scheme}://{host}{scope.get('root_path', '').rstrip('/')}"
