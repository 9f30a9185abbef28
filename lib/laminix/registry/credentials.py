"""Credentials for registries, as podman, skopeo and docker store them.

The formats are containers-auth.json(5), Docker's config.json, and the protocol of Docker's credential helpers.
The files are read in this order, and the first that has credentials for a registry is used:
``$REGISTRY_AUTH_FILE`` (if set, the only one), ``$XDG_RUNTIME_DIR/containers/auth.json``,
``$XDG_CONFIG_HOME/containers/auth.json`` (default ``~/.config``), ``$DOCKER_CONFIG/config.json`` (default ``~/.docker``).
"""

import base64
import binascii
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from laminix import strict_json
from laminix.errors import LaminixError, one_line
from laminix.regular_file import read_regular_file
from laminix.strict_json import Value

WHAT = "bad credentials"
DOCKER_KEY = "https://index.docker.io/v1/"  # Docker's key for the registry that it calls docker.io
TOKEN_USER = "<token>"  # a helper's user name for an identity token
NOT_FOUND = "credentials not found in native keychain"  # what a helper answers for an unknown registry
HELPER_TIMEOUT = 60  # seconds


@dataclass(frozen=True)
class Credentials:
    """A user name with a password, or an identity token (an OAuth2 refresh token)."""

    user: str = ""
    password: str = ""
    identity_token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, …)"  # secrets stay out of tracebacks

    def basic(self) -> str:
        """Return the value of the Authorization header for basic authentication (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def find_credentials(registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    """Return the credentials for REPOSITORY of REGISTRY (HOST[:PORT] as in image names); None if there are none.

    Raises LaminixError for an invalid file and for a credential helper that fails.
    """
    for path in credential_files(environment):
        if os.path.exists(path):
            document = strict_json.loads(read_regular_file(path), WHAT, path)
            found = _in_document(document, registry, repository, environment)
            if found is not None:
                return found
    return None


def credential_files(environment: Mapping[str, str]) -> list[str]:
    """Return the files that may contain credentials, in the order in which they are read."""
    if environment.get("REGISTRY_AUTH_FILE"):
        return [environment["REGISTRY_AUTH_FILE"]]
    home = environment.get("HOME", "/nonexistent")
    runtime = environment.get("XDG_RUNTIME_DIR")
    config = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    docker = environment.get("DOCKER_CONFIG") or f"{home}/.docker"
    return [f"{place}/containers/auth.json" for place in (runtime, config) if place] + [f"{docker}/config.json"]


def _in_document(document: Value, registry: str, repository: str, environment: Mapping[str, str]) -> Credentials | None:
    helpers, store = document.get("credHelpers"), document.get("credsStore")
    helper = helpers.get(registry) if helpers else None
    if helper:
        return _from_helper(helper.text(), registry, environment)
    entries = document.get("auths")
    for key in _keys(registry, repository) if entries else ():
        entry = entries.get(key)
        found = _in_entry(entry) if entry else None
        if found is not None:
            return found
    if store:
        return _from_helper(store.text(), DOCKER_KEY if registry == "docker.io" else registry, environment)
    return None


def _keys(registry: str, repository: str) -> Iterator[str]:
    """Yield the keys of credentials for REPOSITORY, most specific first (containers-auth.json(5))."""
    path = f"{registry}/{repository}"
    while "/" in path:
        yield path
        path = path.rpartition("/")[0]
    yield registry
    yield from (f"https://{registry}", f"https://{registry}/v1/", f"https://{registry}/v2/")
    if registry == "docker.io":
        yield from (DOCKER_KEY, "index.docker.io")


def _in_entry(entry: Value) -> Credentials | None:
    """Return the credentials in an entry of ``auths``; None for an empty one, which ``docker login`` leaves with a helper."""
    token = entry.get("identitytoken")
    if token and token.text():
        return Credentials(identity_token=token.raw)
    auth = entry.get("auth")
    if not auth or not auth.text():
        return None
    try:
        user, colon, password = base64.b64decode(auth.raw, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise auth.error("expected the base64 encoding of USER:PASSWORD") from None
    if not colon:
        raise auth.error("expected the base64 encoding of USER:PASSWORD, found no colon")
    return Credentials(user, password.rstrip("\0"))


def _from_helper(name: str, registry: str, environment: Mapping[str, str]) -> Credentials | None:
    """Return the credentials that the program docker-credential-NAME has for REGISTRY; None if it has none."""
    program = shutil.which(f"docker-credential-{name}", path=environment.get("PATH"))
    if program is None or "/" in name:
        raise LaminixError(WHAT, "credential helper not found on $PATH", f"docker-credential-{name}")
    done = subprocess.run(
        [program, "get"], input=registry.encode(), capture_output=True, timeout=HELPER_TIMEOUT, env=dict(environment)
    )
    said = done.stdout.decode("utf-8", "backslashreplace").strip()
    if done.returncode and NOT_FOUND in said:
        return None
    if done.returncode:
        raise LaminixError(WHAT, f"credential helper failed: {one_line(said[:300]) or 'no message'}", program)
    answer = strict_json.loads(done.stdout, WHAT, program)
    user, secret = answer["Username"].text(), answer["Secret"].text()
    return Credentials(identity_token=secret) if user == TOKEN_USER else Credentials(user, secret)
