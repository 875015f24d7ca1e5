"""Keep thumbs on a library's photos; learn thresholds and a tagger for own labels from them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from demo.core.library_search import LibrarySearch
from ram.errors import InputError
from ram.library.folder_lock import locked_alone
from ram.library.own_tagger import labels_of, train_labels
from ram.library.thumb_learning import learn
from ram.text.names import normalize_category

PACK, FOLDER, ARCHIVE = "own.tagpack", "own-tagger", "own-tagger.zip"
"""Files to download: the labels as a tag pack, and a model that has them beside its own tags."""
MOST_LABELS, MOST_PHOTOS = 50, 2000
"""Labels and photos of one training."""


class LibraryJudging:
    """Keeps thumbs and learns from them.

    Args:
        search: of the same library; one request at a time uses it.
    """

    def __init__(self, search: LibrarySearch) -> None:
        self._search = search
        self._home = search.library.home / "own"

    def judge(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a thumb: ``{"row", "tag", "thumb"}``, 1 for right, -1 for wrong, 0 for none.

        Raises:
            InputError: one of them is missing or unusable.
        """
        row, tag, thumb = (values.get(name) for name in ("row", "tag", "thumb"))
        if type(row) is not int or not isinstance(tag, str) or thumb not in (-1, 0, 1):
            raise InputError('a thumb is {"row": number, "tag": name, "thumb": -1, 0 or 1}')
        name = self._search.names.tag(normalize_category(tag))
        with self._search.lock:
            known = self._search.library.tagger.bank.vocabulary.find(name)
            self._search.library.index.set_thumb(row, known or name, thumb)
        return {"tag": known or name}

    def learn(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Choose thresholds by all thumbs; gives those that changed."""
        library = self._search.library
        with self._search.lock, locked_alone(library.home):  # a run that adds photos meanwhile would lose their tags
            learned = learn(library)
        return {"learned": [vars(one) for one in learned if one.before != one.after]}

    def train(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Train a tagger for all tags with enough thumbs; gives what it does for each, before and after.

        Raises:
            InputError: there are too few thumbs, or too many labels.
        """
        library = self._search.library
        with self._search.lock:
            labels, rows, targets = labels_of(library.index.thumbs())
            if len(labels) > MOST_LABELS or len(rows) > MOST_PHOTOS:
                raise InputError(f"a training takes at most {MOST_LABELS} labels and {MOST_PHOTOS} photos")
            own = library.tagger.bank
            known = [label for label in labels if label in own.vocabulary]
            bank = own.select(known)
            if new := [label for label in labels if label not in own.vocabulary]:
                bank = bank.join(library.tagger.embed(new))
            columns = [labels.index(tag) for tag in bank.vocabulary.tags]
            bank, reports = train_labels(
                library.tagger, bank, library.looks().features(rows), targets[:, columns]
            )
            self._home.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._home) as made:  # a full disk leaves those of the last training
                folder = Path(made, FOLDER)
                library.tagger.save_pack(Path(made, PACK), bank)
                library.tagger.with_bank(own.override(bank)).save_pretrained(folder)
                shutil.make_archive(str(folder), "zip", folder)
                for name in (PACK, ARCHIVE):
                    os.replace(Path(made, name), self._home / name)
        return {"photos": len(rows), "labels": [vars(report) for report in reports], "files": [PACK, ARCHIVE]}

    def made(self, name: str) -> Path | None:
        """A file that was trained, by its name; None where there is none."""
        path = self._home / name
        return path if name in (PACK, ARCHIVE) and path.is_file() else None
