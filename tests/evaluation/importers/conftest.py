"""Made-up data sets in the original formats."""

import numpy as np
import pytest
from PIL import Image

from ram.evaluation.importers.benchmark_table import find_benchmark, import_benchmark


@pytest.fixture
def root(tmp_path):
    """The folder of the data set."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def draw(root):
    """Save small pictures of noise under the root."""

    def save(*names):
        for seed, name in enumerate(names):
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.random.default_rng(seed).integers(0, 255, (20, 24, 3), np.uint8)).save(file)

    return save


@pytest.fixture
def imported(root):
    """Read a benchmark by its name."""
    return lambda name: import_benchmark(find_benchmark(name), root)


@pytest.fixture
def positives():
    """Tags of each picture of a benchmark, by the name of its file."""

    def tags(benchmark):
        return {
            picture.name: [benchmark.tags[column] for column in np.flatnonzero(row)]
            for picture, row in zip(benchmark.pictures, benchmark.targets, strict=True)
        }

    return tags
