"""A binary cache is a stranger: what it sends is checked, and a lie is one line and no image."""

import os

import pytest

from engines import registry
from engines.daemon import scratch
from laminix.caches.files import ServerFiles
from laminix.errors import LaminixError
from laminix.registry import connection
from laminix.registry.connection import Access, Connections
from laminix.store.nar import nar
from nar_words import archive, node, word, words
from registry_faults import Answer, scripted


@pytest.fixture
def cached(maker):
    """``cached(change)``: an image of two paths, and the error line after CHANGE did something to the cache."""
    paths = [maker.path(0, "good"), maker.path(1, "app")]
    image = maker.facts([paths])
    cache = maker.cache(*paths)
    data = b"".join(nar(str(paths[1])))
    maker.forget(*paths)

    def refusal(change):
        change(cache, paths[1], data)
        [line] = maker.refused(image, "--from", cache.url)
        return line

    return refusal


def lie(**how):
    """A cache whose narinfo has other fields."""
    return lambda cache, path, data: cache.add_nar(path, data, **how)


def serve(other: bytes, compression: str = "none"):
    """A cache with another NAR, of which its narinfo says the truth."""
    return lambda cache, path, _: cache.add_nar(path, other, compression)


def keep(count: int, compression: str, **how):
    """A cache whose file has its first COUNT bytes only."""

    def change(cache, path, data):
        file = cache.add_nar(path, data, compression, **how)
        file.write_bytes(file.read_bytes()[:count])

    return change


def entry(name: str) -> bytes:
    return words("entry", "(", "name", name, "node") + node(b"") + word(")")


def directory(*names: str) -> bytes:
    return archive(words("(", "type", "directory") + b"".join(map(entry, names)) + word(")"))


ZEROS = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    "change, why",
    [
        (lie(NarHash=ZEROS, FileHash=None), "hash of the NAR is sha256:"),
        (lie(FileHash=ZEROS), "hash of the compressed NAR is sha256:"),
        (lie(NarSize="1000"), "NAR has more than the 1000 bytes that the narinfo says"),
        (lie(NarSize="100000"), "bytes, the narinfo says 100000"),
        (lie(FileSize="1000", compression="xz", FileHash=ZEROS), "bytes, the narinfo says 1000"),
        (lie(StorePath="/nix/store/00000000000000000000000000000000-other"), "StorePath: found"),
        (lie(URL="../../../etc/passwd"), "URL: found '../../../etc/passwd', expected a path within the cache"),
        (lie(URL="/etc/passwd"), "URL: found '/etc/passwd'"),
        (lie(URL="nar/%2e%2e/%2e%2e/x"), "URL: found"),
        (lie(URL="http://127.0.0.1:1/x.nar"), "URL: found"),
        (lie(URL="nar/absent.nar"), "cache request failed: No such file or directory"),
        (lie(NarSize="9" * 30), "NarSize: found"),
        (lie(NarSize=str((256 << 30) + 1)), "NarSize: found"),
        (lie(NarHash="md5:" + "0" * 32), "NarHash: found"),
        (lie(NarHash=None), "it has no NarHash"),
        (lie(Compression="br"), "Compression: found 'br', expected none, xz"),
        (serve(archive(node({"other": b"nar"}))), "its digest is sha256:"),
        (serve(directory("..")), "name '..' is not the name"),
        (serve(directory("b", "a")), "expected names in byte order"),
        (serve(directory("a", "a")), "is there twice"),
        (serve(directory("README~nix~case~hack~1")), "ignores case"),
        (serve(archive(words("(", "type", "regular", "contents") + b"\xff" * 8)), "bytes, but at most 0 are left"),
        (serve(b"<html>Sign in</html>"), "keyword has"),
        (serve(b"", "gzip"), "ends early"),
        (keep(1000, "none"), "NAR has 1000 bytes, the narinfo says"),
        (keep(100, "xz"), "compressed NAR has 100 bytes, the narinfo says"),
        (keep(0, "xz"), "compressed NAR has 0 bytes, the narinfo says"),
        *((keep(100, name, FileHash=None, FileSize=None), "is truncated") for name in ("xz", "bzip2", "gzip")),
        (lambda cache, path, _: cache.narinfo(path).write_text("<html>\n"), "expected KEY: VALUE"),
        (lambda cache, path, _: cache.narinfo(path).write_bytes(bytes(5 << 20)), "more than 4194304 bytes"),
        (lambda cache, path, _: (cache.narinfo(path).unlink(), os.mkfifo(cache.narinfo(path))), "found a FIFO"),
    ],
)
def test_a_cache_that_lies(cached, change, why):
    assert why in cached(change)


def test_one_path_of_a_hundred_is_absent(maker):
    paths = [maker.path(number, f"path-{number}") for number in range(100)]
    image = maker.facts([paths[at : at + 10] for at in range(0, 100, 10)])
    cache = maker.cache(*paths, compression="none")
    cache.narinfo(paths[57]).unlink()
    maker.forget(*paths)
    [line] = maker.refused(image, "--from", cache.url)
    assert line == f"missing store path: it is neither on this machine nor in {cache.url} ({paths[57]})"


def test_a_registry_keeps_nothing_of_a_cache_that_lies(maker, builder, need):
    need("docker-registry", root=True)
    paths = [maker.path(0, "good"), maker.path(1, "app")]
    image = maker.facts([[path] for path in paths])
    cache = maker.cache(*paths, compression="none")
    [file] = cache.nars(paths[1:])
    file.write_bytes(file.read_bytes().replace(b"appapp", b"badbad"))
    maker.forget(*paths)
    with scratch() as place, registry.serve(place) as hub:
        done = builder("push-image", image, f"docker://{hub.host}/app", "--from", cache.url)
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert "push-image: error: bad NAR: hash of the NAR is" in line
        assert not [request for request in hub.requests() if request.method == "PUT" and "/manifests/" in request.path]
        assert len(hub.uploads()) <= 2  # the config and the other layer


def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr(connection, "TIMEOUT", 0.05)
    monkeypatch.setattr(connection, "BACKOFF", 0.01)

    def answer(asked):
        if asked.path == "/quick":
            return Answer(200, iter([b"some", *([b""] * 3)]), {"Content-Length": "1000"})
        import time

        time.sleep(0.3)
        return Answer(200, b"late")

    with scripted(answer) as server:
        files = ServerFiles(f"http://{server.host}", Connections(Access({})))
        with pytest.raises(LaminixError, match="cache request failed: timed out"):
            files.read("slow.narinfo")
        with pytest.raises(LaminixError, match="cache request failed: .* after 4 of 1000 bytes"):
            b"".join(files.chunks("quick", 1000))


@pytest.mark.parametrize(
    "address, why",
    [
        ("http://example.org", "plain HTTP is for loopback only; write https://"),
        ("ssh://example.org", "expected file://DIR"),
        ("https://example.org?priority=10", "found settings or a user in the address"),
        ("https://user:secret@example.org", "found settings or a user in the address"),
        ("https://[", "bad --from"),
        ("/nonexistent", "no such directory"),
    ],
)
def test_an_address_that_is_no_cache(maker, builder, address, why):
    image = maker.facts([[maker.path(0, "app")]])
    done = builder("pack-image", image, "--format", "docker-archive", "--out", maker.directory / "x", "--from", address)
    assert done.returncode == 2 and why in done.stderr and len(done.stderr.splitlines()) == 1


def test_directories_that_are_no_cache(maker):
    image = maker.facts([[maker.path(0, "app")]])
    cache = maker.cache()
    [line] = maker.refused(image, "--from", f"file://{maker.store}")
    assert line.startswith("bad cache: not a binary cache: it has no nix-cache-info")
