"""`--library FOLDER` adds the page that searches a folder."""

from types import SimpleNamespace

import pytest

from demo.flags import parser
from demo.launch import _library_routes
from ram.errors import InputError
from tests.library.test_photo_library import folder, library, tagger  # noqa: F401


def test_a_folder_with_looks_is_searched(library, folder, tagger):  # noqa: F811
    flags = parser({}).parse_args(["--library", str(folder)])
    routes = _library_routes(SimpleNamespace(taggers=[tagger]), flags.library)
    assert "/library" in {route.path for route in routes}
    assert parser({}).parse_args([]).library is None


def test_a_folder_without_looks_is_one_sentence(folder, tagger):  # noqa: F811
    with pytest.raises(InputError, match="run `ram library add` first"):
        _library_routes(SimpleNamespace(taggers=[tagger]), str(folder))
    with pytest.raises(InputError, match="needs a model on this machine"):
        _library_routes(SimpleNamespace(taggers=[object()]), str(folder))
