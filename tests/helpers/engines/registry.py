"""docker-registry, and its log of what was uploaded."""

import contextlib
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator

from engines import daemon

NEEDS = ("docker-registry",)

CONFIG = """\
version: 0.1
log: {{level: info, formatter: text, accesslog: {{disabled: false}}}}
storage: {{filesystem: {{rootdirectory: {directory}/data}}, delete: {{enabled: true}}}}
http: {{addr: '{host}', secret: none}}
"""
UPLOADED = re.compile(r'"PUT (/v2/\S+/blobs/uploads/\S+) HTTP/[\d.]+" 201')


class Registry:
    """A running registry without TLS."""

    def __init__(self, host: str, log: str):
        self.host = host  # 127.0.0.1:PORT, which engines take without TLS
        self.log = log  # the file

    def uploads(self) -> list[str]:
        """The digests of the blobs that were uploaded so far, in that order, as the access log has them.

        A blob that was there already, or was mounted from another repository, is not among them.
        """
        with open(self.log, encoding="utf-8") as file:
            requests = UPLOADED.findall(file.read())
        return [urllib.parse.parse_qs(urllib.parse.urlsplit(request).query)["digest"][0] for request in requests]

    def answers(self) -> bool:
        """Whether it serves; raises OSError while nothing listens."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{self.host}/v2/", timeout=10) as response:
            return response.status == 200


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serve(directory: str) -> Iterator[Registry]:
    """An empty registry on this machine alone, all its state in DIRECTORY."""
    registry = Registry(f"127.0.0.1:{_free_port()}", daemon.log_file(directory))
    config = f"{directory}/registry.yml"
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(directory=directory, host=registry.host))
    argv = ["env", "OTEL_TRACES_EXPORTER=none", "docker-registry", "serve", config]
    with daemon.running(directory, argv, registry.answers):
        yield registry
