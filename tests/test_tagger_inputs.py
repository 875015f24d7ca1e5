"""What a tagger takes: images in every form, one or several, and categories by name; and being sent elsewhere."""

import base64
import io
import os
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from ram.errors import ImageError, ImageTypeError, InputError
from ram.images.folders import find_images
from tests.paths import ROOT
from tests.tiny import HashTextEncoder, tiny_tagger

CAT = ROOT / "assets" / "examples" / "cat.jpg"
PIXELS = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)


def png(pixels=PIXELS):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def tagger():
    return tiny_tagger()


@pytest.fixture(scope="module")
def wanted(tagger):
    return tagger.tag(Image.fromarray(PIXELS)).probabilities


class Unusual:
    """A path of another library."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return str(self._path)


FORMS = {
    "bytes": png,
    "bytearray": lambda: bytearray(png()),
    "memoryview": lambda: memoryview(png()),
    "binary file": lambda: io.BytesIO(png()),
    "array": lambda: PIXELS,
    "array of BGR, turned": lambda: PIXELS[:, :, ::-1].copy()[:, :, ::-1],
    "array with alpha": lambda: np.dstack([PIXELS, np.full((50, 70), 255, np.uint8)]),
    "read-only array": lambda: np.frombuffer(PIXELS.tobytes(), np.uint8).reshape(PIXELS.shape),
    "PIL image": lambda: Image.fromarray(PIXELS),
}


@pytest.mark.parametrize("form", FORMS)
def test_tag_takes_every_form_that_look_takes(tagger, wanted, form):
    np.testing.assert_allclose(tagger.tag(FORMS[form]()).probabilities, wanted, atol=1e-5)
    np.testing.assert_allclose(tagger.score(tagger.look(FORMS[form]())).probabilities, wanted, atol=1e-5)
    several = tagger.tag([FORMS[form](), FORMS[form]()])
    assert len(several) == 2
    np.testing.assert_allclose(several[1].probabilities, wanted, atol=1e-4)


def test_an_open_file_and_any_path_are_taken(tagger, wanted, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    with open(path, "rb") as file:
        np.testing.assert_allclose(tagger.tag(file).probabilities, wanted, atol=1e-5)
    np.testing.assert_allclose(tagger.tag(Unusual(path)).probabilities, wanted, atol=1e-5)


def test_grey_arrays_with_and_without_a_channel_are_one(tagger):
    grey = PIXELS[:, :, 0]
    both = [tagger.tag(array).probabilities for array in (grey, grey[:, :, None])]
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("kind", [list, tuple, lambda images: np.stack([PIXELS, PIXELS]), dict.fromkeys])
def test_what_holds_several_images_gives_a_list(tagger, wanted, kind, tmp_path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in paths:
        path.write_bytes(png())
    held = kind(paths)
    several = tagger.tag(held.keys() if isinstance(held, dict) else held)
    assert isinstance(several, list) and len(several) == 2
    np.testing.assert_allclose(several[0].probabilities, wanted, atol=1e-4)
    assert len(tagger.tag(np.array([str(path) for path in paths]))) == 2


def test_a_generator_streams_its_predictions(tagger):
    asked = []

    def endless():
        while True:
            asked.append(None)
            yield PIXELS

    predictions = tagger.tag(endless())
    assert len(next(predictions)) == len(next(predictions)) == 3
    assert len(asked) <= 6 * tagger.batch_size


def test_a_broken_image_among_several_is_counted(tagger, tmp_path):
    with pytest.raises(ImageError, match="picture 2: the picture cannot be read as a picture"):
        tagger.tag([png(), b"no picture"])
    predictions = tagger.tag(iter([png(), tmp_path / "gone.jpg"]))
    assert len(next(predictions)) == 3
    with pytest.raises(ImageError, match="^there is no file gone.jpg"):
        next(predictions)


WRONG = {
    "None": (None, "not NoneType"),
    "a number": (5, "not int"),
    "a mapping": ({"a": 1}, "not dict"),
    "a text file": (io.StringIO("text"), "not StringIO"),
    "a list of numbers": ([5], "picture 1: a picture is .*, not int"),
    "a list in a list": ([["a.jpg"]], "not list"),
    "a tensor": ([torch.zeros(3, 8, 8)], "not Tensor"),
    "an array of floats": (PIXELS / 255, "an array of float64 is no picture: give uint8 values from 0 to 255"),
    "channels first": (PIXELS.transpose(2, 0, 1), r"shape \(3, 50, 70\) is no picture: give \(height, width\)"),
    "a row": (PIXELS[0, 0], r"shape \(3,\) is no picture"),
}


@pytest.mark.parametrize("case", WRONG)
def test_another_type_gets_a_typeerror_that_says_what_is_taken(tagger, case):
    value, sentence = WRONG[case]
    with pytest.raises(TypeError, match=sentence) as caught:
        tagger.tag(value)
    assert isinstance(caught.value, ImageTypeError)
    if not isinstance(value, (list, np.ndarray)):
        with pytest.raises(TypeError, match="a path, the bytes of a file, a file opened in binary mode, a numpy array"):
            tagger.look(value)


def test_a_batch_of_arrays_is_no_single_image(tagger):
    with pytest.raises(TypeError, match="not ndarray"):
        tagger.look(np.stack([PIXELS, PIXELS]))


def test_a_file_that_reads_no_bytes_gets_a_typeerror(tagger):
    class Upload:
        """Like those of web frameworks, whose read has to be awaited."""

        async def read(self, size):
            return png()

    class Text:
        def read(self, size):
            return "text"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file, kind in ((Upload(), "coroutine"), (Text(), "str")):
            with pytest.raises(TypeError, match=f"not a file that gives {kind}"):
                tagger.tag(file)


def test_an_array_without_pixels_gets_a_sentence(tagger):
    with pytest.raises(ImageError, match="has no pixels: it is 70 x 0"):
        tagger.tag(PIXELS[:0])


ADDRESSES = {
    "https://example.org/a/cat.jpg": "https://example.org/a/cat.jpg is an address, and none is opened: download",
    "HTTP://example.org/cat.jpg?key=secret": "HTTP://example.org/cat.jpg is an address",
    "s3://bucket/cat.jpg": "s3://bucket/cat.jpg is an address",
    "file:///photos/cat.jpg": "file:///photos/cat.jpg is an address",
    "data:image/png;base64," + "A" * 100_000: "data:image/png;base64 is an address",
}


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address[:12])
def test_addresses_are_refused_by_a_sentence(tagger, address):
    for use in (tagger.tag, tagger.look, lambda given: find_images([given])):
        with pytest.raises(ImageError, match=re.escape(ADDRESSES[address])) as caught:
            use(address)
        assert len(str(caught.value)) < 250 and "secret" not in str(caught.value)


def test_a_file_that_is_named_like_an_address_is_read(tagger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data:x.png").write_bytes(png())
    assert len(tagger.tag("data:x.png")) == 3
    with pytest.raises(ImageError, match=r"there is no file c:\\cat.jpg"):
        tagger.tag("c:\\cat.jpg")


def test_embed_describes_a_list_of_names(tagger, caplog):
    bank = tagger.embed(["corgi", "traffic_light", "blorptang"])
    assert bank.vocabulary.tags == ("corgi", "traffic light", "blorptang")
    assert any("dog" in sentence for sentence in bank.sentences[0])
    assert caplog.messages == ['The lexicon does not know "blorptang": templates are used instead.']
    assert tagger.embed("corgi, kite").vocabulary.tags == ("corgi", "kite")
    assert tagger.embed("corgi").vocabulary.tags == tagger.embed(iter(["corgi"])).vocabulary.tags == ("corgi",)
    assert tagger.embed({"corgi": ["short legs"]}).sentences == [("short legs",)]


@pytest.mark.parametrize(
    "given, error, sentence",
    [
        (5, TypeError, "categories are names, or a mapping from names to sentences, not int"),
        (["corgi", None], TypeError, "not NoneType"),
        ([["corgi"]], TypeError, "not list"),
        (["<b>"], InputError, "cannot have the character <"),
        (["猫"], InputError, "cannot read"),
    ],
)
def test_what_embed_cannot_take_gets_a_sentence(tagger, given, error, sentence):
    with pytest.raises(error, match=sentence):
        tagger.embed(given)


def test_a_pickled_tagger_is_the_same_tagger(tagger, wanted):
    tagger.embed({"corgi": ["short legs"]})  # the text encoder is made
    copied = pickle.loads(pickle.dumps(tagger))
    np.testing.assert_array_equal(copied.tag(PIXELS).probabilities, wanted)
    assert isinstance(copied.text_encoder, HashTextEncoder) and copied.text_encoder is copied.text_encoder
    assert copied.with_bank(copied.bank.select(["cat"])).tag(PIXELS).vocabulary.tags == ("cat",)


SPAWNING = """
import multiprocessing, sys, ram

def tags_of(tagger, path):
    return tagger.tag(path).tags, tagger.embed({"corgi": ["a dog"]}).vocabulary.tags

if __name__ == "__main__":
    tagger = ram.load("ram-plus-lite", device="cpu")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply_async(tags_of, (tagger, sys.argv[1])).get(timeout=100)
    assert there == tags_of(tagger, sys.argv[1]), there
    print(there[0][0])
"""


@pytest.mark.slow
def test_a_tagger_works_in_a_process_that_is_spawned(tmp_path):
    (tmp_path / "program.py").write_text(SPAWNING)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, tmp_path / "program.py", CAT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "cat"


def test_a_compiled_tagger_says_why_it_is_not_pickled(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda forward, **_: forward)
    from ram.models.fast.compiling import compile_encoder

    compiled = tiny_tagger()
    compile_encoder(compiled.model.image_encoder, torch.zeros(1, 3, 64, 64))
    assert len(compiled.tag(PIXELS)) == 3
    with pytest.raises(TypeError, match="a compiled tagger cannot be sent to another process: load it there"):
        pickle.dumps(compiled)


def test_base64_text_is_named(tagger):
    encoded = base64.b64encode(png())
    for given in (encoded.decode(), encoded):
        with pytest.raises(ImageError, match="^the picture is base64 text: decode it by base64.b64decode and give the"):
            tagger.tag(given)


def test_a_file_that_is_closed_gets_a_sentence(tagger, tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    with open(tmp_path / "a.png", "rb") as file:
        pass
    with pytest.raises(ImageError, match="a.png cannot be read: .*closed file"):
        tagger.tag(file)
