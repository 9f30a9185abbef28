"""Authentication to registries: challenges, basic authentication and bearer tokens.

The challenges are RFC 9110's (section 11); the tokens are those of the distribution project's token and OAuth2
specifications. Credentials for a registry are also sent to the token server that the registry names, as every client
does; over plain HTTP only if the registry is reached over plain HTTP too.
"""

import re
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message

from laminix import strict_json
from laminix.errors import LaminixError, one_line
from laminix.registry.connection import Connections, bytes_body
from laminix.registry.credentials import Credentials

WHAT = "registry authentication failed"
CLIENT_ID = "laminix"

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
SCHEME = re.compile(rf"\s*({TOKEN})(?:\s+|$)")
PARAMETER = re.compile(rf'\s*({TOKEN})\s*=\s*("(?:[^"\\]|\\.)*"|{TOKEN})\s*(?:,|$)')


@dataclass(frozen=True)
class Challenge:
    """A challenge in a WWW-Authenticate header. The scheme is in small letters."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges in HEADER, up to the first malformed one."""
    found, position = [], 0
    while scheme := SCHEME.match(header, position):
        parameters, position = {}, scheme.end()
        while parameter := PARAMETER.match(header, position):
            parameters[parameter[1].lower()] = _unquoted(parameter[2])
            position = parameter.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


class Authenticator:
    """The Authorization headers for one registry, by scope."""

    def __init__(self, connections: Connections, find: Callable[[], Credentials | None]):
        self._connections = connections
        self._find = find
        self._headers: dict[str, str] = {}  # by scope; basic authentication under ""
        self._lock = threading.RLock()

    def header(self, scopes: tuple[str, ...]) -> str | None:
        """Return the header for requests that need SCOPES; None if none was obtained yet."""
        return self._headers.get(" ".join(scopes)) or self._headers.get("")

    def refused(self, url: str) -> LaminixError:
        """Return the error that URL refuses the credentials."""
        return LaminixError(WHAT, _advice(self._find()), url)

    def answer(self, headers: Message, url: str, scopes: tuple[str, ...], refused: str | None) -> str:
        """Return the header that answers the challenge in HEADERS from URL. REFUSED is the header that it refused, if any.

        Raises LaminixError if there is no answer to the challenge.
        """
        with self._lock:
            known = self.header(scopes)
            if known is not None and known != refused:
                return known  # another thread has got it meanwhile
            challenge_header = ", ".join(headers.get_all("WWW-Authenticate") or [])
            challenges = {challenge.scheme: challenge for challenge in parse_challenges(challenge_header)}
            if "bearer" in challenges:
                token = self._token(challenges["bearer"], url, scopes)
                return self._keep(" ".join(scopes), f"Bearer {token}")
            if "basic" not in challenges:
                raise LaminixError(WHAT, f"unknown challenge {one_line(challenge_header[:200])!r}", url)
            credentials = self._find()
            if credentials is None or credentials.identity_token or refused is not None:
                raise LaminixError(WHAT, _advice(credentials), url)
            return self._keep("", credentials.basic())

    def _keep(self, scope: str, header: str) -> str:
        self._headers[scope] = header
        return header

    def _token(self, challenge: Challenge, url: str, scopes: tuple[str, ...]) -> str:
        realm = challenge.parameters.get("realm", "")
        if urllib.parse.urlsplit(realm).scheme not in ("http", "https"):
            raise LaminixError(WHAT, f"the challenge names no token server: realm is {realm[:200]!r}", url)
        if url.startswith("https:") and not realm.startswith("https:"):
            raise LaminixError(
                WHAT, f"refusing to send credentials in plain HTTP to the token server {realm[:200]}", url
            )
        credentials = self._find()
        query = [("service", challenge.parameters.get("service", ""))] + [("scope", scope) for scope in scopes]
        if credentials is not None and credentials.identity_token:
            return self._refreshed(realm, query, credentials.identity_token)
        headers = {} if credentials is None else {"Authorization": credentials.basic()}
        separator = "&" if "?" in realm else "?"
        with self._connections.open("GET", f"{realm}{separator}{urllib.parse.urlencode(query)}", headers) as response:
            return _read_token(response, realm, credentials)

    def _refreshed(self, realm: str, query: list[tuple[str, str]], identity_token: str) -> str:
        """Return a bearer token for an identity token (RFC 6749, section 6)."""
        scope = " ".join(value for key, value in query if key == "scope")
        form = dict(query) | {"grant_type": "refresh_token", "refresh_token": identity_token, "client_id": CLIENT_ID}
        body = bytes_body(urllib.parse.urlencode(form | {"scope": scope}).encode())
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with self._connections.open("POST", realm, headers, body) as response:
            return _read_token(response, realm, Credentials(identity_token=identity_token))


def _read_token(response, realm: str, credentials: Credentials | None) -> str:
    data = response.document()
    if response.status in (401, 403):
        raise LaminixError(WHAT, _advice(credentials), realm)
    if response.status != 200:
        raise LaminixError(WHAT, f"the token server answers with status {response.status}", realm)
    answer = strict_json.loads(data, "bad token", realm)
    token = answer.get("token") or answer.get("access_token")
    if token is None or not re.fullmatch(r"[\x21-\x7e]+", token.text()):
        raise LaminixError(WHAT, "the token server's answer has no token", realm)
    return token.raw


def _advice(credentials: Credentials | None) -> str:
    if credentials is None:
        return "the registry requires credentials, found none; log in with podman, skopeo or docker"
    return "the registry refuses the credentials; log in again with podman, skopeo or docker"
