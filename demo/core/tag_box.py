"""The box around a tag's evidence in a photo, for the Why panel."""

from __future__ import annotations

from demo.core.categories import Categories
from demo.core.photos import Photo
from demo.core.workbench import Workbench
from ram.errors import InputError
from ram.regions.finding import region_of
from ram.regions.region import Region
from ram.tagger import Tagger


def tag_box(bench: Workbench, photo: Photo | None, categories: Categories, tag: str) -> Region | None:
    """The box from the main model's evidence; it runs the image encoder.

    None without a photo, and where the model is of another program or cannot tell.
    """
    main = bench.taggers[0]
    bank = categories.banks.get(main.name)
    if photo is None or not photo.jpeg or bank is None or tag not in bank.vocabulary or not isinstance(main, Tagger):
        return None
    try:
        return region_of(main, photo.picture(), bank, tag)
    except InputError:
        return None
