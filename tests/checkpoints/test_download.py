"""Files of the hub: fetched once, resumed, checked, and refused in one sentence."""

import dataclasses
import hashlib

import pytest
from huggingface_hub.utils import close_session

from ram.checkpoints.download import fetch, fetch_text, find_cached
from ram.checkpoints.registry import HubFile
from ram.errors import DownloadError
from tests.hub_server import FILE, PATH, serving

pytestmark = pytest.mark.slow


def test_a_file_is_fetched_whole_and_only_once(hub, tmp_path):
    seen = []
    file = fetch(FILE, tmp_path, lambda *now: seen.append(now))
    assert file.name == "weights.pth" and file.read_bytes() == hub.files[PATH]
    assert ("fetching weights.pth (MB)", 10, 10) in seen
    hub.asked.clear()
    assert fetch(FILE, tmp_path) == file
    assert [method for method, *_ in hub.asked] == ["HEAD"]


def test_a_broken_download_is_resumed_by_another_run(hub, tmp_path):
    hub.breaks = [3_000_000]
    with pytest.raises(DownloadError, match="127.0.0.1 answers 503 to .*: try again later, or download weights.pth"):
        fetch(FILE, tmp_path)
    (partial,) = tmp_path.glob("*.part")
    assert 0 < partial.stat().st_size <= 3_000_000
    hub.down, size = False, partial.stat().st_size
    hub.asked.clear()
    assert fetch(FILE, tmp_path).read_bytes() == hub.files[PATH]
    assert hub.asked[-1] == ("GET", PATH, f"bytes={size}-")


def test_what_the_hub_did_not_announce_is_thrown_away(hub, tmp_path):
    hub.digests[PATH] = "0" * 64
    with pytest.raises(DownloadError, match="weights.pth arrived with another digest .*: fetch it again"):
        fetch(FILE, tmp_path)
    assert not list(tmp_path.rglob("*.p*"))


def test_a_file_with_another_digest_than_pinned_is_refused(hub, tmp_path):
    published = dataclasses.replace(FILE, sha256=hashlib.sha256(hub.files[PATH]).hexdigest())
    assert fetch(published, tmp_path / "a").read_bytes() == hub.files[PATH]
    hub.files[PATH] = hub.files[PATH][::-1]
    hub.asked.clear()
    with pytest.raises(DownloadError, match="127.0.0.1 has another weights.pth than was published, of .*HF_ENDPOINT"):
        fetch(published, tmp_path / "b")
    assert [method for method, *_ in hub.asked] == ["HEAD"]
    hub.digests[PATH] = published.sha256  # what it announces is not what it sends
    with pytest.raises(DownloadError, match="weights.pth arrived with another digest .*: fetch it again"):
        fetch(published, tmp_path / "b")
    assert not list((tmp_path / "b").rglob("*.p*"))


def test_a_cached_file_with_another_digest_is_ignored(tmp_path, monkeypatch):
    (tmp_path / "weights.pth").write_bytes(b"weights")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *names, **kind: str(tmp_path / "weights.pth"))
    published = dataclasses.replace(FILE, sha256=hashlib.sha256(b"weights").hexdigest())
    assert find_cached(FILE) == find_cached(published) == tmp_path / "weights.pth"
    (tmp_path / "weights.pth").write_bytes(b"other")
    assert find_cached(FILE) == tmp_path / "weights.pth" and find_cached(published) is None


def test_a_file_that_cannot_be_checked_is_not_fetched(hub, tmp_path):
    hub.digests[PATH] = "soft"
    with pytest.raises(DownloadError, match="announces no size or digest of weights.pth"):
        fetch(FILE, tmp_path)
    assert [method for method, *_ in hub.asked] == ["HEAD"]


def test_a_file_that_is_not_there_and_a_lack_of_space_are_named(hub, tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match="127.0.0.1 answers 404 to .*/other.pth"):
        fetch(HubFile("someone/some-model", "other.pth"), tmp_path)
    monkeypatch.setattr("ram.checkpoints.download.shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**6}))
    with pytest.raises(DownloadError, match="weights.pth needs 0.0 GB more but 0.0 GB are free: make room"):
        fetch(FILE, tmp_path)


def test_no_network_and_offline_mode_give_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match="weights.pth is not here and HF_HUB_OFFLINE forbids fetching it: unset it"):
        fetch(FILE, tmp_path)
    with serving({}) as hub:
        pass
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    with pytest.raises(DownloadError, match=r"list.txt could not be fetched from 127.0.0.1 \(ConnectError\): connect"):
        fetch_text(f"{hub.url}/list.txt")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("HTTP_PROXY", "http://127.0.0.1:9", "of HTTP_PROXY. .*: connect to the network"),
        ("ALL_PROXY", "socks://127.0.0.1:9", "of ALL_PROXY. .*: unset ALL_PROXY or name a proxy"),
    ],
)
def test_a_proxy_in_the_way_of_a_download_is_named(variable, value, sentence, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setenv(variable, value)
    close_session()  # the hub's client reads the proxies once
    try:
        with pytest.raises(DownloadError, match=f"from host.example .through the proxy {sentence}"):
            fetch_text("http://host.example/list.txt")
    finally:
        close_session()


def test_a_text_that_is_too_long_or_no_text_is_refused(hub):
    hub.files |= {"/long": b"x" * 100, "/binary": b"\xff\xfe\x00"}
    with pytest.raises(DownloadError, match="more than 99 bytes arrived"):
        fetch_text(f"{hub.url}/long", most=99)
    with pytest.raises(DownloadError, match="is no UTF-8 text"):
        fetch_text(f"{hub.url}/binary")
