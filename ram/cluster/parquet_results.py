"""Results of a shard in a Parquet file: tags, probabilities and looks of each picture.

The parts of a shard are files of their own until the last is there; then they become one file, in one step.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ram.cluster.parquet_package import parquet_package
from ram.cluster.work_plan import result_file
from ram.library.looks import quantized, quantized_classes, restored, restored_classes
from ram.models.image_encoder import ImageFeatures
from ram.runtime import atomic_write

PARTS = "_parts"


def part_file(folder: Path, shard: str, number: int) -> Path:
    """The file of a part of a shard."""
    return folder / PARTS / shard / f"{number:06}.parquet"


def schema(looks: bool) -> Any:
    """Columns: image, error, tags, scores (tag, probability, threshold), unlike; of looks also their int8 codes."""
    arrow = parquet_package()
    score = [("tag", arrow.string()), ("probability", arrow.float32()), ("threshold", arrow.float32())]
    columns = [
        ("image", arrow.string()),
        ("error", arrow.string()),
        ("tags", arrow.list_(arrow.string())),
        ("scores", arrow.list_(arrow.struct(score))),
        ("unlike", arrow.bool_()),
    ]
    if looks:
        columns += [("look_codes", arrow.binary()), ("look_scales", arrow.list_(arrow.float32()))]
        columns += [("look_classes", arrow.binary())]
    return arrow.schema(columns)


def look_columns(features: ImageFeatures) -> dict[str, Any]:
    """Columns of the look of one picture: codes and scales of (tokens, dim), and probabilities of classes."""
    codes, scales = quantized(features.tokens)
    classes = features.class_probabilities
    return {
        "look_codes": codes[0].tobytes(),
        "look_scales": scales[0].tolist(),
        "look_classes": None if classes is None else quantized_classes(classes[0]).tobytes(),
    }


def look_of(row: Mapping[str, Any]) -> ImageFeatures:
    """The look of a row of results, to score further categories; one of a batch, float32."""
    scales = np.asarray(row["look_scales"], np.float32)[None]
    codes = np.frombuffer(bytearray(row["look_codes"]), np.int8).reshape(1, scales.shape[1], -1)
    classes = row.get("look_classes")
    if classes is None:
        return ImageFeatures(restored(codes, scales))
    probabilities = restored_classes(np.frombuffer(bytearray(classes), np.uint8)[None])
    return ImageFeatures(restored(codes, scales), class_probabilities=probabilities)


def write_part(folder: Path, shard: str, number: int, rows: Sequence[Mapping[str, Any]], looks: bool) -> None:
    """Write the rows of a part; written twice, the later file takes the place of the equal earlier one.

    Raises:
        OSError: the disk is full, for instance.
    """
    path = part_file(folder, shard, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = parquet_package().Table.from_pylist(list(rows), schema=schema(looks))
    with atomic_write(path, sync=True) as temporary:
        parquet_package("parquet").write_table(table, temporary)


def join_parts(folder: Path, shard: str, count: int, looks: bool) -> None:
    """Make the file of a shard from its parts, which are removed."""
    parquet = parquet_package("parquet")
    with atomic_write(result_file(folder, shard), sync=True) as temporary:
        with parquet.ParquetWriter(temporary, schema(looks)) as writer:
            for number in range(count):
                writer.write_table(parquet.read_table(part_file(folder, shard, number), partitioning=None))
    remove_parts(folder, [shard])


def remove_parts(folder: Path, shards: Iterable[str]) -> None:
    """Remove the parts of shards that have their file, and the folder of parts where it is empty."""
    for shard in shards:
        shutil.rmtree(folder / PARTS / shard, ignore_errors=True)
    if (folder / PARTS).is_dir() and not any((folder / PARTS).iterdir()):
        (folder / PARTS).rmdir()
