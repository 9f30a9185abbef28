"""ChunkReader: chunks of bytes as a file."""

from laminix.parallel.chunk_reader import ChunkReader


def test_reads_across_chunks():
    file = ChunkReader([b"ab", b"", b"cde", b"f"])
    assert [file.read(2), file.read(2), file.read(1), file.read()] == [b"ab", b"cd", b"e", b"f"]


def test_closing_it_ends_the_making_of_chunks():
    ended = []

    def chunks():
        try:
            yield b"first"
            yield b"second"
        finally:
            ended.append(True)

    maker = chunks()
    with ChunkReader(maker) as file:
        assert file.read(2) == b"fi" and not ended
    assert ended
