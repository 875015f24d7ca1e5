"""Fetch a model folder from the Hugging Face hub and upload one.

Built on the functions of huggingface_hub, not on its ``ModelHubMixin``: the mixin makes objects from their
configuration alone and imports the hub's library with the class, while a tagger is made of parts.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ram.checkpoints.registry import CONFIG
from ram.errors import CheckpointError, DownloadError
from ram.proxies import through_proxy
from ram.runtime import Progress, quiet

FILES = (CONFIG, "*.safetensors", "vocabulary.csv", "descriptions.json", "*.txt", "*.md", "report.json")
"""Patterns of the files of a model; other files of a repository are not fetched."""
MEGABYTE = 1_000_000
_NAME = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", re.ASCII)


def is_repository(name: str) -> bool:
    """Whether a text has the form "owner/name" or "owner/name@revision" of a repository."""
    return bool(_NAME.fullmatch(name)) and not name.startswith(".") and "/." not in name


def fetch_repository(name: str, progress: Progress = quiet) -> Path:
    """The folder of a model on the hub, in the hub's own cache; only what has changed is fetched again.

    Without a network the copy of the last time is used. ``HF_TOKEN`` or `hf auth login` open private repositories.

    Args:
        name: "owner/name", or "owner/name@revision" with a branch, a tag or a commit.
        progress: called with the megabytes.

    Raises:
        CheckpointError: there is no such repository, it cannot be reached, or it holds no model of this package.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RevisionNotFoundError

    repository, _, revision = name.partition("@")
    host = f"{urlsplit(constants.ENDPOINT).hostname}{through_proxy(constants.ENDPOINT)}"
    try:
        folder = Path(
            snapshot_download(
                repository,
                revision=revision or None,
                allow_patterns=list(FILES),
                tqdm_class=_bar(f"fetching {name} (MB)", progress),
            )
        )
    except LocalEntryNotFoundError:
        reason = "HF_HUB_OFFLINE forbids fetching it" if constants.HF_HUB_OFFLINE else f"{host} cannot be reached"
        raise CheckpointError(
            f"there is no folder {name!r}, and as a repository of the hub it is not here: {reason}"
        ) from None
    except RevisionNotFoundError:
        raise CheckpointError(f"{repository} on {host} has no revision {revision!r}: name a branch or tag") from None
    except HfHubHTTPError as error:
        raise CheckpointError(
            f"there is no folder {name!r}, and {host} answers {error.response.status_code} for a repository of that "
            "name: check its spelling, or log in with `hf auth login` if it is private"
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CheckpointError(f"{name} cannot be fetched from {host}: {reason}") from None
    if not (folder / CONFIG).is_file():
        raise CheckpointError(f"{name} on {host} holds no {CONFIG}: it is no model of this package")
    return folder


def upload_folder(folder: Path, repository: str, private: bool | None = None, message: str = "Upload model") -> str:
    """Upload a model folder, whole, in one commit; the repository is made where it does not exist.

    Args:
        folder: that of a model.
        repository: "owner/name".
        private: of a new repository; what the owner has set where None.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        DownloadError: the hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    host = f"{urlsplit(constants.ENDPOINT).hostname}{through_proxy(constants.ENDPOINT)}"
    api = HfApi()
    try:
        made = api.create_repo(repository, private=private, exist_ok=True)
        return str(api.upload_folder(repo_id=made.repo_id, folder_path=folder, commit_message=message))
    except OfflineModeIsEnabled:
        raise DownloadError(f"{repository} cannot be uploaded: HF_HUB_OFFLINE forbids it, unset it") from None
    except HfHubHTTPError as error:
        raise DownloadError(
            f"{host} answers {error.response.status_code} to an upload to {repository!r}: log in with `hf auth login` "
            "as somebody who may write there"
        ) from None
    except OSError as error:
        raise DownloadError(f"{repository} cannot be uploaded to {host} ({type(error).__name__}): try again") from None


def _bar(what: str, progress: Progress) -> Any:
    """A class that the hub's library takes for its bars; the one that counts bytes on disk is reported."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *parts: Any, **style: Any) -> None:
            self.counts = style.get("name") == "huggingface_hub.snapshot_download"
            self.done = 0
            super().__init__(*parts, **{**style, "disable": True})

        def update(self, more: float | None = 1) -> None:
            self.done += int(more or 0)
            if self.counts:
                progress(what, self.done // MEGABYTE, max(int(self.total or 0) // MEGABYTE, 1))

    return Bar
