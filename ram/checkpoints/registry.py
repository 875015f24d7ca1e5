"""The ONE table of published models, and the names and folders under which models are found.

To add a variant: write its configuration and an entry of :data:`PUBLISHED`; ``ram convert --variant``, ``ram models``,
the download and the tests read this table. Imports no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from ram.errors import CheckpointError
from ram.models.captioner_config import CaptionerConfig
from ram.models.config import LEARNED, DecoderConfig, ImageConfig, ModelConfig, learned_width
from ram.runtime import cache_folder

CONFIG = "config.json"
"""Its presence makes a folder a model folder; it is written last."""
DEFAULT_MODEL = "ram-plus-lite"
"""The model that is taken where none is named."""
FOREIGN_FIELDS = ("model_type", "architectures", "auto_map", "transformers_version", "dtype")
"""Fields of ``config.json`` that transformers reads and writes, and this package passes over."""
CHECKPOINT_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")


@dataclass(frozen=True)
class HubFile:
    """A file of the Hugging Face hub.

    Args:
        repository: owner and name.
        name: of the file.
        kind: of the repository: "model", "dataset" or "space".
        sha256: of the published file, where it is known; another file of that name is refused.
    """

    repository: str
    name: str
    kind: str = "model"
    sha256: str = ""

    @property
    def url(self) -> str:
        """Address of the file; ``HF_ENDPOINT`` names a mirror."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.repository, self.name, repo_type=self.kind)


@dataclass(frozen=True)
class TagLists:
    """The official tags of a published model: plain facts, read from the official repository on first use.

    Args:
        count: number of tags.
        names: file of their names, one a line.
        thresholds: file of their thresholds; or
        threshold: one for all tags but
        exceptions: those at some indices.
        translations: file of their Chinese names; empty for none.
        digests: SHA-256 of a file's lines, stripped and joined by "\\n", by its name; another file is refused.
    """

    count: int
    names: str
    thresholds: str = ""
    threshold: float = 0.5
    exceptions: Mapping[int, float] = field(default_factory=dict)
    translations: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedModel:
    """All that is known of a published model.

    Args:
        config: what is built.
        lists: its tags.
        file: its checkpoint; None where it has to be given to ``ram convert``. Where no digest is pinned, that of the
            first verified download is recorded, and later ones have to equal it.
        descriptions: the sentences of its tags; None where a tag has only its name.
    """

    config: ModelConfig
    lists: TagLists
    file: HubFile | None = None
    descriptions: HubFile | None = None


LISTS_URL = (
    "https://raw.githubusercontent.com/xinyu1205/recognize-anything/7cb804a8609e9f4b1a50b7f31436d2df40bb9481/ram/data"
)
"""Folder of the official tag lists, at a commit."""

RAM_LISTS = TagLists(
    4585,
    "ram_tag_list.txt",
    thresholds="ram_tag_list_threshold.txt",
    translations="ram_tag_list_chinese.txt",
    digests={
        "ram_tag_list.txt": "5d96d2f7225527480ad773aaac76b6e5c08a18adf6eae9ca7d2ab923d5e7bd8b",
        "ram_tag_list_threshold.txt": "36e274671ec88ea9e5a4a86c2ce8af96b7aa0f31c5e80ce2643194790609929c",
        "ram_tag_list_chinese.txt": "5a44c5aaca7614c0352b9ec0f112224c2ee92f791f4da10e2b0f074488114d4e",
    },
)
VOCABULARIES: Mapping[str, TagLists] = {"official": RAM_LISTS}
"""Vocabularies by name, which every model that reads texts can score."""

TAG2TEXT_LISTS = TagLists(
    3429,
    "tag2text_ori_tag_list.txt",
    threshold=0.68,
    exceptions={
        **dict.fromkeys((1167, 2701, 2828), 0.7),  # woman, person, man
        **dict.fromkeys((127, 2961, 3265, 3338, 3351, 3355, 3359), 1.0),  # never shown: quarter, back, numbers
    },
)
DESCRIPTIONS = HubFile(
    "xinyu1205/recognize-anything-plus-model-tag-descriptions",
    "ram_tag_list_4585_llm_tag_descriptions.json",
    "dataset",
)


OFFICIAL_CAPTIONER = CaptionerConfig(tied_layers=2)
"""The captioner of the published RAM and Tag2Text."""


def swin_config(name: str, backbone: str, size: int = 384, **fields: Any) -> ModelConfig:
    """An official RAM++ variant, or with one description RAM: a timm Swin, CLIP text embeddings of width 512."""
    return ModelConfig(name, _swin_image(backbone, size), "clip-vit-b-16", 512, **fields)


def tag2text_config(name: str, backbone: str, size: int = 384) -> ModelConfig:
    """An official Tag2Text variant: a timm Swin, and tags that were learned one by one."""
    image, dim = _swin_image(backbone, size), learned_width(DecoderConfig.hidden)
    return ModelConfig(name, image, LEARNED, dim, max_descriptions=1, reweight=False, captioner=OFFICIAL_CAPTIONER)


def _swin_image(backbone: str, size: int) -> ImageConfig:
    return ImageConfig(backbone, size, options={"img_size": size, "window_size": 12 if size == 384 else 7})


PUBLISHED: Mapping[str, PublishedModel] = {
    model.config.name: model
    for model in (
        PublishedModel(
            swin_config("ram-plus-swin-large", "swin_large_patch4_window12_384"),
            RAM_LISTS,
            HubFile(
                "xinyu1205/recognize-anything-plus-model",
                "ram_plus_swin_large_14m.pth",
                sha256="497c178836ba66698ca226c7895317e6e800034be986452dbd2593298d50e87d",
            ),
            DESCRIPTIONS,
        ),
        PublishedModel(
            swin_config("ram-plus-swin-large-224", "swin_large_patch4_window7_224", 224),
            RAM_LISTS,
            descriptions=DESCRIPTIONS,
        ),
        PublishedModel(
            swin_config("ram-plus-swin-base", "swin_base_patch4_window12_384"), RAM_LISTS, descriptions=DESCRIPTIONS
        ),
        PublishedModel(
            swin_config("ram-plus-swin-base-224", "swin_base_patch4_window7_224", 224),
            RAM_LISTS,
            descriptions=DESCRIPTIONS,
        ),
        PublishedModel(
            swin_config(
                "ram-swin-large", "swin_large_patch4_window12_384", max_descriptions=1, captioner=OFFICIAL_CAPTIONER
            ),
            RAM_LISTS,
            HubFile(
                "xinyu1205/Recognize_Anything-Tag2Text",
                "ram_swin_large_14m.pth",
                "space",
                sha256="15c729c793af28b9d107c69f85836a1356d76ea830d4714699fb62e55fcc08ed",
            ),
        ),
        PublishedModel(
            tag2text_config("tag2text-swin-base", "swin_base_patch4_window12_384"),
            TAG2TEXT_LISTS,
            HubFile("xinyu1205/Recognize_Anything-Tag2Text", "tag2text_swin_14m.pth", "space"),
        ),
    )
}
"""Published models by name; those without a file need the official checkpoint and ``ram convert``."""


@dataclass(frozen=True)
class ModelEntry:
    """A line of ``ram models``: where a model comes from and what it is."""

    name: str
    source: str
    summary: str


def list_models() -> list[str]:
    """Names: shipped models first, then published ones."""
    return [*shipped_models(), *PUBLISHED]


def model_entries() -> list[ModelEntry]:
    """The models of :func:`list_models`, with where each comes from and what it is."""
    shipped = [ModelEntry(name, "shipped", _summary(read_config(at))) for name, at in shipped_models().items()]
    published = [
        ModelEntry(name, "fetched on first use" if model.file else "official file, ram convert", _summary(model.config))
        for name, model in PUBLISHED.items()
    ]
    return shipped + published


def shipped_models() -> dict[str, Path]:
    """Folders of the models in the package, by name; the default one comes first."""
    root = Path(str(resources.files("ram"))) / "pretrained"
    folders = [file.parent for file in root.glob(f"*/{CONFIG}")]
    folders.sort(key=lambda folder: (folder.name != DEFAULT_MODEL, folder.name))
    return {folder.name: folder for folder in folders}


def is_downloadable(name: str) -> bool:
    """Whether a published model is fetched by its name."""
    return name in PUBLISHED and PUBLISHED[name].file is not None


def find_model(name: str | Path) -> Path:
    """The folder of a shipped model, of a published one that was fetched, or of a path that is a model folder.

    Raises:
        CheckpointError: none of these; the message says which names there are.
    """
    shipped = shipped_models()
    if str(name) in shipped:
        return shipped[str(name)]
    if (Path(name) / CONFIG).is_file():
        return Path(name)
    fetched = cache_folder() / "models" / str(name)
    if is_downloadable(str(name)) and (fetched / CONFIG).is_file():
        return fetched
    if str(name) in PUBLISHED:
        raise CheckpointError(
            f"{name!r} is not here: "
            + ("load it once by `ram tag --model`, which fetches it; or " if is_downloadable(str(name)) else "")
            + "get the official checkpoint, run "
            f"`ram convert FILE.pth FOLDER --variant {name}` and load the folder; "
            f"{' and '.join(shipped)} need nothing"
        )
    if Path(name).is_file():
        raise CheckpointError(_about_file(Path(name)))
    raise CheckpointError(
        f"there is no model or model folder {str(name)!r}: choose {', '.join(shipped)} or give a folder "
        f"that holds {CONFIG}, or the owner/name of a repository of the hub"
    )


def _about_file(path: Path) -> str:
    """Message for a file that was given in place of a model folder: its kind, and the command that makes a folder."""
    if path.name == CONFIG or (path.parent / CONFIG).is_file():
        return f"{path.name} is a file of a model folder: give the folder {str(path.parent)!r}"
    if path.suffix.lower() not in CHECKPOINT_SUFFIXES:
        return f"{path.name} is a file: give a model folder, or a name of `ram models`"
    named = [name for name, model in PUBLISHED.items() if model.file and Path(model.file.name).stem == path.stem]
    variant = named[0] if named else "V"
    which = "" if named else f", where V is {', '.join(PUBLISHED)}"
    return (
        f"{path.name} is a checkpoint and no model folder: convert it once by `ram convert {path} FOLDER --variant "
        f"{variant}`{which}, and give the folder"
    )


def read_config(folder: Path) -> ModelConfig:
    """The configuration of a model folder.

    Raises:
        CheckpointError: the file is missing or broken.
    """
    try:
        values = json.loads((folder / CONFIG).read_text(encoding="utf-8-sig"))
        if isinstance(values, dict):
            values = {name: value for name, value in values.items() if name not in FOREIGN_FIELDS}
        return ModelConfig.from_dict(values)
    except FileNotFoundError:
        raise lacks(folder, CONFIG) from None
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{CONFIG} of {folder.name!r} cannot be read: {error}") from None


def lacks(folder: Path, file: str) -> CheckpointError:
    """The error of a model folder without one of its files."""
    return CheckpointError(f"model folder {folder.name!r} lacks {file}: copy or convert it again")


def _summary(config: ModelConfig) -> str:
    text = "tags without texts" if config.learned else f"text by {config.text_encoder}"
    captions = ", captions" if config.captioner is not None else ""
    return f"{config.kind}, {config.image.backbone} at {config.image.size} px, {text}{captions}"
