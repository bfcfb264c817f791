import asyncio

import pytest

from benchmarks.slowengine import answer


class Writer:
    def __init__(self):
        self.data, self.closed = b"", False

    def write(self, data):
        self.data += data

    async def drain(self):
        pass

    def close(self):
        self.closed = True


def reply(data):
    async def run():
        reader, writer = asyncio.StreamReader(), Writer()
        reader.feed_data(data)
        reader.feed_eof()
        await answer(reader, writer, 0)
        return writer

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"zPING\0", b"PONG\0"),
        (b"zINSTREAM\0\0\0\0\3abc\0\0\0\1d\0\0\0\0", b"stream: OK\0"),
        (b"zINSTREAM\0\0\0\0\3ab", b""),
        (b"", b""),
    ],
)
def test_it_speaks_enough_of_clamd(data, expected):
    writer = reply(data)
    assert writer.data == expected
    assert writer.closed
