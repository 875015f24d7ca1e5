"""Write triplets as WebDataset shards: tar files of images with their captions and tags."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from ram.errors import ImageError, InputError
from ram.images.opening import check_image
from ram.runtime import atomic_write
from ram.training.data.triplets import Source


def write_shards(
    source: Source, folder: Path, per_shard: int, progress: Callable[[int, int], None]
) -> tuple[list[Path], list[str]]:
    """Write ``000000.tar`` and so on, each with ``per_shard`` image files and a JSON file beside each.

    Returns:
        The shards, and the names and faults of unusable images, which are left out.

    Raises:
        InputError: a shard exists already.
    """
    sound, skipped = [], []
    for number, picture in enumerate(source.pictures):
        assert isinstance(picture, Path), "triplets name files"
        try:
            check_image(picture)
            sound.append((picture, source.captions[number], source.tags[number]))
        except ImageError as error:
            skipped.append(f"{picture}: {error}")
    folder.mkdir(parents=True, exist_ok=True)
    shards = [folder / f"{number:06d}.tar" for number in range(-(-len(sound) // per_shard))]
    if existing := [shard.name for shard in shards if shard.exists()]:
        raise InputError(f"{folder.name} holds {existing[0]} already: choose another --output")
    for number, shard in enumerate(shards):
        part = range(number * per_shard, min((number + 1) * per_shard, len(sound)))
        with atomic_write(shard) as temporary, tarfile.open(temporary, "w") as archive:
            for index in part:
                picture, captions, tags = sound[index]
                key = f"{index:09d}"
                _add(archive, f"{key}{picture.suffix.lower()}", picture.read_bytes())
                text = json.dumps({"caption": list(captions), "union_label_id": list(tags)})
                _add(archive, f"{key}.json", text.encode())
                progress(index + 1, len(sound))
    return shards, skipped


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))
