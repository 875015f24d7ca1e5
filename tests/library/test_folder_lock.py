"""A run on a folder is refused while another one writes to it, above it, or below it."""

import os

import pytest

from ram.errors import InputError
from ram.library.folder_lock import locked, locked_alone

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "photos/trip/day").mkdir(parents=True)
    (tmp_path / "photos/home").mkdir()
    (tmp_path / "photos/trip/1.jpg").touch()
    return tmp_path / "photos"


def is_refused(*paths):
    try:
        with locked(paths):
            return False
    except InputError as error:
        assert "another run writes tags in" in str(error) and str(error).endswith(": wait for it")
        return True


def test_folders_above_and_below_are_refused(photos):
    with locked([photos / "trip"]):
        assert is_refused(photos) and is_refused(photos.parent)
        assert is_refused(photos / "trip/day") and is_refused(photos / "trip/1.jpg") and is_refused(photos / "trip")
        assert is_refused(photos / "*/1.jpg") and is_refused(photos / "**/*.jpg")
        assert not is_refused(photos / "home")
        with locked([photos / "home"]):
            assert is_refused(photos) and is_refused(photos / "home")
    assert not is_refused(photos) and not is_refused(photos / "trip/day")
    assert sorted(os.listdir(photos)) == ["home", "trip"]


def test_a_link_to_a_folder_is_that_folder(photos):
    (photos.parent / "link").symlink_to(photos / "trip", target_is_directory=True)
    with locked([photos]):
        assert is_refused(photos.parent / "link")
    with locked([photos.parent / "link"]):
        assert is_refused(photos)


def test_a_run_may_name_a_folder_and_those_in_it(photos):
    with locked([photos, photos / "trip", photos / "trip/1.jpg", photos / "trip/day"]):
        assert is_refused(photos / "home")


def test_a_folder_above_that_cannot_be_listed_is_no_hindrance(photos, monkeypatch):
    opened = os.open

    def refuse(path, *flags):
        if path == photos.parent.resolve():
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *flags)

    monkeypatch.setattr(os, "open", refuse)
    with locked([photos / "trip"]):
        assert is_refused(photos)


def test_a_library_is_written_beside_a_run_on_its_photos(photos):
    (photos / ".ram").mkdir()
    with locked([photos]), locked_alone(photos / ".ram"):
        with pytest.raises(InputError, match="another run writes tags in"), locked_alone(photos / ".ram"):
            pass
