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
        await answer(reader, writer, 0, asyncio.Lock())
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


def test_it_looks_into_one_message_after_the_other():
    async def run():
        turn = asyncio.Lock()
        await turn.acquire()
        reader, writer = asyncio.StreamReader(), Writer()
        reader.feed_data(b"zINSTREAM\0\0\0\0\1a\0\0\0\0")
        waiting = asyncio.create_task(answer(reader, writer, 0, turn))
        await asyncio.sleep(0)
        assert not waiting.done()
        before = writer.data
        turn.release()
        await waiting
        return before, writer.data

    assert asyncio.run(run()) == (b"", b"stream: OK\0")
