"""A watch gives each photo once, when it is whole, and ends."""

import os

from ram.library.watching import new_photos


def watched(folder, steps, is_done=lambda photo: False, rounds=None):
    """Photos of each round that has some; a step happens before each look."""
    coming = iter(steps)
    found = new_photos([folder], is_done, 9, rounds or len(steps), lambda seconds: next(coming, lambda: None)())
    return [[photo.name for photo in photos] for photos in found]


def write(path, content):
    def step():
        path.write_bytes(content)
        os.utime(path, ns=(0, len(content)))

    return step


def nothing(): ...


def test_a_photo_comes_once_when_it_no_longer_grows(tmp_path):
    (tmp_path / "notes.txt").touch()
    a, b = tmp_path / "a.jpg", tmp_path / "b.jpg"
    steps = [write(a, b"1"), write(a, b"12"), nothing, write(b, b"1"), nothing, nothing]
    assert watched(tmp_path, steps) == [["a.jpg"], ["b.jpg"]]


def test_photos_that_are_done_do_not_come(tmp_path):
    steps = [write(tmp_path / "a.jpg", b"1"), write(tmp_path / "b.jpg", b"1"), nothing, nothing]
    assert watched(tmp_path, steps, lambda photo: photo.name == "a.jpg") == [["b.jpg"]]


def test_a_photo_that_failed_comes_again_when_it_changes(tmp_path):
    a = tmp_path / "a.jpg"
    assert watched(tmp_path, [write(a, b"1"), nothing, nothing, write(a, b"12"), nothing]) == [["a.jpg"]] * 2


def test_a_folder_may_be_empty_gone_or_come_back(tmp_path):
    folder = tmp_path / "card"
    steps = [nothing, folder.mkdir, write(folder / "a.jpg", b"1"), nothing, nothing]
    assert watched(folder, steps) == [["a.jpg"]]


def test_a_watch_ends_after_its_rounds_and_on_ctrl_c(tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    assert watched(tmp_path, [], rounds=3) == []
    assert watched(tmp_path, [interrupt], rounds=10**6) == []
