"""A token server for docker-registry, after the distribution project's token specification."""

import base64
import contextlib
import json
import subprocess
import time
import urllib.parse
from collections.abc import Iterator

from registry_faults import Answer, Asked, Server, scripted

SERVICE, ISSUER = "tests", "the tests"
IDENTITY_TOKEN = "identity-of-alibaba"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: dict, certificate: str, key: str) -> str:
    """A JSON web token with CLAIMS, signed by the key of CERTIFICATE (RFC 7515)."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], capture_output=True, check=True)
    header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der.stdout).decode()]}
    text = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
    argv = ["openssl", "dgst", "-sha256", "-sign", key]
    signature = subprocess.run(argv, input=text.encode(), capture_output=True, check=True).stdout
    return f"{text}.{_encoded(signature)}"


def _claims(scopes: list[str], service: str) -> dict:
    access = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    times = {"exp": now + 300, "nbf": now - 10, "iat": now}
    return {"iss": ISSUER, "sub": "alibaba", "aud": service, "jti": "1", "access": access, **times}


@contextlib.contextmanager
def serve(user: str, password: str, certificate: str, key: str) -> Iterator[Server]:
    """A token server that gives USER what is asked for; its ``asked`` is what it was asked."""
    basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def answer(asked: Asked) -> Answer:
        query = asked.body.decode() if asked.method == "POST" else urllib.parse.urlsplit(asked.path).query
        fields = urllib.parse.parse_qs(query)
        known = asked.headers.get("Authorization") == basic or fields.get("refresh_token") == [IDENTITY_TOKEN]
        if not known:
            return Answer(401, b"{}")
        scopes = [scope for scope in " ".join(fields.get("scope", [])).split()]
        token = signed(_claims(scopes, fields["service"][0]), certificate, key)
        return Answer(200, json.dumps({"access_token" if asked.method == "POST" else "token": token}).encode())

    with scripted(answer) as server:
        yield server


def options(server: Server, certificate: str) -> dict[str, str]:
    """What docker-registry's option ``auth.token`` has to be for that server."""
    return {
        "realm": f"http://{server.host}/token",
        "service": SERVICE,
        "issuer": ISSUER,
        "rootcertbundle": certificate,
    }
