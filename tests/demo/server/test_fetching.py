"""Photos by address come from public hosts only, within limits; no test reaches a network."""

import http.client
from hashlib import sha256

import pytest

from demo.server import fetching
from demo.server.fetching import MAX_REDIRECTS, SECONDS, fetch_photo, is_public
from ram.errors import InputError
from ram.images.size_limits import UPLOADS

PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.7"


class FakeAnswer:
    """An answer with these headers and chunks; notes whether it was closed."""

    def __init__(self, status=200, chunks=(b"photo",), after=lambda: None, **headers):
        self.status, self.headers, self.closed = status, {"Content_Type": "image/jpeg", **headers}, False
        self._chunks, self._after = list(chunks), after

    def getheader(self, name, default=""):
        return self.headers.get(name.replace("-", "_"), default)

    def read(self, amount):
        self._after()
        return self._chunks.pop(0) if self._chunks else b""

    def close(self):
        self.closed = True


class FakeWeb:
    """Hosts with their addresses, and answers by host and path; notes what was asked."""

    def __init__(self, answers, hosts=None):
        self.answers, self.hosts, self.asked = answers, hosts or {}, []

    def resolve(self, host):
        found = self.hosts.get(host, [PUBLIC])
        if not found:
            raise OSError("no such host")
        return found

    def ask(self, host, address, target, seconds):
        self.asked.append((host, address, target))
        assert 0 < seconds <= SECONDS
        answer = self.answers[host + target]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, address, folder, **options):
        return fetch_photo(address, folder, self.resolve, self.ask, **options)


def test_a_photo_is_put_among_the_uploads(tmp_path):
    answer = FakeAnswer(chunks=[b"pho", b"to"])
    web = FakeWeb({"a.example/b/c%20d.jpg?x=1": answer})
    path = web.fetch("  https://a.example/b/c%20d.jpg?x=1#top ", tmp_path)
    assert path == tmp_path / sha256(b"photo").hexdigest() / "c d.jpg" and path.read_bytes() == b"photo"
    assert web.asked == [("a.example", PUBLIC, "/b/c%20d.jpg?x=1")] and answer.closed


@pytest.mark.parametrize(
    "address",
    [
        "http://a.example/x.jpg", "ftp://a.example/x", "file:///etc/passwd", "a.example/x.jpg", "https:///x.jpg",
        "https://user:word@a.example/x.jpg", "https://a.example:8443/x.jpg", "https://a.example:x/", "data:image/png,x",
        "https://a.example/x y.jpg", "https://a.example/\r\nHost:b", f"https://a.example/{'x' * 2000}", "https://[::1",
    ],
)  # fmt: skip
def test_only_plain_https_addresses_are_used(address, tmp_path):
    web = FakeWeb({})
    with pytest.raises(InputError, match="begins with https://"):
        web.fetch(address, tmp_path)
    assert web.asked == []


def test_nothing_typed_is_told(tmp_path):
    with pytest.raises(InputError, match="no address was given"):
        FakeWeb({}).fetch("  ", tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.7", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.7", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "ff02::1", "not an address",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address, tmp_path):
    assert not is_public(address)
    web = FakeWeb({"a.example/x.jpg": FakeAnswer()}, {"a.example": [PUBLIC, address]})  # one of them is enough
    with pytest.raises(InputError, match="not a public one"):
        web.fetch("https://a.example/x.jpg", tmp_path)
    assert web.asked == [] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_allowed(address):
    assert is_public(address)


def test_a_host_is_resolved_once_and_asked_at_that_address(tmp_path):
    answers = iter([[PUBLIC], [PRIVATE]])  # a name server that changes its mind
    web = FakeWeb({"a.example/x.jpg": FakeAnswer()})
    fetch_photo("https://a.example/x.jpg", tmp_path, lambda _: next(answers), web.ask)
    assert web.asked == [("a.example", PUBLIC, "/x.jpg")]


REDIRECTS = ["https://inner.example/x", "http://b.example/x", "https://127.0.0.1/x", "//[::1]/x"]


@pytest.mark.parametrize("location", REDIRECTS)
def test_a_redirect_to_another_place_is_checked_too(location, tmp_path):
    hosts = {"inner.example": [PRIVATE], "127.0.0.1": ["127.0.0.1"], "::1": ["::1"]}
    web = FakeWeb({"a.example/x.jpg": FakeAnswer(302, Location=location)}, hosts)
    with pytest.raises(InputError, match="not a public one|begins with https://"):
        web.fetch("https://a.example/x.jpg", tmp_path)
    assert len(web.asked) == 1


def test_redirects_are_followed_a_few_times(tmp_path):
    web = FakeWeb({"a.example/x": FakeAnswer(301, Location="/y.jpg"), "a.example/y.jpg": FakeAnswer()})
    assert web.fetch("https://a.example/x", tmp_path).name == "y.jpg"
    round_trip = FakeWeb({"a.example/x": FakeAnswer(302, Location="/x")})
    with pytest.raises(InputError, match="cannot be fetched from a.example"):
        round_trip.fetch("https://a.example/x", tmp_path)
    assert len(round_trip.asked) == MAX_REDIRECTS + 1


TOO_MUCH = [b"x" * 1_000_000] * (UPLOADS.file // 1_000_000 + 1)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (FakeAnswer(Content_Type="text/html; charset=utf-8"), "answers with a text/html"),
        (FakeAnswer(Content_Type=""), "answers with a file of no kind"),
        (FakeAnswer(Content_Length=str(UPLOADS.file + 1)), "over 20 MB"),
        (FakeAnswer(chunks=TOO_MUCH, Content_Length="5"), "over 20 MB"),
        (FakeAnswer(404), "cannot be fetched from a.example"),
        (ConnectionRefusedError(), "cannot be fetched from a.example"),
        (http.client.BadStatusLine("x"), "cannot be fetched from a.example"),
        (TimeoutError(), "a.example is too slow"),
    ],
)
def test_answers_that_are_no_photo_get_a_sentence(answer, told, tmp_path):
    with pytest.raises(InputError, match=told):
        FakeWeb({"a.example/x.jpg": answer}).fetch("https://a.example/x.jpg", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_slow_drip_ends_at_the_time_limit(tmp_path):
    now = [0.0]

    def pass_time():
        now[0] += 4

    web = FakeWeb({"a.example/x.jpg": FakeAnswer(chunks=[b"x"] * 100, after=pass_time)})
    with pytest.raises(InputError, match="too slow"):
        web.fetch("https://a.example/x.jpg", tmp_path, clock=lambda: now[0])
    assert now[0] <= SECONDS + 4


def test_an_unknown_host_gets_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"cannot be fetched from none.example"):
        FakeWeb({}, {"none.example": []}).fetch("https://none.example/x.jpg", tmp_path)


@pytest.mark.parametrize("path", ["/..%2f..%2fetc%2fpasswd", "/%00x", "/..", "/a%5cb.jpg", "/"])
def test_a_name_stays_in_its_folder(path, tmp_path):
    web = FakeWeb({f"a.example{path}": FakeAnswer()})
    found = web.fetch(f"https://a.example{path}", tmp_path)
    assert found.parent == tmp_path / sha256(b"photo").hexdigest() and found.is_file() and "\\" not in found.name


def test_the_connection_goes_to_the_checked_address(monkeypatch):
    reached = []

    def connect(address, timeout):
        reached.append((address, timeout))
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", connect)
    with pytest.raises(ConnectionRefusedError):
        fetching._ask("a.example", PUBLIC, "/x.jpg", 2.0)
    assert reached == [((PUBLIC, 443), 2.0)]
