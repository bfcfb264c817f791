import asyncio

import pytest

from mailmill_workers.engines.turns import NoAnswerError
from mailmill_workers.engines.versions import BELIEVED, Versions, versions_of


class Engine:
    servers = ("here",)

    def __init__(self, name, *told):
        self.name, self.told, self.asked = name, list(told), 0

    async def version(self):
        self.asked += 1
        answer = self.told.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def ask(versions, *engines):
    return asyncio.run(versions.ask(engines))


def test_a_version_is_asked_seldom_and_believed_for_a_while():
    now = [50.0]
    versions, engine = Versions(lambda: now[0]), Engine("clamd", "1", "2")
    assert ask(versions, engine) == ask(versions, engine) == {"clamd": "1"}
    assert engine.asked == 1
    now[0] += BELIEVED
    assert ask(versions, engine) == {"clamd": "2"}


@pytest.mark.parametrize("answer", [None, ValueError("ours")])
def test_an_engine_that_does_not_tell_is_left_out_and_left_alone(answer):
    versions, engine = Versions(lambda: 0.0), Engine("clamd", answer)
    assert ask(versions, engine, Engine("spamassassin", "")) == {"spamassassin": ""}
    assert ask(versions, engine) == {}
    assert engine.asked == 1


def test_other_servers_have_a_version_of_their_own():
    versions, engine = Versions(lambda: 0.0), Engine("clamd", "1", "2")
    assert ask(versions, engine) == {"clamd": "1"}
    engine.servers = ("there",)
    assert ask(versions, engine) == {"clamd": "2"}


def of(**servers):
    async def tell(server):
        if isinstance(servers[server], Exception):
            raise servers[server]
        return servers[server]

    return asyncio.run(versions_of(list(servers), tell))


def test_servers_with_one_version_are_one():
    assert of(a="27", b="27") == of(a="27") == "27"


def test_servers_that_differ_or_are_silent_are_something_else():
    texts = [of(a="27"), of(a="26"), of(a="27", b="26"), of(a="27", b=NoAnswerError("x"))]
    texts.append(of(a="26", b=ConnectionRefusedError()))
    assert len(set(texts)) == len(texts)
    assert of(a="26", b="27") == of(a="27", b="26")


def test_where_nobody_tells_there_is_no_version():
    assert of(a=TimeoutError(), b=NoAnswerError("x")) is None
