"""Find the file of an album's photo again, to show it large; photos in archives are unpacked among the uploads."""

from __future__ import annotations

from pathlib import Path

from demo.core.album import AlbumPhoto
from demo.core.kept_files import keep_file
from demo.core.texts import input_error
from ram.errors import ArchiveError, ImageError
from ram.images.archives import is_archive, open_archive


def find_file(photo: AlbumPhoto, uploads: Path) -> Path:
    """File of a photo.

    Args:
        photo: of an album.
        uploads: folder to unpack photos of archives into, each in a folder named by the SHA-256 of its bytes.

    Raises:
        InputError: the file or its archive was deleted.
        ImageError: the archive cannot be read any more.
    """
    content = read_photo(photo)
    return content if isinstance(content, Path) else keep_file(content, photo.name.rpartition("/")[2], uploads)


def read_photo(photo: AlbumPhoto) -> Path | bytes:
    """File of a photo, or its bytes where it is in an archive; nothing is unpacked to disk.

    Raises:
        InputError, ImageError: as for :func:`find_file`.
    """
    try:
        return _read(photo) if is_archive(photo.path) else photo.path
    except (OSError, ArchiveError):
        raise input_error("photo_gone") from None


def _read(photo: AlbumPhoto) -> bytes:
    with open_archive(photo.path) as archive:
        for member in archive.members:
            if member.name == photo.name:
                return archive.read(member)
    raise ImageError(f"{photo.name} is no longer in its archive: tag the photos again")
