"""Captions of an album's photos, for export."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from demo.core.album import Album
from demo.core.album_files import read_photo
from demo.core.captioning_photos import BEAMS, caption_image
from demo.core.exports import Download
from ram.backends import Captioner, TaggerBackend
from ram.export.formats import CAPTION_COLUMNS, Csv, CsvForm, readable_name
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS

NAME = "captions.csv"


def caption_album(
    captioner: Captioner, album: Album, indices: Sequence[int], judge: TaggerBackend | None = None
) -> Iterator[tuple[int, Download]]:
    """Caption photos of an album, one by one, as `ram caption --output captions.csv` writes them.

    Args:
        captioner: looks at each photo again, with an image encoder of its own.
        album: holds the photos.
        indices: of those to caption.
        judge: chooses among several captions of a photo, after a look of its own; None writes one.

    Yields:
        After each photo, how many are done and the file so far.

    Raises:
        InputError: a photo was deleted.
        ImageError: a photo cannot be read any more.
    """
    text = io.StringIO()
    report = Csv(text, CsvForm(columns=CAPTION_COLUMNS))
    for done, index in enumerate(indices, start=1):
        photo = album.photos[index]
        caption = caption_image(captioner, open_image(read_photo(photo), UPLOADS), None, BEAMS, judge)
        named = {"image": readable_name(photo.name), "model": captioner.name}
        report.add({**named, "caption": caption.text, "tags": caption.tags})
        yield done, Download(NAME, "text/csv", text.getvalue())
