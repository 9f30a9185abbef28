"""TLS for registries: trusted certificates and client certificates."""

import glob
import os
import ssl
from collections.abc import Mapping

from laminix.errors import LaminixError

# Where podman, skopeo and docker keep a registry's certificates, in a directory named HOST[:PORT] (certs.d(5)).
SYSTEM_DIRECTORIES = ("/etc/containers/certs.d", "/etc/docker/certs.d")


def tls_context(host: str, cacert: str | None, environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the TLS settings for HOST[:PORT].

    Trusted are the system's authorities ($NIX_SSL_CERT_FILE and $SSL_CERT_FILE replace them), the file CACERT and
    ``*.crt`` in the host's certificate directories; ``NAME.cert`` with ``NAME.key`` there is the client's certificate.
    Raises LaminixError for a file without a certificate.
    """
    context = ssl.create_default_context(cafile=_authorities(environment))
    for path in [cacert] if cacert else []:
        _load(context.load_verify_locations, path)
    for directory in certificate_directories(host, environment):
        for path in sorted(glob.glob(f"{glob.escape(directory)}/*.crt")):
            _load(context.load_verify_locations, path)
        for path in sorted(glob.glob(f"{glob.escape(directory)}/*.cert")):
            _load(context.load_cert_chain, path, path.removesuffix(".cert") + ".key")
    return context


def certificate_directories(host: str, environment: Mapping[str, str]) -> list[str]:
    """Return the directories that may contain certificates for HOST[:PORT], the user's own first."""
    config = environment.get("XDG_CONFIG_HOME") or f"{environment.get('HOME', '/nonexistent')}/.config"
    return [f"{place}/{host}" for place in (f"{config}/containers/certs.d", *SYSTEM_DIRECTORIES)]


def _authorities(environment: Mapping[str, str]) -> str | None:
    for name in ("NIX_SSL_CERT_FILE", "SSL_CERT_FILE"):
        if environment.get(name) and os.path.exists(environment[name]):
            return environment[name]
    return None  # what OpenSSL finds


def _load(load, path: str, *more: str) -> None:
    try:
        load(path, *more)
    except FileNotFoundError:
        raise LaminixError("bad certificate", "no such file", more[-1] if os.path.exists(path) else path) from None
    except (ssl.SSLError, OSError) as error:
        raise LaminixError("bad certificate", f"cannot load it: {error.strerror or error}", path) from None
