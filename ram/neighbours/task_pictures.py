"""Open the images of Label Studio's tasks: from its own host and folder, and from nowhere else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, unquote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from PIL import Image

from ram.errors import DownloadError, InputError
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS

_LOCAL = "/data/local-files/"
_SECONDS = 30


@dataclass(frozen=True)
class TaskPictures:
    """Open an image by the address in a task.

    Args:
        host: address of Label Studio, whose uploads are fetched; none are where None.
        token: access token for it.
        folder: of its local storage (``LOCAL_FILES_DOCUMENT_ROOT``); none is read where None.
    """

    host: str | None = None
    token: str | None = None
    folder: Path | None = None

    def __call__(self, address: str) -> Image.Image:
        """The image at an address.

        Raises:
            InputError: the address leads elsewhere, or what it needs was not given.
            DownloadError: the host does not give the image.
            ImageError: it cannot be opened.
        """
        if address.startswith("data:"):
            try:
                return open_image(base64.b64decode(address.partition("base64,")[2], validate=True), UPLOADS)
            except (binascii.Error, ValueError) as error:
                raise InputError(f"the task holds a broken data address: {error}") from None
        if address.startswith(_LOCAL):
            return open_image(self._local(parse_qs(urlsplit(address).query).get("d", [""])[0]), UPLOADS)
        return open_image(self._fetched(address), UPLOADS)

    def _local(self, name: str) -> Path:
        if self.folder is None:
            raise InputError("the task has a file of local storage: name its folder with --label-studio-files")
        root = self.folder.resolve()
        path = (root / unquote(name)).resolve()
        if not path.is_relative_to(root):
            raise InputError(f"{name!r:.80} is outside the folder of --label-studio-files")
        return path

    def _fetched(self, address: str) -> bytes:
        if self.host is None:
            raise InputError("the task has an address: name the host of Label Studio with --label-studio")
        whole = urljoin(self.host.rstrip("/") + "/", address)
        if _origin(whole) != _origin(self.host):
            raise InputError(f"{address!r:.80} is not on {self.host}: only its images are fetched")
        headers: Mapping[str, Any] = {"Authorization": f"Token {self.token}"} if self.token else {}
        try:
            with build_opener(_Stay).open(Request(whole, headers=dict(headers)), timeout=_SECONDS) as reply:
                content = reply.read(UPLOADS.file + 1)
        except HTTPError as error:
            raise DownloadError(f"Label Studio answers {error.code} for {address:.80}: check its token") from None
        except (URLError, OSError) as error:
            raise DownloadError(f"{self.host} cannot be reached: {getattr(error, 'reason', error)}") from None
        return bytes(content)


class _Stay(HTTPRedirectHandler):
    """Follow no redirect: it could lead to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
