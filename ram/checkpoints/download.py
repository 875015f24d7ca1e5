"""Fetch files from the Hugging Face hub: once, resumed after a break, checked against a digest."""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ram.checkpoints.registry import HubFile
from ram.errors import DownloadError
from ram.proxies import through_proxy, unusable_variables
from ram.runtime import Progress, quiet

_log = logging.getLogger(__name__)

MEGABYTE = 1_000_000


def find_cached(file: HubFile) -> Path | None:
    """The file in the hub's own cache, where another program of this person fetched it before.

    A file of its name with another digest is passed over.
    """
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(file.repository, file.name, repo_type=file.kind)
    if not isinstance(cached, str) or (file.sha256 and sha256_of(Path(cached)) != file.sha256):
        return None
    return Path(cached)


def fetch(file: HubFile, folder: Path, progress: Progress = quiet) -> Path:
    """Fetch a file into a folder; what is there already, or in part, is not fetched again.

    The hub's library resumes within a process; this resumes between processes too, and checks size and digest, which
    the library does not for plain HTTP. Use it under a lock: two processes must not write one file.

    Args:
        file: what to fetch.
        folder: where to store it; a partial file stays there after a break.
        progress: called with the megabytes.

    Raises:
        DownloadError: no network, no such file, no space, or the content is not what the hub announced.
    """
    from huggingface_hub import get_hf_file_metadata
    from huggingface_hub.utils import build_hf_headers

    url = file.url
    with _explained(url):
        announced = get_hf_file_metadata(url)
    digest, size = announced.etag or "", announced.size
    if size is None or len(digest) not in (40, 64):
        raise DownloadError(
            f"{urlsplit(url).hostname} announces no size or digest of {file.name}, so that it could not be checked: "
            f"download it from {url} yourself and use `ram convert`"
        )
    if file.sha256 not in ("", digest):  # before gigabytes are fetched that would be refused
        raise DownloadError(
            f"{urlsplit(url).hostname} has another {file.name} than was published, of digest {digest[:12]}... and not "
            f"{file.sha256[:12]}...: unset HF_ENDPOINT if it names a mirror, or use `ram convert` with the right file"
        )
    whole, partial = folder / digest / file.name, folder / f"{digest}.part"
    if whole.is_file():
        return whole
    whole.parent.mkdir(parents=True, exist_ok=True)
    done = partial.stat().st_size if partial.is_file() else 0
    _check_space(folder, size - done, file.name)
    from huggingface_hub.file_download import http_get

    with open(partial, "ab") as target, _explained(url):
        if done > size:  # it belongs to no announced file
            target.truncate(done := 0)
        bar = _bar(f"fetching {file.name} (MB)", progress)
        http_get(url, target, resume_size=done, headers=build_hf_headers(), expected_size=size, tqdm_class=bar)
    if _digest(partial, len(digest), progress) != digest:
        partial.unlink()
        raise DownloadError(f"{file.name} arrived with another digest than announced and was removed: fetch it again")
    partial.replace(whole)
    return whole


def fetch_text(url: str, most: int = 5 * MEGABYTE, advice: str = "") -> str:
    """Fetch a small text file.

    Args:
        url: its address.
        most: bytes that are accepted.
        advice: what else a person may do, for the message of an error; that of a checkpoint where empty.

    Raises:
        DownloadError: it cannot be fetched, is larger than ``most`` bytes, or is no text.
    """
    from huggingface_hub.file_download import http_get

    received = _Bounded(most)
    with _explained(url, advice):
        http_get(url, received, tqdm_class=_bar("", quiet))
    try:
        return received.getvalue().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DownloadError(f"{url} is no UTF-8 text: it is not the expected file") from None


class _Bounded(io.BytesIO):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self._most:
            raise DownloadError(f"more than {self._most} bytes arrived: it is not the expected file")
        return super().write(data)


def _bar(what: str, progress: Progress) -> Any:
    """A class that the hub's library takes for a progress bar."""

    class Bar:
        def __init__(self, *names: object, total: int | None = None, initial: int = 0, **style: object) -> None:
            self.total, self.done = total or 0, initial
            self.update(0)

        def update(self, more: int) -> None:
            self.done += more
            progress(what, self.done // MEGABYTE, max(self.total // MEGABYTE, 1))

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *raised: object) -> None:
            pass

    return Bar


@contextmanager
def _explained(url: str, advice: str = "") -> Iterator[None]:
    """Turn errors of the network into one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    host, name = f"{urlsplit(url).hostname}{through_proxy(url)}", url.rpartition("/")[2]
    advice = advice or f"or download {name} elsewhere and name it with `ram convert`"
    try:
        yield
    except DownloadError:
        raise
    except OfflineModeIsEnabled:
        raise DownloadError(f"{name} is not here and HF_HUB_OFFLINE forbids fetching it: unset it, {advice}") from None
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "an error")
        raise DownloadError(f"{host} answers {status} to {url}: try again later, {advice}") from None
    except Exception as error:  # the hub's library passes on whatever its HTTP client raises
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            raise DownloadError(
                f"{name} cannot be written ({error.strerror}): make room or set XDG_CACHE_HOME"
            ) from None
        reason = type(error).__name__
        refused = ", ".join(unusable_variables())
        first = f"unset {refused} or name a proxy that begins with http://" if refused else "connect to the network"
        raise DownloadError(
            f"{name} could not be fetched from {host} ({reason}): {first} and run this again, it goes "
            f"on where it stopped, {advice}"
        ) from None


def _check_space(folder: Path, needed: int, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DownloadError(
            f"{name} needs {needed / 1e9:.1f} GB more but {free / 1e9:.1f} GB are free: make room or set XDG_CACHE_HOME"
        )


def sha256_of(path: Path, progress: Progress = quiet) -> str:
    """SHA-256 of a large file, in hexadecimal."""
    return _digest(path, 64, progress)


def _digest(path: Path, length: int, progress: Progress) -> str:
    """SHA-256 of a file (64 digits), or git's digest of a blob (40), as the hub announces them."""
    size = path.stat().st_size
    digest = hashlib.sha256() if length == 64 else hashlib.sha1(b"blob %d\0" % size)
    with open(path, "rb") as file:
        for number, block in enumerate(iter(lambda: file.read(4 * MEGABYTE), b"")):
            digest.update(block)
            progress("checking the download (MB)", 4 * number, max(size // MEGABYTE, 1))
    return digest.hexdigest()
