"""push-image resumes an upload of which the registry has kept the first bytes.

docker-registry gives up an upload whose connection is lost, so the registry here is one of the tests' own.
"""

import contextlib
import hashlib
import http.server
import os
import random
import urllib.parse

import pytest

from image_maker import ImageMaker
from layer_files import store_path
from registry_faults import serving

PIECE = 300_000  # bytes that pass before a connection is cut
NOISE = random.Random(1).randbytes(2_000_000)


class Keeping(http.server.BaseHTTPRequestHandler):
    """An empty registry that keeps what has arrived of an upload. The first ``server.cuts`` uploads are cut off."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._say(404)

    def do_GET(self) -> None:
        if "/uploads/" not in self.path:
            self._say(404)
            return
        kept = self.server.uploads[self._upload()]
        self._say(204, {"Location": self.path, "Range": f"0-{len(kept) - 1}"})

    def do_POST(self) -> None:
        self.server.uploads.append(bytearray())
        self._say(202, {"Location": f"/v2/x/blobs/uploads/{len(self.server.uploads) - 1}"})

    def do_PATCH(self) -> None:
        if self._receives(self.server.uploads[self._upload()]):
            self._say(202, {"Location": self.path})

    def do_PUT(self) -> None:
        if "/manifests/" in self.path:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say(201)
            return
        kept = self.server.uploads[self._upload()]
        if not self._receives(kept):
            return
        wanted = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["digest"][0]
        if wanted != f"sha256:{hashlib.sha256(kept).hexdigest()}":
            self._say(400, body=b'{"errors":[{"code":"DIGEST_INVALID","message":"another digest"}]}')
            return
        self.server.blobs.append(bytes(kept))
        self._say(201)

    def _upload(self) -> int:
        return int(urllib.parse.urlsplit(self.path).path.rpartition("/")[2])

    def _receives(self, kept: bytearray) -> bool:
        """Append the body to KEPT. Whether all of it came: else the connection is cut."""
        before, is_large = len(kept), False
        for piece in self._pieces():
            kept += piece
            self.server.received += len(piece)
            is_large = len(kept) - before > PIECE
            if is_large and self.server.cuts:
                self.server.cuts -= 1
                self.server.spoil(kept)
                self.close_connection = True
                return False
        return True

    def _pieces(self):
        if "Content-Length" in self.headers:
            left = int(self.headers["Content-Length"])
            while left:
                piece = self.rfile.read(min(left, 65536))
                left -= len(piece)
                yield piece
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _say(self, status: int, headers: dict[str, str] = {}, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def keeping(cuts: int, spoil=lambda kept: None) -> contextlib.AbstractContextManager:
    """A registry that cuts CUTS uploads and does SPOIL to what it has kept of them."""
    return serving(Keeping, uploads=[], blobs=[], received=0, cuts=cuts, spoil=spoil)


@pytest.fixture(params=("compressed on the way", "made from its recipe", "as it is stored"))
def pushed(request, builder, tmp_path):
    """``pushed(hub)`` pushes an image with a layer of that kind, and returns what push-image prints."""
    maker = ImageMaker(builder, tmp_path)
    path = store_path(tmp_path / "nix/store", "noise", "")
    path.write_bytes(NOISE + bytes(8_000_000))
    recipe = ("--no-blob",) if request.param == "made from its recipe" else ()
    compressed = ("--compressor", "gzip") if request.param == "as it is stored" else ()
    layer = maker.build("layer", "mk-layer", "--store-path", path, *recipe, *compressed)
    image = maker.image("x", {}, layer)

    def push(hub, *options) -> str:
        environment = {**os.environ, "NIX_STORE": str(path.parent)}
        done = builder("push-image", image, f"docker://{hub.host}/x", *options, env=environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return push


def size_sent(printed: str, hub) -> int:
    assert ": sent 2 (" in printed and len(hub.blobs) == 2
    return sum(map(len, hub.blobs))


@pytest.mark.parametrize("cuts", (0, 1, 3))
def test_what_has_arrived_is_not_sent_again(pushed, cuts):
    with keeping(cuts) as hub:
        sent = size_sent(pushed(hub), hub)
        assert (hub.cuts, len(hub.uploads)) == (0, 2)  # a config and a layer
    assert sent > len(NOISE) and hub.received == sent


def test_push_of_all_resumes_too(pushed):
    with keeping(2) as hub:
        sent = size_sent(pushed(hub, "--all"), hub)
        assert (hub.cuts, len(hub.uploads), hub.received) == (0, 2, sent)


def test_other_bytes_at_the_registry_make_it_begin_anew(pushed):
    def spoil(kept: bytearray) -> None:
        kept[1000] ^= 1

    with keeping(1, spoil) as hub:
        sent = size_sent(pushed(hub), hub)
        assert len(hub.uploads) == 3 and hub.received > sent


def test_an_upload_that_was_given_up_begins_anew(pushed):
    with keeping(1, bytearray.clear) as hub:
        sent = size_sent(pushed(hub), hub)
        assert len(hub.uploads) == 3 and hub.received > sent
