"""Albums equal single photos; broken files are skipped; thresholds need no second look."""

import dataclasses
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from demo.core.album import THUMBNAIL, every, filtered, tag_album, tag_counts
from demo.core.album_thresholds import Thresholds, calibrated
from demo.core.feature_cache import FeatureCache
from ram.checkpoints.model_folder import save_model
from ram.errors import InputError
from ram.tagger_loading import load
from ram.text.vocabulary import TagVocabulary

LOOSE = Thresholds(shared=0.0)


def noise(seed):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (120, 270, 3), np.uint8))


@pytest.fixture
def files(tmp_path):
    """Four photos and one broken file."""
    for i in range(4):
        noise(i).save(tmp_path / f"{i}.png")
    (tmp_path / "15.png").write_bytes(b"no picture")
    return sorted(tmp_path.iterdir())


def whole(tagger, files):
    return list(tag_album(tagger, files, FeatureCache()))[-1]


def test_photos_of_an_album_have_the_scores_of_single_ones(tagger, files):
    album = whole(tagger, files)
    assert [photo.name for photo in album.photos] == ["0.png", "1.png", "2.png", "3.png"]
    for photo, path in zip(album.photos, [files[0], files[1], *files[3:]], strict=True):
        alone, kept = tagger.tag(path), album.prediction(photo)
        assert np.array_equal(kept.probabilities, alone.probabilities)
        for tag in alone.vocabulary.tags:
            assert kept[tag].descriptions[0].text == alone[tag].descriptions[0].text
            assert kept[tag].descriptions[0].weight == pytest.approx(alone[tag].descriptions[0].weight, abs=1e-3)
            assert len(kept[tag].descriptions) == 1
        assert photo.size == (270, 120)


def test_a_broken_photo_is_named_and_the_rest_is_tagged(tagger, files):
    album = whole(tagger, files)
    assert album.faults == ("15.png cannot be read as a picture: give a JPEG, PNG, WebP, GIF, BMP, TIFF, PPM or AVIF "
                            "file that opens elsewhere.",)  # fmt: skip
    assert (album.done, album.total) == (5, 5)


def test_an_album_grows_and_estimates_the_time_left(tagger, files):
    times = iter(range(0, 100, 2))
    albums = list(tag_album(tagger, files, FeatureCache(), clock=lambda: float(next(times))))
    assert [album.done for album in albums] == [0, 1, 2, 3, 4, 5]
    assert [album.seconds_left for album in albums] == [None, 8.0, 6.0, 4.0, 2.0, 0.0]


def test_a_stopped_run_keeps_finished_photos(tagger, files):
    run = tag_album(tagger, files, FeatureCache())
    albums = [next(run) for _ in range(3)]
    run.close()
    assert len(albums[-1].photos) == 2 and len(tagger.looks) == 2


def test_a_zip_is_tagged_like_its_files(tagger, files, tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, f"trip/{file.name}")
        archive.writestr("../evil.png", b"")
    packed, plain = whole(tagger, [path]), whole(tagger, files)
    assert [photo.name for photo in packed.photos] == [f"trip/{photo.name}" for photo in plain.photos]
    assert np.array_equal(packed.probabilities(), plain.probabilities())
    assert [said.split()[0] for said in packed.faults] == ["trip/15.png", "../evil.png"]


def test_what_systems_keep_in_a_folder_is_no_fault(tagger, files, tmp_path):
    others = [tmp_path / name for name in (".DS_Store", "Thumbs.db", "desktop.ini", "SYNOPHOTO_THUMB_XL.jpg")]
    for path in others:
        path.write_bytes(b"-")
    assert whole(tagger, [*files[:1], *others]).total == 1


def test_a_broken_archive_is_named_and_photos_are_tagged(tagger, files, tmp_path):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 cut short")
    album = whole(tagger, [broken, files[0]])
    assert len(album.photos) == 1
    assert album.faults == ("broken.zip is no zip archive, or cut short: pack it again.",)


def test_no_photos_and_too_many_are_errors(tagger, files):
    with pytest.raises(InputError, match="no photo was given"):
        next(tag_album(tagger, [], FeatureCache()))
    with pytest.raises(InputError, match="501 photos are too many"):
        next(tag_album(tagger, [files[0]] * 501, FeatureCache()))
    assert tagger.looks == []


def test_only_small_thumbnails_are_kept(tagger, files):
    album = whole(tagger, files)
    with Image.open(io.BytesIO(album.photos[-1].thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG" and max(thumbnail.size) == THUMBNAIL
    for value in dataclasses.asdict(album.photos[-1]).values():
        assert not isinstance(value, Image.Image)
    assert len(album.photos[-1].thumbnail) < 25_000  # noise, which JPEG shrinks least


def test_changing_thresholds_needs_no_second_look(tagger, files):
    album = whole(tagger, files)
    looked = len(tagger.looks)
    everything = album.present(LOOSE.apply(album.vocabulary))
    assert everything.all()
    strict = LOOSE.with_single("dog", 1.0).apply(album.vocabulary)
    assert album.present(strict).sum() == everything.sum() - len(album.photos)
    assert filtered(album, strict, ["dog"]) == [] and filtered(album, strict, ["cat"]) == [0, 1, 2, 3]
    assert tag_counts(album, strict) == {"cat": 4, "pine tree": 4}
    assert len(tagger.looks) == looked


def test_a_filter_requires_all_of_its_tags(tagger, files):
    album = whole(tagger, files)
    dogs = np.array([photo.probabilities[0] for photo in album.photos])
    middle = float(np.sort(dogs)[1:3].mean())
    vocabulary = LOOSE.with_single("dog", middle).apply(album.vocabulary)
    assert filtered(album, vocabulary, ["dog", "cat"]) == np.flatnonzero(dogs > np.float32(middle)).tolist()
    assert filtered(album, vocabulary) == [0, 1, 2, 3]
    assert filtered(album, vocabulary, ["<b>unknown"]) == []


def test_a_thumb_overrules_the_threshold(tagger, files):
    album = whole(tagger, files)
    everything = LOOSE.apply(album.vocabulary)
    thumbs = {(1, "dog"): False, (99, "dog"): False, (0, "unknown"): True}
    assert filtered(album, everything, ["dog"], thumbs) == [0, 2, 3]
    assert tag_counts(album, everything, thumbs) == {"cat": 4, "pine tree": 4, "dog": 3}
    nothing = Thresholds(shared=1.0).apply(album.vocabulary)
    assert filtered(album, nothing, ["cat"], {(2, "cat"): True}) == [2]


def test_single_thresholds_override_shared_and_calibrated():
    own = TagVocabulary(("dog", "cat", "sea"), (0.1, 0.2, 0.3))
    chosen = Thresholds(calibrated={"dog": 0.4, "cat": 0.5}).with_single("cat", 0.6)
    assert chosen.apply(own).thresholds == (0.4, 0.6, 0.3)
    assert dataclasses.replace(chosen, shared=0.7).apply(own).thresholds == (0.7, 0.6, 0.7)
    assert chosen.with_single("cat", None).apply(own).thresholds == (0.4, 0.5, 0.3)
    with pytest.raises(InputError, match="between 0 and 1"):
        Thresholds(shared=1.5)


def test_thumbs_change_thresholds_that_contradict_them(tagger, files):
    album = whole(tagger, files)
    dog, cat = album.probabilities()[:, 0], album.probabilities()[:, 1]
    own = TagVocabulary(album.vocabulary.tags, (0.0, 1.0, 0.0))
    album = dataclasses.replace(album, vocabulary=own)
    thumbs = {(int(dog.argmax()), "dog"): False, (int(cat.argmax()), "cat"): True, (0, "pine tree"): True}
    moved = calibrated(album, thumbs)
    assert set(moved) == {"dog", "cat"}  # thresholds that agree with the thumbs stay
    after = Thresholds(calibrated=moved).apply(own)
    assert filtered(album, after, ["dog"]) == []
    assert int(cat.argmax()) in filtered(album, after, ["cat"])


def test_thumbs_of_unknown_photos_or_tags_are_ignored(tagger, files):
    album = whole(tagger, files)
    with pytest.raises(InputError, match="no thumb"):
        calibrated(album, {(99, "dog"): True, (-1, "dog"): True, (0, "unknown"): False})


def test_calibrated_thresholds_can_be_used_in_a_model_folder(tagger, files, tmp_path):
    folder = tmp_path / "model"
    save_model(folder, tagger.config, tagger.model, tagger.bank)
    vocabulary = Thresholds(calibrated={"dog": 0.125}).apply(tagger.bank.vocabulary)
    vocabulary.save(folder / "vocabulary.csv")
    assert load(folder).bank.vocabulary == vocabulary


def test_every_returns_true_once_per_interval():
    times = iter([5.0, 5.1, 5.6, 5.8, 6.4, 6.6])
    due = every(0.7, clock=lambda: next(times))
    assert [due() for _ in range(6)] == [True, False, False, True, False, True]
