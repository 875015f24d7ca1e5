"""What `ram` says of files is recognised, so that the page can show it in the visitor's language."""

import io
import json
import re
import zipfile

import pytest
import torch
from PIL import Image

from demo.core.album import tag_album
from demo.core.album_files import read_photo
from demo.core.feature_cache import FeatureCache
from demo.core.message_patterns import PARTS, MessagePatterns
from demo.core.messages import message
from demo.core.pack_upload import add_pack
from demo.core.texts import REWORDED, Text, languages, recognise, sentence, texts
from demo.core.workbench import Workbench
from ram.describers.template import TemplateDescriber
from ram.errors import ImageError, RamError
from ram.images import archives, kinds, opening
from ram.images.archives import open_archive
from ram.images.opening import open_image
from ram.images.size_limits import UPLOADS, ImageLimits
from ram.models.text_encoder import FINGERPRINTS
from ram.text import tag_packs
from ram.text.tag_packs import load_pack, save_pack
from tests.demo.core.test_workbench import looked_at, photo_file
from tests.hardening.bad_pictures import bad_pictures, saved
from tests.images.test_camera_files import box, rgb_tiff
from tests.text.test_tag_packs import entries, pets, rewrite
from tests.tiny import DIM, HashTextEncoder, tiny_bank, tiny_tagger

HOLE = re.compile(r"\{(\w+)")
HOST_ONLY = re.compile(r"OPENAI_|NO_PROXY|--\w|pip install|GGUF|b64decode|lfs pull", re.IGNORECASE)
PHOTO = Image.effect_noise((90, 60), 80).convert("RGB")


def key_of(text):
    """The key of a message, which has to be recognised with every phrase and message in it."""
    found = recognise(text)
    assert isinstance(found, Text), text
    found = found.values["text"] if found.key == "sentence" else found
    assert found.key.startswith("from_") and not HOST_ONLY.search(found), text
    for hole, value in found.values.items():
        several = hole != "tags" or '" and "' in value
        assert isinstance(value, Text) or hole not in (*PARTS, "reason") or not several, (text, hole)
    for language in languages():
        assert str(found.values.get("name", "")) in found.in_language(language)
    return found.key


def refused(make, *given, **options):
    """Key of the message with which a function refuses."""
    with pytest.raises(RamError) as raised:
        make(*given, **options)
    return key_of(str(raised.value))


def opened(path, content, limits=UPLOADS):
    path.write_bytes(content)
    return refused(open_image, path, limits)


def test_the_most_specific_pattern_counts():
    words = {"from_cut": "{name} is cut", "from_film": "{name} is a film that is cut", "from_kind_film": "a film"}
    for order in (words, dict(reversed(words.items()))):
        patterns = MessagePatterns(order, {})
        assert patterns.find("a.webp is a film that is cut") == ("from_film", {"name": "a.webp"})
        assert patterns.find("a.jpg is cut") == ("from_cut", {"name": "a.jpg"})
        assert patterns.find("a film") is None and patterns.find("a film", "kind") == ("from_kind_film", {})
    assert MessagePatterns({"from_as": "{a} as {b}: only {b}"}, {}).find("x as y: only z") is None


def test_a_cut_webp_is_named_alone(tmp_path):
    content = saved(PHOTO, "WEBP")
    (tmp_path / "a.webp").write_bytes(content[:12] + bytes(99))
    with pytest.raises(ImageError) as raised:
        open_image(tmp_path / "a.webp", UPLOADS)
    found = recognise(str(raised.value))
    assert found.key == "from_webp" and found.values == {"name": "a.webp"} and found == str(raised.value)
    assert opened(tmp_path / "b.webp", content[: len(content) // 2]) in ("from_cut_short", "from_webp")


def test_reworded_messages_keep_their_holes():
    for key, patterns in json.loads(REWORDED.read_text(encoding="utf-8")).items():
        for pattern in patterns:
            assert set(HOLE.findall(texts("en")[key])) <= set(HOLE.findall(pattern)), key


def test_no_text_gives_advice_for_the_host_only():
    for code, known in languages().items():
        assert [key for key, text in known.items() if HOST_ONLY.search(text)] == [], code


@pytest.mark.slow
def test_what_is_said_of_bad_pictures_is_recognised(tmp_path):
    for number, (name, content, _) in enumerate(bad_pictures()):
        path = tmp_path / f"{number}{name[-5:].replace('/', '')}"
        path.write_bytes(content)
        try:
            open_image(path, UPLOADS, lambda note: key_of(note))
        except ImageError as error:
            key_of(str(error))


def test_every_kind_of_file_is_recognised(tmp_path):
    for offset, magic, _ in kinds._KINDS:
        assert opened(tmp_path / "a.jpg", bytes(offset) + magic + bytes(300)).startswith("from_")
    for suffix in kinds._WITHOUT_MAGIC:
        opened(tmp_path / f"a{suffix}", bytes(300))
    assert opened(tmp_path / "a.jpg", b"\xff\xd8\xff" + bytes(300)) == "from_unusual_jpeg"
    assert opened(tmp_path / "a.tif", b"II*\0" + bytes(300)) == "from_unusual_tiff"
    assert opened(tmp_path / "a.cr3", box("crx ")) == "from_other_file"
    assert opened(tmp_path / "a.avif", box("avif")) in ("from_unreadable_picture", "from_cut_short")


def test_what_is_said_of_heic_is_recognised(tmp_path, monkeypatch, caplog):
    Image.init()
    openers = {form: opener for form, opener in Image.OPEN.items() if form != "HEIF"}
    monkeypatch.setattr(Image, "OPEN", openers)
    monkeypatch.setattr(opening, "_register_heif", lambda: None)
    (tmp_path / "secret name.heic").write_bytes(box("heic"))
    with pytest.raises(ImageError) as raised:
        open_image(tmp_path / "secret name.heic", UPLOADS)
    assert key_of(str(raised.value)) == "from_heic"
    assert message(raised.value) == "secret name.heic is a HEIC picture, which cannot be read here: save it as JPEG."
    assert "install pillow-heif" in caplog.text and "secret" not in caplog.text
    refused_as = "is a HEIC picture, broken or cut short, or of a kind that cannot be read here: save it as JPEG"
    assert key_of(f"a.heic {refused_as}") == "from_unreadable_picture"


def test_what_is_said_of_limits_and_damage_is_recognised(tmp_path, monkeypatch):
    assert opened(tmp_path / "a.jpg", bytes(99), ImageLimits(50, 50)) == "from_megabytes"
    assert opened(tmp_path / "a.jpg", b"") == "from_empty"
    assert opened(tmp_path / "a.tif", rgb_tiff(16, 2)) == "from_planes"
    assert refused(open_image, tmp_path / "none.jpg", UPLOADS) == "from_gone"
    assert refused(open_image, Image.new("RGB", (0, 3)), UPLOADS) == "from_no_pixels"
    notes = []
    (tmp_path / "cut.jpg").write_bytes(saved(PHOTO, "JPEG")[:-9])
    open_image(tmp_path / "cut.jpg", UPLOADS, notes.append)
    assert list(map(key_of, notes)) == ["from_lacks_bytes"]
    monkeypatch.setattr(opening, "_decode", lambda *_: _bomb(opening))
    assert opened(tmp_path / "a.png", saved(PHOTO, "PNG")) == "from_many_pixels"
    monkeypatch.setattr("pathlib.Path.open", lambda *_: _raise(OSError(5, "Input/output error")))
    assert refused(open_image, tmp_path / "a.png", UPLOADS) == "from_not_readable"


def _bomb(module):
    with module._failures_named("a.png"):
        raise Image.DecompressionBombError


def _raise(error):
    raise error


def test_what_is_said_of_archives_is_recognised(tmp_path, monkeypatch):
    jpeg = saved(PHOTO, "JPEG")

    def archive(change=lambda data: data, **files):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as file:
            for name, data in files.items():
                file.writestr(name.replace("_", ".", 1), data)
        (tmp_path / "a.zip").write_bytes(change(bytearray(content.getvalue())))
        return tmp_path / "a.zip"

    def listed(path):
        with open_archive(path) as file:
            return [refused(file.read, member) for member in file.members]

    def set_byte(offset, value):  # of the first entry of the list
        return lambda data: data[: (at := data.index(b"PK\1\2") + offset)] + bytes([value]) + data[at + 1 :]

    assert listed(archive(**{"../a_jpg": jpeg, "a_zip": b"PK", "a_txt": b"a"})) == [
        "from_outside", "from_archive_inside", "from_not_picture",
    ]  # fmt: skip
    for offset, value, key in (
        (8, 1, "from_locked"), (10, 12, "from_packed_oddly"), (27, 9, "from_megabytes"),
        (26, 15, "from_unpacks_much"), (16, 77, "from_broken_inside"),
    ):  # fmt: skip
        assert listed(archive(set_byte(offset, value), a_jpg=jpeg)) == [key]
    assert refused(listed, archive()) == "from_empty_archive"
    assert refused(listed, archive(lambda data: data[:30], a_jpg=jpeg)) == "from_no_archive"
    damaged = archive(lambda data: data.replace(b"PK\1\2", b"PK\1\3"), a_jpg=jpeg)
    assert refused(listed, damaged) == "from_broken_archive"
    two = archive(a_jpg=jpeg, b_jpg=b"/9j/" * 9)
    *_, album = tag_album(tiny_tagger(), [two], FeatureCache())
    assert list(map(key_of, album.faults)) == ["from_base64"] and sentence(album.faults[0]).startswith("b.jpg is text")
    archive(c_jpg=jpeg)
    assert refused(read_photo, album.photos[0]) == "from_not_inside"
    for limit, most, key in (
        ("MOST_PICTURES", 1, "full"), ("MOST_UNPACKED", 9, "large"), ("MOST_ENTRIES", 1, "long")
    ):  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(archives, limit, most)
            assert refused(listed, archive(a_jpg=jpeg, b_jpg=jpeg)) == f"from_{key}_archive"


def test_what_is_said_of_packs_is_recognised(tmp_path, monkeypatch):
    path = tmp_path / "pets.tagpack"

    def fault(limits=tag_packs.UPLOADS, **header):
        save_pack(path, pets(), HashTextEncoder())
        rewrite(path, **header)
        with pytest.raises(RamError) as raised:
            load_pack(path, "hash", DIM, limits)
        assert key_of(str(raised.value)) == "from_pack"
        return recognise(str(raised.value)).values["fault"].key.removeprefix("from_fault_")

    small = dict(vars(tag_packs.UPLOADS))
    assert fault(format="ram tag pack 2") == "version" and fault(tags="[]") == "no_tags"
    assert fault(tags=entries({"tag": "a  b"})) == "twice" and fault(tags="7") == "no_tags"
    assert fault(tags=entries({"descriptions": ["d" * 2001]})) == "long"
    assert fault(tags=entries({"descriptions": ["a"]})) == "embeddings"
    assert fault(tags=entries({"descriptions": ["кот"]})) == "unreadable"
    for broken in ("{", "[7]", entries({"threshold": None}), entries({"threshold": 9}), entries({"tag": "..."})):
        assert fault(tags=broken) == "other"
    for name, key in (("header", "texts"), ("tags", "tags"), ("cells", "cells")):
        assert fault(tag_packs.PackLimits(**{**small, name: 1})) == key
    path.write_bytes(b"GIF89a")
    assert refused(load_pack, path, "hash", DIM) == "from_pack"
    save_pack(path, pets(), HashTextEncoder())
    tiny = tag_packs.PackLimits(**{**small, "file": 1})
    assert refused(load_pack, path, "hash", DIM, tiny) == "from_pack_large"
    assert refused(load_pack, path, "clip", DIM) == "from_pack_encoder"
    assert refused(load_pack, tmp_path / "none", "hash", DIM) == "from_not_readable"
    rewrite(path, {"embeddings": torch.ones(4, DIM).half()})
    assert refused(load_pack, path, "hash", DIM) == "from_pack"
    monkeypatch.setitem(FINGERPRINTS, "hash", "sha256")
    assert refused(load_pack, path, "hash", DIM) == "from_pack_weights"


def test_what_is_said_of_large_packs_is_recognised(tmp_path):
    bench = Workbench([tiny_tagger()], {"lexicon": TemplateDescriber()}.__getitem__)
    save_pack(tmp_path / "a.tagpack", tiny_bank({f"tag {i}": ["a"] for i in range(50)}), HashTextEncoder())
    photo = looked_at(bench, photo_file(tmp_path))
    for given, key in ((None, "from_pack_first"), (photo, "from_pack_probable")):
        (told,) = add_pack(bench, tmp_path / "a.tagpack", given, None).messages
        assert key_of(told) == key and recognise(told) == told
