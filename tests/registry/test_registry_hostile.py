"""What a hostile registry can answer: it costs an error of one line, no memory, and no secret."""

import base64
import email.message
import itertools
import json
import os

import pytest

from file_trees import tar
from image_forms import Image, digest, gzipped, oci_image
from laminix.errors import LaminixError
from laminix.registry.address import parse_address
from laminix.registry.authentication import Authenticator, Challenge, parse_challenges
from laminix.registry.client import connect
from laminix.registry.connection import Access, Connections, origin, redirected
from registry_faults import Answer, scripted

IMAGE = Image((tar({"a": b"x" * 300_000}), tar({"b": b"2"})), name="story", tag="v1")
DESCRIPTOR, BLOBS = oci_image(IMAGE, gzipped)
MANIFEST = BLOBS[f"blobs/sha256/{DESCRIPTOR['digest'][7:]}"]
LAYER = json.loads(MANIFEST)["layers"][0]["digest"]
SECRET = "Basic " + base64.b64encode(b"me:secret").decode()
MIB = bytes(1 << 20)


class Registry:
    """Answers as a good registry does, but for what CHANGED says; sees credentials if it is LOCKED."""

    def __init__(self, changed=None, locked=False):
        self.changed = changed or {}
        self.locked = locked

    def __call__(self, asked):
        if self.locked and asked.headers.get("Authorization") != SECRET:
            return Answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="tests"'})
        reference = asked.path.rpartition("/")[2]
        for key, answer in self.changed.items():
            if key in asked.path:
                return answer(asked) if callable(answer) else answer
        data = MANIFEST if "/manifests/" in asked.path else BLOBS.get(f"blobs/{reference.replace(':', '/')}")
        if data is None:
            return Answer(404, b"{}")
        return Answer(200, data, {"Content-Type": DESCRIPTOR["mediaType"]})


@pytest.fixture
def run(builder, tmp_path):
    """``run(host, builder, …)``: the ended process of a builder that reads story:v1 there, as a user with a secret."""

    def start(host, name="list-layers", *argv, image="story:v1"):
        document = {"auths": {host: {"auth": SECRET.removeprefix("Basic ")}}}
        (tmp_path / "auth.json").write_text(json.dumps(document))
        environment = {"PATH": os.environ["PATH"], "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
        return builder(name, f"docker://{host}/{image}", *argv, env=environment, timeout=60)

    return start


def assert_fails(done, why):
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert why in done.stderr and done.stderr[:-1].isprintable()


def test_the_good_registry_is_good(run):
    with scripted(Registry(locked=True)) as server:
        assert run(server.host, "verify-image").returncode == 0


@pytest.mark.parametrize(
    "changed, why",
    [
        ({"/manifests/": Answer(200, itertools.repeat(MIB))}, "the answer is too large: more than 4194304 bytes"),
        ({"/manifests/": Answer(200, MIB * 100)}, "the answer is too large: more than 4194304 bytes"),
        ({"/manifests/": Answer(200, b"[" * 100_000)}, "bad manifest: JSON is nested too deeply"),
        ({"/manifests/": Answer(200, b"[]")}, "bad manifest: found a list, expected an object"),
        ({"/manifests/": Answer(200, b"\xff\xfe")}, "bad manifest: found a byte order mark"),
        ({"/manifests/": Answer(500, b"<html>")}, "status 500"),
        ({"/manifests/": Answer(418, b'{"errors":[{"code":"\x1b[2J","message":3}]}')}, "status 418"),
        ({"/manifests/": Answer(418, b'{"errors":[{"code":"A\\n","message":"\\u001b[2J"}]}')}, r"A\n: \x1b[2J"),
        ({"/blobs/": Answer(200, itertools.repeat(MIB))}, "the answer is too large"),
        ({"/blobs/": Answer(200, b"{}")}, "its descriptor says"),
        ({"/blobs/": Answer(200, b" " * json.loads(MANIFEST)["config"]["size"])}, "bad config: its digest is"),
        ({"/blobs/": Answer(404)}, "status 404"),
    ],
)
def test_bad_documents(run, changed, why):
    with scripted(Registry(changed)) as server:
        assert_fails(run(server.host), why)


@pytest.mark.parametrize("path", ("/manifests/", "/blobs/"))
def test_no_more_is_read_of_a_document_than_it_may_have(run, path):
    sent = []
    endless = (sent.append(MIB) or MIB for _ in itertools.count())
    with scripted(Registry({path: Answer(200, endless)})) as server:
        run(server.host)
    assert 4 <= len(sent) < 32  # the rest lay in the buffers of sockets


@pytest.mark.parametrize(
    "answer, why",
    [
        (Answer(200, [MIB] * 100), "bad blob: the registry sends more than"),
        (Answer(200, MIB), "bad blob: the registry sends 1048576 bytes, expected"),
        (Answer(200, bytes(len(gzipped(IMAGE.layers[0])[1]))), f"expected {LAYER}"),
        (Answer(404), "the registry has no such blob"),
        (Answer(200, b"x", {"Content-Length": "9" * 5000}), "bad blob: the registry sends 999"),
        (Answer(206, b"x", {"Content-Range": "bytes 5-6/7"}), "expected"),
    ],
)
def test_bad_blobs(run, tmp_path, answer, why):
    with scripted(Registry({LAYER: answer})) as server:
        assert_fails(run(server.host, "pack-image", "--format", "oci", "--out", tmp_path / "out"), why)
    assert not (tmp_path / "out").exists()


def test_another_manifest_than_the_digest_says(run):
    with scripted(Registry()) as server:
        done = run(server.host, image=f"story@sha256:{'0' * 64}")
    assert_fails(done, f"bad manifest: its digest is {DESCRIPTOR['digest']}, expected sha256:{'0' * 64}")


@pytest.mark.parametrize("status", (301, 302, 307, 308))
def test_credentials_stay_when_a_blob_is_elsewhere(run, status):
    with scripted(lambda asked: Answer(200, BLOBS[f"blobs/{asked.path[1:]}"])) as elsewhere:

        def away(asked):
            return Answer(status, b"", {"Location": f"http://{elsewhere.host}/{asked.path[-71:].replace(':', '/')}"})

        with scripted(Registry({"/blobs/": away}, locked=True)) as server:
            assert run(server.host, "verify-image").returncode == 0
        assert len(elsewhere.asked) >= 3
        assert not [asked for asked in elsewhere.asked if "Authorization" in asked.headers]


def test_credentials_stay_when_an_upload_is_elsewhere(tmp_path):
    with scripted(lambda _: Answer(201)) as elsewhere:
        away = Answer(202, b"", {"Location": f"http://{elsewhere.host}/uploads/1"})
        with scripted(Registry({"/blobs/uploads/": away}, locked=True)) as server:
            auths = {"auths": {server.host: {"auth": SECRET.removeprefix("Basic ")}}}
            (tmp_path / "auth.json").write_text(json.dumps(auths))
            access = Access({"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}, plain_http=True)
            repository = connect(parse_address(f"{server.host}/story:v1"), access, push=True)
            repository.finish_upload(repository.begin_upload(), LAYER)
        assert server.asked[-1].headers["Authorization"] == SECRET
        assert [asked.headers.get("Authorization") for asked in elsewhere.asked] == [None]


def test_nobody_else_may_ask_for_credentials(run):
    with scripted(lambda _: Answer(401, b"", {"WWW-Authenticate": 'Basic realm="mine"'})) as elsewhere:
        away = Answer(307, b"", {"Location": f"http://{elsewhere.host}/"})
        with scripted(Registry({"/blobs/": away}, locked=True)) as server:
            assert_fails(run(server.host), "status 401")
        assert [asked.headers.get("Authorization") for asked in elsewhere.asked] == [None]


def test_a_circle_of_redirects_ends(run):
    with scripted(Registry({"/blobs/": lambda asked: Answer(302, b"", {"Location": asked.path})})) as server:
        assert_fails(run(server.host), "more than 5 redirects")


@pytest.mark.parametrize("location", ("file:///etc/passwd", "http://", "http://[", "//\n", "http://a b/", "ftp://x/"))
def test_bad_redirects(run, location):
    location = location.replace("\n", "%0d%0a x")
    with scripted(Registry({"/blobs/": Answer(302, b"", {"Location": location})})) as server:
        done = run(server.host)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1) and "passwd:" not in done.stderr


def test_no_redirect_gives_up_tls():
    assert redirected("https://a/v2/x", "/v2/y?z=1") == "https://a/v2/y?z=1"
    with pytest.raises(LaminixError, match="refusing a redirect from TLS to plain HTTP, to http://b:80"):
        redirected("https://a/v2/x", "http://b/v2/y")
    assert origin("https://A/x") == origin("https://a:443") != origin("http://a:443")


def test_no_token_server_gives_up_tls():
    challenge = email.message.Message()
    challenge["WWW-Authenticate"] = 'Bearer realm="http://127.0.0.1:1/token"'
    authenticator = Authenticator(Connections(Access({})), lambda: None)
    with pytest.raises(LaminixError, match="refusing to send credentials in plain HTTP to the token server http://127"):
        authenticator.answer(challenge, "https://a/v2/", (), None)


@pytest.mark.parametrize(
    "challenge, why",
    [
        ("", "unknown challenge ''"),
        ("Negotiate", "unknown challenge 'Negotiate'"),
        ("Bearer", "the challenge names no token server: realm is ''"),
        ('Bearer realm="file:///etc/passwd"', "the challenge names no token server: realm is 'file:///etc/passwd'"),
        ('Bearer realm="http://127.0.0.1:1/token"', "Connection refused"),
        ("Basic " + "x" * 60_000, "the registry refuses the credentials"),
    ],
)
def test_bad_challenges(run, challenge, why):
    with scripted(lambda _: Answer(401, b"{}", {"WWW-Authenticate": challenge})) as server:
        assert_fails(run(server.host), why)


@pytest.mark.parametrize(
    "answer, why",
    [
        (Answer(200, b"{}"), "the token server's answer has no token"),
        (Answer(200, b"[]"), "bad token: found a list, expected an object"),
        (Answer(200, b'{"token": "a\\r\\nHost: b"}'), "the token server's answer has no token"),
        (Answer(200, itertools.repeat(MIB)), "the answer is too large"),
        (Answer(404, b""), "the token server answers with status 404"),
        (Answer(403, b""), "the registry refuses the credentials"),
    ],
)
def test_bad_token_servers(run, answer, why):
    with scripted(lambda _: answer) as tokens:
        header = {"WWW-Authenticate": f'Bearer realm="http://{tokens.host}/"'}
        with scripted(lambda _: Answer(401, b"{}", header)) as server:
            assert_fails(run(server.host), why)


def test_a_token_that_is_not_taken(run):
    with scripted(lambda _: Answer(200, b'{"token": "abc"}')) as tokens:
        header = {"WWW-Authenticate": f'Bearer realm="http://{tokens.host}/"'}
        with scripted(lambda _: Answer(401, b"{}", header)) as server:
            assert_fails(run(server.host), "the registry refuses the credentials")
            assert len(server.asked) == 2


def test_a_flood_of_headers(run):
    with scripted(lambda _: Answer(200, b"{}", {f"X-{number}": "y" for number in range(500)})) as server:
        assert_fails(run(server.host), "no valid HTTP answer: got more than 100 headers")


def test_challenges():
    header = 'Bearer realm="https://a/t",service="b, \\"c\\"",scope="x:y:pull", Basic realm=d'
    bearer = Challenge("bearer", {"realm": "https://a/t", "service": 'b, "c"', "scope": "x:y:pull"})
    assert parse_challenges(header) == [bearer, Challenge("basic", {"realm": "d"})]
    assert parse_challenges('Basic realm="open') == [Challenge("basic", {})]


def test_the_digests_are_those_of_the_image():
    assert digest(MANIFEST) == DESCRIPTOR["digest"]
