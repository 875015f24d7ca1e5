"""Which files of a folder are images, and what is said about the others."""

import logging

import pytest
from PIL import Image

from ram.errors import ImageError
from ram.images import opening
from ram.images.folders import find_images, search
from ram.images.opening import SUFFIXES, open_image


def made(folder, *names):
    """Files with these names, which hold no picture."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"-")
    return [folder / name for name in names]


def test_folders_become_their_pictures_in_order(tmp_path):
    for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.jpg", "sub/c.webp", ".cache/d.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"-")
    notes, inside = tmp_path / "notes.txt", [tmp_path / name for name in ("a.PNG", "b.jpg", "sub/c.webp")]
    assert find_images([tmp_path]) == inside
    assert find_images([notes, str(tmp_path), inside[0]]) == [notes, *inside]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="empty holds no picture"):
        find_images([tmp_path / "empty"])
    with pytest.raises(ImageError, match="there is no file or folder gone"):
        find_images([tmp_path / "gone"])


def test_every_ending_that_the_decoder_reads_is_known():
    Image.init()
    readable = {ending for ending, form in Image.EXTENSION.items() if form in (*opening._FORMATS, "MPO")}
    assert readable <= set(SUFFIXES)


@pytest.mark.parametrize("ending", [ending for ending in SUFFIXES if not ending.startswith((".hei", ".hif"))])
def test_a_picture_is_found_under_each_of_its_endings(tmp_path, ending):
    form = Image.registered_extensions().get(ending, "BMP" if ending == ".dib" else "JPEG")
    form = "BMP" if form == "DIB" else form
    path = tmp_path / f"a{ending}"
    Image.new("F" if ending == ".pfm" else "RGB", (40, 30)).save(path, form)
    assert find_images([tmp_path]) == [path]
    assert open_image(path).size == (40, 30)


def test_files_of_other_kinds_are_counted_by_ending(tmp_path, caplog):
    made(tmp_path, "a.jpg", "b.JXL", "sub/c.jxl", "d.cr2", "README", "Thumbs.db", "desktop.ini", ".hidden.jxl")
    with caplog.at_level(logging.INFO, "ram"):
        find_images([tmp_path])
    (message,) = caplog.messages
    assert message == f"{tmp_path}: 4 files of other kinds left out: 2 .jxl, 1 .cr2, 1 without an ending"


def test_a_folder_without_pictures_says_what_it_holds(tmp_path):
    made(tmp_path, "photos/a.jxl", "photos/@eaDir/a.jpg/THUMB.jpg")
    with pytest.raises(ImageError) as problem:
        find_images([tmp_path / "photos"])
    assert str(problem.value).startswith("photos holds no picture (1 file of other kinds left out: 1 .jxl; folders of")


def test_linked_folders_are_searched(tmp_path):
    made(tmp_path, "outside/a.jpg", "outside/sub/b.jpg")
    (tmp_path / "farm").mkdir()
    (tmp_path / "farm" / "link").symlink_to(tmp_path / "outside")
    assert find_images([tmp_path / "farm"]) == [tmp_path / "farm/link/a.jpg", tmp_path / "farm/link/sub/b.jpg"]


def test_loops_of_links_end_and_no_folder_is_searched_twice(tmp_path):
    (own, _, _) = made(tmp_path, "photos/z/a.jpg", "photos/z/deep/b.jpg", "beside/c.jpg")
    photos = tmp_path / "photos"
    for name, target in (("a-link", "z"), ("loop", "."), ("up", ".."), ("z/back", "../.."), ("beside", "../beside")):
        (photos / name).symlink_to((photos / name).parent / target)
    (tmp_path / "beside" / "again").symlink_to(photos)
    (photos / "broken").symlink_to(photos / "nowhere")
    assert find_images([photos]) == [photos / "beside/c.jpg", own, photos / "z/deep/b.jpg"]


def test_thumbnails_and_deleted_photos_of_programs_are_left_out(tmp_path):
    kept = made(
        tmp_path, "a.jpg", "resources/b.jpg", "thumbnails/c.jpg", "thumbs/t.jpg", "x.photoslibrary/originals/d.jpg"
    )  # names that photographers use too
    made(
        tmp_path,
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/e.jpg", "@Recycle/f.jpg", ".@__thumb/g.jpg", "#snapshot/h.jpg",
        ".thumbnails/i.jpg", ".dtrash/files/j.jpg", "$RECYCLE.BIN/k.jpg", "Previews.lrdata/l.jpg",
        "immich/thumbs/1/p.jpg", "immich/encoded-video/q.mp4", "appdata_oc1x2/preview/r.jpg",
        "x.photoslibrary/resources/derivatives/m.jpg", "__MACOSX/._n.jpg",
    )  # fmt: skip
    found = search(tmp_path)
    assert list(found.images) == sorted(kept)
    kinds, notice = found.notices()
    assert kinds == "1 file of other kinds left out: 1 .mp4"
    assert "thumbnails or deleted photos left out" in notice and "1 @eaDir" in notice
    assert find_images([tmp_path / "@eaDir"])  # unless it is asked for


@pytest.mark.usefixtures("locked_folder")
def test_folders_that_cannot_be_listed_are_named(tmp_path, caplog):
    kept, _ = made(tmp_path, "a.jpg", "locked/b.jpg")
    assert find_images([tmp_path]) == [kept]
    assert caplog.messages == [f"{tmp_path / 'locked'} cannot be listed: Permission denied"]
    with pytest.raises(ImageError, match="^locked cannot be listed: Permission denied"):
        find_images([tmp_path / "locked"])


@pytest.mark.parametrize("given", ['{}/sub"', '"{}/sub/c d.jpg"', "{}\\sub\\c d.jpg", "~/sub", "{}\\s*b\\*.jpg"])
def test_what_a_shell_leaves_in_a_path_is_taken_off(tmp_path, monkeypatch, given):
    monkeypatch.setenv("HOME", str(tmp_path))
    made(tmp_path, "sub/c d.jpg")
    assert find_images([given.format(tmp_path)]) == [tmp_path / "sub/c d.jpg"]
    (odd,) = made(tmp_path, '"a\\b.jpg"')
    assert find_images([odd]) == [odd]


def test_photos_that_are_still_in_icloud_are_counted(tmp_path):
    made(tmp_path, "a.jpg", ".b.heic.icloud", ".hidden")
    assert dict(search(tmp_path).left_out) == {".icloud": 1}


def test_a_pattern_of_any_depth_follows_no_loop(tmp_path):
    (deep, _, _) = made(tmp_path, "sub/deep/a.jpg", "sub/b.png", "c.jpg")
    for name in ("one", "two", "sub/three"):
        (tmp_path / name).symlink_to(tmp_path)
    assert find_images([tmp_path / "**" / "a.jpg"]) == [deep]
    assert find_images([tmp_path / "s*" / "**"]) == [tmp_path / "sub/b.png", deep]
    assert not list(search(tmp_path / "**" / "*.jpg").notices())


def test_a_pattern_stands_for_what_matches_it(tmp_path):
    a, b, c, odd, _ = made(tmp_path, "a.jpg", "b.jpg", "sub/c.jpg", "d[1].jpg", "notes.txt")
    assert find_images([tmp_path / "*.jpg"]) == [a, b, odd]
    assert find_images([tmp_path / "*"]) == [a, b, odd, c]
    assert find_images([tmp_path / "**" / "[bc].jpg"]) == [b, c]
    assert find_images([odd]) == [odd]
    with pytest.raises(ImageError, match=r"no picture matches \*\.webp: check the path"):
        find_images([tmp_path / "*.webp"])
