"""After Connections.abort no request goes on, whichever state its connection is in."""

import pytest

from laminix.registry.connection import Access, ConnectionLost, Connections
from registry_faults import Answer, scripted


def test_a_request_after_an_abort_is_not_sent():
    connections = Connections(Access({}))
    with scripted(lambda _: Answer(200)) as server:
        connections.abort()
        with pytest.raises(ConnectionLost), connections.open("GET", f"http://{server.host}/"):
            pass
        assert not server.asked


def test_a_connection_that_is_opened_during_an_abort_is_given_up():
    connections = Connections(Access({}))
    with scripted(lambda _: Answer(200)) as server:
        connection, is_new = connections._connection(f"http://{server.host}/")
        connections.abort()  # finds no socket to end
        with pytest.raises(ConnectionAbortedError):
            connection.connect()
        connection.close()
    assert is_new
