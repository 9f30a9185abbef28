"""How a registry is reached: TLS, credentials, tokens, proxies, and what is tried again."""

import base64
import json
import os
import shutil
from pathlib import Path

import pytest

import token_server
from engines import registry
from engines.daemon import scratch
from engines.registry import PASSWORD, USER
from engines.skopeo import Skopeo
from file_trees import tar, write_directory
from image_forms import Image, gzipped, oci_layout
from registry_faults import Answer, Once, disturbed, scripted

IMAGE = Image((tar({"a": b"x" * 3_000_000}), tar({"b": b"2"})), name="story", tag="v1")


@pytest.fixture(scope="module")
def filled(need, tmp_path_factory):
    """The state of a registry that has IMAGE as story:v1, to be copied."""
    need("docker-registry", "skopeo", "openssl", root=True)
    directory = tmp_path_factory.mktemp("filled")
    layout = write_directory(str(directory / "layout"), oci_layout(IMAGE, gzipped))
    with scratch() as state:
        with registry.serve(state) as hub:
            Skopeo(str(directory)).push(f"oci:{layout}:v1", f"docker://{hub.host}/story:v1")
        yield Path(state, "data")


@pytest.fixture
def state(filled):
    """A directory for the state of a registry that has IMAGE, short-lived."""
    with scratch() as directory:
        shutil.copytree(filled, Path(directory, "data"))
        yield directory


@pytest.fixture
def home(tmp_path):
    """A home directory for a user who has logged in nowhere."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def lists(builder, home):
    """``lists(host)``: whether list-layers lists IMAGE; ``lists(host, says="…")``: that it fails saying so."""

    def check(host, *options, says=None, **environment):
        clean = {"PATH": os.environ["PATH"], "HOME": str(home)}
        done = builder("list-layers", f"docker://{host}/story:v1", "--json", *options, env=clean | environment)
        if says is not None:
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
            assert says in done.stderr
            return
        assert (done.returncode, done.stderr) == (0, "")
        assert [layer["diffID"] for layer in json.loads(done.stdout)] == IMAGE.diff_ids

    return check


def auth(user=USER, password=PASSWORD) -> dict[str, str]:
    """An entry of auths."""
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write_json(path: Path, document) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return str(path)


# TLS.


def test_tls_takes_an_authority(lists, state, tmp_path):
    files = registry.make_certificate(str(tmp_path))
    with registry.serve(state, tls=files) as hub:
        lists(hub.host, "--cacert", files[0])
        lists(hub.host, SSL_CERT_FILE=files[0])
        lists(
            hub.host, says="its certificate is not trusted: self-signed certificate; give its authority with --cacert"
        )
        lists(hub.host, "--plain-http", says="status 400")


def test_tls_takes_the_usual_directories(lists, home, state, tmp_path):
    files = registry.make_certificate(str(tmp_path))
    with registry.serve(state, tls=files, client_authority=files[0]) as hub:
        directory = home / ".config/containers/certs.d" / hub.host
        directory.mkdir(parents=True)
        shutil.copy(files[0], directory / "ca.crt")
        lists(hub.host, says="registry request failed")  # it wants to see the client's certificate
        shutil.copy(files[0], directory / "client.cert")
        lists(hub.host, says=f"bad certificate: no such file ({directory}/client.key)")
        shutil.copy(files[1], directory / "client.key")
        lists(hub.host)


@pytest.mark.parametrize("content", ("", "no certificate\n"))
def test_a_bad_authority_is_one_line(lists, tmp_path, content):
    (tmp_path / "ca.pem").write_text(content)
    lists("127.0.0.1:1", "--cacert", tmp_path / "ca.pem", says="bad certificate: ")


def test_an_authority_that_is_missing_is_one_line(lists, tmp_path):
    lists("127.0.0.1:1", "--cacert", tmp_path / "none", says=f"bad certificate: no such file ({tmp_path}/none)")


# Credentials.


@pytest.fixture
def locked(state):
    """A registry that wants a password."""
    with registry.serve(state, password=True) as hub:
        yield hub


def test_no_credentials(lists, locked):
    lists(locked.host, says="the registry requires credentials, found none; log in with podman, skopeo or docker")


def test_credentials_in_each_file(lists, home, locked, tmp_path):
    document = {"auths": {locked.host: auth()}}
    for path in (".config/containers/auth.json", ".docker/config.json"):
        write_json(home / path, document)
        lists(locked.host)
        (home / path).unlink()
    lists(locked.host, says="found none")
    lists(locked.host, REGISTRY_AUTH_FILE=write_json(tmp_path / "a.json", document))
    write_json(tmp_path / "b/containers/auth.json", document)
    lists(locked.host, XDG_RUNTIME_DIR=str(tmp_path / "b"))
    lists(locked.host, XDG_CONFIG_HOME=str(tmp_path / "b"))
    write_json(tmp_path / "c/config.json", document)
    lists(locked.host, DOCKER_CONFIG=str(tmp_path / "c"))


def test_the_most_specific_credentials_are_taken(lists, home, locked):
    auths = {locked.host: auth(password="wrong"), f"{locked.host}/story": auth()}
    write_json(home / ".config/containers/auth.json", {"auths": auths})
    lists(locked.host)


def test_wrong_credentials(lists, home, locked):
    write_json(home / ".docker/config.json", {"auths": {locked.host: auth(password="wrong")}})
    lists(locked.host, says="the registry refuses the credentials; log in again")


def test_credentials_of_another_registry_stay_there(lists, home, locked):
    write_json(home / ".docker/config.json", {"auths": {"127.0.0.1:1": auth(), "127.0.0.1": auth()}})
    lists(locked.host, says="found none")


HELPER = """\
#!/bin/sh
read -r registry
[ "$1" = get ] && [ "$registry" = "{host}" ] || {{ echo "{otherwise}"; exit 1; }}
echo '{{"ServerURL": "{host}", "Username": "{user}", "Secret": "{secret}"}}'
"""


def helper(tmp_path: Path, host: str, otherwise: str = "credentials not found in native keychain") -> str:
    """$PATH with docker-credential-cave, which knows the password for HOST."""
    program = tmp_path / "bin/docker-credential-cave"
    program.parent.mkdir(exist_ok=True)
    program.write_text(HELPER.format(host=host, user=USER, secret=PASSWORD, otherwise=otherwise))
    program.chmod(0o755)
    return f"{program.parent}:{os.environ['PATH']}"


@pytest.mark.parametrize("document", ({"credsStore": "cave", "auths": {"{}": {}}}, {"credHelpers": {"{}": "cave"}}))
def test_credential_helper(lists, home, locked, tmp_path, document):
    text = json.dumps(document).replace('"{}"', f'"{locked.host}"')
    write_json(home / ".docker/config.json", json.loads(text))
    lists(locked.host, PATH=helper(tmp_path, locked.host))
    lists(locked.host, PATH=helper(tmp_path, "another"), says="found none")
    lists(locked.host, PATH=helper(tmp_path, "another", "cave is closed"), says="failed: cave is closed (")
    lists(locked.host, says="credential helper not found on $PATH (docker-credential-cave)")


@pytest.mark.parametrize(
    "entry, why",
    [
        ({"auth": "%%%"}, "].auth: expected the base64 encoding of USER:PASSWORD"),
        ({"auth": "YQ=="}, "].auth: expected the base64 encoding of USER:PASSWORD, found no colon"),
        ({"auth": 1}, "].auth: found a whole number, expected a string"),
    ],
)
def test_credentials_that_are_none(lists, home, locked, entry, why):
    write_json(home / ".docker/config.json", {"auths": {locked.host: entry}})
    lists(locked.host, says=why.removeprefix("]"))


# Tokens.


@pytest.fixture
def tokens(tmp_path):
    """A token server, and the options of a registry that trusts it."""
    files = registry.make_certificate(str(tmp_path))
    with token_server.serve(USER, PASSWORD, *files) as server:
        yield server, token_server.options(server, files[0])


def test_tokens_for_a_password(lists, home, state, tokens):
    server, options = tokens
    write_json(home / ".docker/config.json", {})
    with registry.serve(state, token=options) as hub:
        lists(hub.host, says="the registry requires credentials, found none")
        write_json(home / ".docker/config.json", {"auths": {hub.host: auth()}})
        del server.asked[:]
        lists(hub.host)
        assert len(server.asked) == 1  # one token serves all requests
        write_json(home / ".docker/config.json", {"auths": {hub.host: auth(password="wrong")}})
        lists(hub.host, says="the registry refuses the credentials")


def test_tokens_for_an_identity_token(lists, home, state, tokens):
    server, options = tokens
    with registry.serve(state, token=options) as hub:
        auths = {hub.host: {"identitytoken": token_server.IDENTITY_TOKEN}}
        write_json(home / ".docker/config.json", {"auths": auths})
        lists(hub.host)
    assert [asked.method for asked in server.asked] == ["POST"]


# Proxies.


def test_a_proxy_is_asked_for_other_machines(lists, home):
    with scripted(lambda asked: Answer(404)) as proxy:
        host = "registry.invalid:5000"
        write_json(home / ".docker/config.json", {"auths": {host: auth()}})
        environment = {"HTTP_PROXY": f"http://me:pa%20ss@{proxy.host}"}
        lists(host, "--plain-http", says="the registry has no such image", **environment)
        [asked] = proxy.asked
        assert asked.path == f"http://{host}/v2/story/manifests/v1"
        assert asked.headers["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:pa ss").decode()
        lists(host, "--plain-http", says="not known", **environment, NO_PROXY=".invalid")
        lists(host, says="Tunnel connection failed", HTTPS_PROXY=f"http://{proxy.host}")
        assert [asked.method for asked in proxy.asked] == ["GET"]


def test_no_proxy_is_asked_for_this_machine(lists, state):
    with registry.serve(state) as hub:
        lists(hub.host, HTTP_PROXY="http://127.0.0.1:1", ALL_PROXY="http://127.0.0.1:1")


# What is tried again.


@pytest.mark.parametrize("faults", ([429, 500, 503], ["hang up"] * 3, [("cut", 0), ("cut", 1), ("cut", 100)]))
def test_faults_that_pass_are_borne(builder, state, tmp_path, faults):
    with registry.serve(state) as hub, disturbed(hub.host, Once(*faults)) as proxy:
        address = f"docker://{proxy.host}/story:v1"
        done = builder("pack-image", address, "--format", "oci", "--out", tmp_path / "out")
        assert (done.returncode, done.stderr) == (0, "")
    assert builder("verify-image", tmp_path / "out").returncode == 0


def test_a_blob_is_resumed_where_it_was_cut(builder, state, tmp_path):
    largest = max(len(gzipped(layer)[1]) for layer in IMAGE.layers)
    with registry.serve(state) as hub, disturbed(hub.host, Once(*[("cut", largest - 10)] * 3)) as proxy:
        done = builder("verify-image", f"docker://{proxy.host}/story:v1")
        assert (done.returncode, done.stderr) == (0, "")
        assert 206 in [request.status for request in hub.requests()]


def test_faults_that_stay_are_told(lists, state):
    with registry.serve(state) as hub:
        for fault, says in ((500, "status 500"), ("hang up", "Remote end closed connection")):
            with disturbed(hub.host, lambda *_, fault=fault: fault) as proxy:
                lists(proxy.host, says=says)
