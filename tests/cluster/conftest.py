"""A tiny model, and the same pictures as files, as WebDataset tar files and as Parquet files."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from ram.checkpoints.model_folder import save_model
from tests.tiny import tiny_bank, tiny_config, tiny_model


@pytest.fixture
def model(hash_encoder, tmp_path, monkeypatch):
    """Folder of a model with three tags."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save_model(tmp_path / "model", tiny_config(), tiny_model(), tiny_bank())
    return tmp_path / "model"


def jpeg(number):
    """Bytes of a picture of its own."""
    pixels = np.random.default_rng(number).integers(0, 255, (3, 4, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def pictures(tmp_path):
    """A folder of 25 pictures, one of them broken."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(25):
        (folder / f"{number:02}.jpg").write_bytes(jpeg(number) if number != 13 else b"\xff\xd8 broken")
    return folder


@pytest.fixture
def tars(tmp_path, pictures):
    """Two WebDataset shards of the pictures."""
    files = sorted(pictures.iterdir())
    for name, part in (("a.tar", files[:13]), ("b.tar", files[13:])):
        with tarfile.open(tmp_path / name, "w") as archive:
            for file in part:
                archive.add(file, file.name)
                text = tarfile.TarInfo(f"{file.stem}.txt")
                archive.addfile(text, io.BytesIO())
    return [tmp_path / "a.tar", tmp_path / "b.tar"]
