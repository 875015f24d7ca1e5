"""The day and time a photo was taken: from its EXIF data, else that of its file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PIL import Image
from PIL.ExifTags import IFD, Base

FORM = "%Y:%m:%d %H:%M:%S"
"""Format of times in EXIF, which have no time zone."""


def taken(photo: Path) -> datetime:
    """When a photo was taken, in the time of its place.

    Raises:
        OSError: the file is gone.
    """
    try:
        with Image.open(photo) as image:
            exif = image.getexif()
            written = exif.get_ifd(IFD.Exif).get(Base.DateTimeOriginal) or exif.get(Base.DateTime)
            return datetime.strptime(str(written).strip("\0 "), FORM)
    except (Image.DecompressionBombError, OSError, ValueError, SyntaxError, KeyError, TypeError):  # broken, or none
        return datetime.fromtimestamp(photo.stat().st_mtime)
