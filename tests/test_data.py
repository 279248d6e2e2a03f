"""Public files: found, downloaded, resumed and verified; a wrong file never passes."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import resource
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from helpers import DataUnavailable, data, store
from helpers.checks import UnknownName

CONTENT = bytes(range(256)) * 400
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
    hashlib.sha256(CONTENT).hexdigest().encode(), len(CONTENT),
)  # fmt: skip


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `files`, with ranges, and notes what was asked for."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012
    break_after: int | None = None
    pause: float = 0.0
    answer: tuple[int, dict[str, str], bytes] | None = None  # status, headers and body in place of the file

    def do_GET(self):
        self.asked.append((self.path, self.headers.get("Range")))
        content = self.files.get(self.path)
        if self.answer is not None:
            status, headers, body = self.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side may have heard enough
                self.wfile.write(body)
            self.close_connection = True
            return
        time.sleep(self.pause)
        if content is None:
            self.send_error(404)
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = len(content) if Server.break_after is None else start + Server.break_after
        self.wfile.write(content[start:end])
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local server in place of the publisher's, and an empty cache."""
    Server.files, Server.asked, Server.break_after, Server.pause, Server.answer = {}, [], None, 0.0, None
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{running.server_port}"
    monkeypatch.setattr(data.Entry, "url", property(lambda e: f"{base}/raw/{e.inner_path}"))
    monkeypatch.setattr(data.Entry, "large_file_url", property(lambda e: f"{base}/media/{e.inner_path}"))
    monkeypatch.setenv("AET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AET_DATA", raising=False)
    monkeypatch.setenv("AET_OFFLINE", "0")
    yield Server
    running.shutdown()
    running.server_close()


@pytest.fixture
def entry(monkeypatch):
    """One small file in the registry, known by its git blob id only."""
    made = data.Entry("set/folder/a.mat", "o/r", "c", len(CONTENT), blob(CONTENT), None, "Ta", "structure")
    monkeypatch.setattr(data, "registry", lambda: {made.path: made})
    return made


def test_download_once(server, entry):
    server.files["/raw/folder/a.mat"] = CONTENT
    path = data.fetch(entry.path, progress=False)
    assert path.read_bytes() == CONTENT
    assert data.is_local(entry.path)
    assert data.fetch(entry.path) == path
    assert len(server.asked) == 1
    assert [p.name for p in path.parent.iterdir()] == ["a.mat"]


def test_an_interrupted_download_is_taken_up_again(server, entry):
    server.files["/raw/folder/a.mat"] = CONTENT
    server.break_after = 50_000
    with pytest.raises(DataUnavailable, match="the download failed"):
        data.fetch(entry.path, progress=False)
    assert not data.is_local(entry.path)
    server.break_after = None
    assert data.fetch(entry.path, progress=False).read_bytes() == CONTENT
    assert server.asked[-1][1] == "bytes=49152-"  # three whole pieces of 16 KiB had come


def test_a_wrong_download_leaves_nothing(server, entry, tmp_path):
    server.files["/raw/folder/a.mat"] = CONTENT[::-1]
    with pytest.raises(ValueError, match="is not the published file .*nothing was kept"):
        data.fetch(entry.path, progress=False)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_large_files_behind_a_pointer(server, entry, monkeypatch):
    large = replace(entry, bytes=None, git_blob=blob(POINTER))
    monkeypatch.setattr(data, "registry", lambda: {large.path: large})
    server.files.update({"/raw/folder/a.mat": POINTER, "/media/folder/a.mat": CONTENT})
    path = data.fetch(large.path, progress=False)
    assert path.read_bytes() == CONTENT
    assert data.fetch(large.path) == path
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ValueError, match="is not the published file"):
        data.fetch(large.path)


def test_two_at_once_download_a_file_once(server, entry):
    server.files["/raw/folder/a.mat"] = CONTENT
    server.pause = 0.3
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: data.fetch(entry.path, progress=False), range(4)))
    (path,) = found
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 1
    assert [p.name for p in path.parent.iterdir()] == ["a.mat"]


GZIP = {"Content-Encoding": "gzip", "Content-Length": str(len(CONTENT))}


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, CONTENT + b"more"),
        (200, {"Content-Length": str(len(CONTENT) + 4)}, CONTENT + b"more"),
        (200, {}, CONTENT * 50),
        (200, {}, CONTENT[:-1]),
        (200, {"Content-Length": str(len(CONTENT))}, CONTENT[:-1]),
        (200, {}, b""),
        (200, {}, bytes([CONTENT[0] ^ 1]) + CONTENT[1:]),
        (200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"),
        (200, {}, POINTER),
        (200, GZIP, CONTENT),
        (206, {}, CONTENT[100:]),
        (206, {"Content-Range": "bytes 100-9/9"}, CONTENT[100:]),
        (204, {}, b""),
        (302, {"Location": "/nowhere"}, b""),
        (404, {}, CONTENT),
        (416, {}, CONTENT),
        (429, {}, CONTENT),
        (500, {}, CONTENT),
    ],
)
def test_no_bad_download_is_believed(server, entry, answer):
    server.answer = answer
    for _ in range(2):  # the second time with what the first has left
        with pytest.raises((DataUnavailable, ValueError), match=r"a\.mat"):
            data.fetch(entry.path, progress=False)
        assert not data.is_local(entry.path)
    server.answer, server.files["/raw/folder/a.mat"] = None, CONTENT
    with contextlib.suppress(ValueError):  # a wrong beginning is found out by the hash, once
        data.fetch(entry.path, progress=False)
    assert data.fetch(entry.path, progress=False).read_bytes() == CONTENT


def test_a_download_is_never_larger_than_what_was_published(server, entry, tmp_path):
    server.answer = (200, {}, CONTENT * 99)
    words = rf"a\.mat sends more than the {len(CONTENT)} bytes of the published file; nothing was kept"
    with pytest.raises(ValueError, match=words):
        data.fetch(entry.path, progress=False)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_neither_a_pointer_nor_its_file_is_larger_than_it_says(server, entry, monkeypatch):
    large = replace(entry, bytes=None, git_blob=blob(POINTER))
    monkeypatch.setattr(data, "registry", lambda: {large.path: large})
    server.files.update({"/raw/folder/a.mat": b"x" * 2000, "/media/folder/a.mat": CONTENT + b"more"})
    with pytest.raises(ValueError, match="sends more than the 1024 bytes"):
        data.fetch(large.path, progress=False)
    server.files["/raw/folder/a.mat"] = POINTER
    with pytest.raises(ValueError, match=f"sends more than the {len(CONTENT)} bytes"):
        data.fetch(large.path, progress=False)


def test_a_disk_that_fills_up_is_said_and_the_download_goes_on_later(server, entry):
    server.files["/raw/folder/a.mat"] = CONTENT
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(store.NoSpace, match=r"^a\.mat\.part needs [\d.]+ kB and cannot be written .*are left in"):
            data.fetch(entry.path, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert data.fetch(entry.path, progress=False).read_bytes() == CONTENT
    assert server.asked[-1][1] == "bytes=50000-"


def test_offline_names_file_address_and_way_out(entry, monkeypatch, tmp_path):
    monkeypatch.setenv("AET_CACHE", str(tmp_path))
    monkeypatch.delenv("AET_DATA", raising=False)
    with pytest.raises(DataUnavailable, match=r"a.mat .*AET_OFFLINE=1.*https://.*/a.mat.*AET_DATA=.*embedded sample"):
        data.fetch(entry.path)


def test_no_connection(entry, server):
    server.files.clear()
    with pytest.raises(DataUnavailable, match=r"the download failed \(HTTPError\)"):
        data.fetch(entry.path, progress=False)


def test_local_folder_comes_first_and_is_verified(server, entry, monkeypatch, tmp_path):
    local = tmp_path / "data" / entry.path
    local.parent.mkdir(parents=True)
    monkeypatch.setenv("AET_DATA", str(tmp_path / "data"))
    local.write_bytes(CONTENT)
    assert data.fetch(entry.path) == local
    local.write_bytes(CONTENT[:-5])
    with pytest.raises(ValueError, match=f"is truncated: {len(CONTENT) - 5} of {len(CONTENT)} bytes"):
        data.fetch(entry.path)
    local.write_bytes(CONTENT[::-1])
    with pytest.raises(ValueError, match="is not the published file .*delete it"):
        data.fetch(entry.path)
    monkeypatch.setenv("AET_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(NotADirectoryError, match="AET_DATA=.*is no folder"):
        data.fetch(entry.path)


def test_a_cache_that_cannot_be_written(server, entry, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AET_CACHE", str(tmp_path / "file" / "cache"))
    server.files["/raw/folder/a.mat"] = CONTENT
    with pytest.raises(DataUnavailable, match="cannot be written .*set AET_CACHE"):
        data.fetch(entry.path, progress=False)


def test_unknown_path():
    with pytest.raises(UnknownName, match="does not list .*did you mean aet/6_Final"):
        data.fetch("aet/6_Final_coordinates/Final_atomic_model_Ta_fil.mat")


def test_registry_is_whole():
    for known in data.registry().values():
        assert len(known.git_blob) == 40
        assert known.sha256 is None or len(known.sha256) == 64
        assert known.stage in store.STAGES


def test_a_potential_is_fetched_from_where_it_is_kept():
    entry = data.registry()["potentials/Ta_Li_2003.eam.alloy"]
    assert entry.url == "https://openkim.org/files/MO_103054252769_005/Ta_Li_2003.eam.alloy"
