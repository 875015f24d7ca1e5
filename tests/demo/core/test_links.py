"""A view survives a link; invalid values of a link are named in sentences."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from demo.core.links import Host, View, read_link

HASH = "ab" * 32


@pytest.fixture
def host(tmp_path):
    uploads = tmp_path / "uploads"
    (uploads / HASH).mkdir(parents=True)
    (uploads / HASH / "my photo & me.jpg").write_bytes(b"photo")
    (uploads / "vibe").mkdir()
    (uploads / "vibe" / "state.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("secret")
    return Host({"dogs.jpg", "cat.jpg"}, {"lexicon", "template"}, "plus", {"dog", "sea"}, uploads)


def query(link):
    return dict(parse_qsl(urlsplit(f"http://host/?{link}").query))


@pytest.mark.parametrize("categories", ["corgi, meteor shower", "Crème brûlée, 雪", "salt & pepper, black-tie", ""])
def test_a_link_keeps_example_and_categories(host, tmp_path, categories):
    view = host.view_of(tmp_path / "examples" / "dogs.jpg", categories, "template")
    assert (view.photo, view.upload) == ("dogs.jpg", "")
    assert read_link(query(view.query()), host) == (view, [])


def test_a_link_keeps_selected_tag_and_meanings(host, tmp_path):
    photo = tmp_path / "examples" / "dogs.jpg"
    for tag in ("sea", "kite"):
        view = host.view_of(photo, "kite, crane, bee", "lexicon", tag, {"kite": "bird", "crane": "lifting device"})
        assert read_link(query(view.query()), host) == (view, [])
        assert (view.tag, view.chosen_meanings()) == (tag, {"kite": "bird", "crane": "lifting device"})


def test_unknown_meanings_and_tags_of_a_link_are_ignored(host):
    told = {"categories": "kite", "meanings": "kite:bird;spade:tool;;:;x", "tag": "<b>unknown"}
    view, (notice,) = read_link(told, host)
    assert (view.categories, view.chosen_meanings(), view.tag) == ("kite", {"kite": "bird"}, "")
    assert "not known" in notice and "<b>" not in notice


def test_a_link_finds_an_upload_until_it_is_deleted(host):
    path = host.uploads / HASH / "my photo & me.jpg"
    view = host.view_of(path, "corgi", "lexicon")
    again, notices = read_link(query(view.query()), host)
    assert (host.upload(again), notices) == (path, [])
    path.unlink()
    again, (notice,) = read_link(query(view.query()), host)
    assert (again.upload, host.upload(again), again.categories) == ("", None, "corgi")
    assert "no longer kept" in notice


@pytest.mark.parametrize(
    "upload",
    [
        "../secret.txt", "/etc/passwd", f"{HASH}/../../secret.txt", f"{HASH}/", f"{HASH}", "vibe/state.json",
        f"{HASH}/..%2f..%2fsecret.txt", f"{HASH}\\my photo & me.jpg", "x" * 100_000, f"{HASH}/a\0.jpg",
    ],
)  # fmt: skip
def test_no_other_file_can_be_named_by_a_link(host, upload):
    view, notices = read_link({"upload": upload}, host)
    assert view.upload == "" and host.upload(view) is None and len(notices) == 1
    assert host.upload(View(upload=upload)) is None


def test_symbolic_links_out_of_the_uploads_are_refused(host, tmp_path):
    (host.uploads / HASH / "link.jpg").symlink_to(tmp_path / "secret.txt")
    assert host.upload(View(upload=f"{HASH}/link.jpg")) is None


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"photo": "../../etc/passwd"}, "not on this page"),
        ({"photo": "<script>"}, "not on this page"),
        ({"categories": "x" * 61}, "cannot be used"),
        ({"categories": ",".join(map(str, range(30)))}, "cannot be used"),
        ({"model": "another"}, "another model"),
    ],
)
def test_invalid_values_of_a_link_are_named_the_rest_shows(host, told, sentence):
    view, (notice,) = read_link({"describer": "template", **told}, host)
    assert sentence in notice and "script" not in notice and "passwd" not in notice
    assert view == View(describer="template", model="plus")


def test_an_unknown_describer_of_a_link_is_ignored(host):
    assert read_link({"describer": "openai'; drop"}, host) == (View(model="plus"), [])
    assert read_link({}, host) == (View(model="plus"), [])
    assert View().query() == ""
