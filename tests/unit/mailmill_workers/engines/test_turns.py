import asyncio
import logging

import pytest

from mailmill.findings import Clean, Failed
from mailmill_workers.engines.silence import Silence
from mailmill_workers.engines.turns import NoAnswerError, Turns


class Servers:
    """Counts the questions; a server answers unless a fault is given for it."""

    def __init__(self, **faults):
        self.faults = faults
        self.asked = []

    async def question(self, server):
        self.asked.append(server)
        fault = self.faults.get(server)
        if fault == "hang":
            await asyncio.Event().wait()
        if fault is not None:
            raise fault
        return Clean()

    def ask(self, names, times=1, limit=0.01, concurrency=1):
        async def run():
            turns = Turns(names, limit, concurrency)
            return [await turns.ask(self.question) for _ in range(times)]

        return asyncio.run(run())


def test_the_first_server_answers_when_it_can():
    servers = Servers()
    assert servers.ask(["a", "b"]) == [Clean()]
    assert servers.asked == ["a"]


@pytest.mark.parametrize("fault", [NoAnswerError("no"), ConnectionRefusedError(111, "refused"), "hang"])
def test_the_next_server_is_asked_after_a_fault(fault):
    servers = Servers(a=fault)
    assert servers.ask(["a", "b"]) == [Clean()]
    assert servers.asked == ["a", "b"]


def test_the_server_that_answered_is_asked_first_from_then_on():
    servers = Servers(a=NoAnswerError("no"))
    servers.ask(["a", "b"], times=3)
    assert servers.asked == ["a", "b", "b", "b"]


def test_failed_tells_what_each_server_did():
    servers = Servers(a=ConnectionRefusedError(111, "Connection refused"), b="hang")
    assert servers.ask(["a", "b"]) == [Failed("a: Connection refused; b: no answer within 0.01 s")]


def test_a_server_that_owes_three_answers_in_a_row_is_not_asked_again():
    servers = Servers(a=NoAnswerError("down"))
    assert servers.ask(["a"], times=5) == [Failed("a: down")] * 5
    assert servers.asked == ["a"] * 3


def test_one_bad_message_does_not_take_a_server_from_its_neighbours():
    async def run():
        turns = Turns(["a"], 1.0, 1)
        answers = []
        for bad in (True, True, False, True, True, False):

            async def question(server, bad=bad):
                if bad:
                    raise NoAnswerError("crash")
                return Clean()

            answers.append(await turns.ask(question))
        return answers

    bad = Failed("a: crash")
    assert asyncio.run(run()) == [bad, bad, Clean(), bad, bad, Clean()]


def test_a_fault_in_a_client_is_an_answer_and_is_logged(caplog):
    servers = Servers(a=KeyError("x"))
    with caplog.at_level(logging.ERROR):
        assert servers.ask(["a"]) == [Failed("a: KeyError: 'x'")]
    assert "the client failed" in caplog.text


def test_a_process_without_memory_is_not_the_fault_of_the_engine():
    servers = Servers(a=MemoryError())
    with pytest.raises(MemoryError):
        servers.ask(["a", "b"])
    assert servers.asked == ["a"]


def test_no_more_questions_are_open_than_allowed():
    open_now, most = 0, 0

    async def question(server):
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0)
        open_now -= 1
        return Clean()

    async def run():
        turns = Turns(["a"], 10.0, 3)
        await asyncio.gather(*(turns.ask(question) for _ in range(10)))

    asyncio.run(run())
    assert most == 3


def test_cancelling_a_scan_cancels_its_question():
    async def run():
        turns = Turns(["a"], 60.0, 1)
        task = asyncio.create_task(turns.ask(Servers(a="hang").question))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_a_server_that_hung_in_earlier_batches_is_not_waited_for_again():
    servers = Servers(a="hang")
    silence = Silence()

    async def batch():
        turns = Turns(["a", "b"], 0.01, 10, silence)
        return await asyncio.gather(*(turns.ask(servers.question) for _ in range(5)))

    assert asyncio.run(batch()) == [Clean()] * 5
    asked = servers.asked.count("a")
    assert asyncio.run(batch()) == [Clean()] * 5
    assert servers.asked.count("a") == asked
    assert servers.asked.count("b") == 10


def test_a_server_that_refuses_is_asked_in_every_batch():
    servers = Servers(a=ConnectionRefusedError(111, "refused"))
    silence = Silence()
    for _ in range(4):
        asyncio.run(Turns(["a"], 1.0, 1, silence).ask(servers.question))
    assert servers.asked == ["a"] * 4
