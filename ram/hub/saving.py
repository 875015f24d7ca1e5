"""Write a tagger as a model folder that is a repository of the hub as it stands."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ram.checkpoints.model_folder import save_model
from ram.checkpoints.registry import CONFIG
from ram.hub.model_card import write_card
from ram.hub.repositories import upload_folder
from ram.text.files import package_file, read_json, write_json

if TYPE_CHECKING:
    from ram.tagger import Tagger

CODE = "modeling_ram.py"
TRANSFORMERS = {
    "model_type": "ram",
    "architectures": ["RamModel"],
    "auto_map": {"AutoConfig": "modeling_ram.RamConfig", "AutoModel": "modeling_ram.RamModel"},
}
"""Fields of ``config.json`` that transformers reads; see :data:`ram.checkpoints.registry.FOREIGN_FIELDS`."""


def save_repository(folder: Path, tagger: Tagger, half: bool = False) -> None:
    """Write a model folder with a model card, and with what ``AutoModel`` of transformers needs.

    Args:
        folder: is made where it does not exist; files of equal names are replaced.
        tagger: its predefined tags are those of the folder.
        half: store matrices and convolutions in 16 bit.
    """
    save_model(folder, tagger.config, tagger.model, tagger.bank, half)
    shutil.copyfile(package_file(f"hub/{CODE}"), folder / CODE)
    write_json(folder / CONFIG, {**read_json(folder / CONFIG), **TRANSFORMERS}, indent=1)
    write_card(folder, tagger, tagger.report)


def upload_tagger(repository: str, tagger: Tagger, private: bool | None = None, half: bool = False) -> str:
    """Upload a tagger as :func:`save_repository` writes it; see :func:`ram.hub.repositories.upload_folder`."""
    with TemporaryDirectory() as temporary:
        save_repository(Path(temporary), tagger, half)
        return upload_folder(Path(temporary), repository, private)
