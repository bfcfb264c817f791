from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from delivery_fakes import MESSAGE, deferred, make_delivery, memory_streams, refused, sent
from mailmill.delivery import Delivery
from mailmill.envelope import Recipient
from mailmill.errors import ConfigError
from mailmill.settings import Settings
from mailmill_workers.deliver.address import Inet, RelayAddress, Streams
from mailmill_workers.deliver.breaker import BROKEN, BUSY, NoBreaker
from mailmill_workers.deliver.patience import Patience
from mailmill_workers.deliver.relay import RelayChoice, RelayPool, relay_of
from mailmill_workers.deliver.replies import RelayError, Reply, Result, Submission

FIRST, SECOND, THIRD = (Inet(f"192.0.2.{n}", 628) for n in (1, 2, 3))
DELIVERY = make_delivery("a@example.org", "b@example.org")


class Relays:
    """Relays by address: each answers with replies, or fails with an error to connect or to talk."""

    def __init__(self, **answers: object) -> None:
        self.answers = {f"192.0.2.{name[1:]}": answer for name, answer in answers.items()}
        self.asked: list[str] = []
        self._host = ""

    async def connect(self, address: RelayAddress) -> Streams:
        assert isinstance(address, Inet)
        self.asked.append(address.host[-1])
        self._host = address.host
        if isinstance(self.answers[address.host], OSError):
            raise self.answers[address.host]
        return memory_streams(lambda reader, data: None)

    async def submit(
        self, streams: Streams, delivery: Delivery, message: bytes, patience: Patience
    ) -> tuple[tuple[Reply, ...], str]:
        answer = self.answers[self._host]
        if isinstance(answer, RelayError):
            raise answer
        assert isinstance(answer, tuple)
        return answer, "DSN"

    def pool(self, *addresses: Inet, **more: object) -> RelayPool:
        return RelayPool(addresses, self, concurrency=1, timeout=5, longest=5, connect=self.connect, **more)


class NotedBreaker:
    """A circuit breaker that is open for some addresses, and notes what it is told."""

    def __init__(self, **waits: float) -> None:
        self.waits = {f"inet:192.0.2.{name[1:]}:628": seconds for name, seconds in waits.items()}
        self.told: list[tuple[object, ...]] = []

    def known_good(self, address: str) -> bool:
        return False

    def wait(self, address: str) -> float:
        return self.waits.get(address, 0.0)

    def failed(self, address: str, weight: int) -> None:
        self.told.append(("failed", address[-5], weight))

    def succeeded(self, address: str) -> None:
        self.told.append(("succeeded", address[-5]))

    def hold(self, seconds: float) -> None:
        self.told.append(("hold", seconds))


def submit(pool: RelayPool, times: int = 1) -> Submission:
    for _ in range(times):
        submission = asyncio.run(pool.submit(DELIVERY, MESSAGE))
    return submission


def test_the_answer_of_the_relay_is_the_answer():
    relays = Relays(_1=(sent(), refused()))
    assert submit(relays.pool(FIRST)) == Submission((sent(), refused()), "inet:192.0.2.1:628", "DSN")


@pytest.mark.parametrize(
    "fault", [ConnectionRefusedError(111, "refused"), RelayError("x"), (deferred(), deferred())]
)
def test_an_address_that_can_not_take_it_is_followed_by_the_next_which_is_asked_first_then(fault: object):
    relays = Relays(_1=fault, _2=(sent(), sent()))
    assert submit(relays.pool(FIRST, SECOND), times=2).relay == "inet:192.0.2.2:628"
    assert relays.asked == ["1", "2", "2"]


def test_a_refusal_is_not_taken_to_the_next_address():
    relays = Relays(_1=(refused(), deferred()), _2=(sent(), sent()))
    assert submit(relays.pool(FIRST, SECOND)).replies == (refused(), deferred())
    assert relays.asked == ["1"]


def test_an_unknown_result_is_not_taken_to_the_next_address_at_once_but_the_next_try_is():
    relays = Relays(_1=RelayError("gone", unconfirmed=True), _2=(sent(), sent()))
    pool = relays.pool(FIRST, SECOND)
    (reply, _) = submit(pool).replies
    assert (reply.result, reply.unconfirmed) == (Result.DEFERRED, True)
    assert reply.text == "submitted, unconfirmed: inet:192.0.2.1:628: gone"
    assert submit(pool).replies == (sent(), sent())
    assert relays.asked == ["1", "2"]


def test_when_all_fail_the_reason_names_each():
    relays = Relays(
        _1=ConnectionRefusedError(111, "refused"), _2=(deferred(), deferred()), _3=RelayError("rubbish")
    )
    submission = submit(relays.pool(FIRST, SECOND, THIRD))
    assert submission.replies[0].text == (
        "inet:192.0.2.1:628: no connection: refused; inet:192.0.2.2:628: 451 4.3.0 later; "
        "inet:192.0.2.3:628: rubbish"
    )
    assert submission.relay == "none"


def test_an_address_whose_breaker_is_open_is_left_out():
    relays = Relays(_1=(sent(), sent()), _2=(sent(), sent()))
    breaker = NotedBreaker(_1=7)
    assert submit(relays.pool(FIRST, SECOND, breaker=breaker), times=2).relay == "inet:192.0.2.2:628"
    assert relays.asked == ["2", "2"]
    assert breaker.told == [("succeeded", "2")] * 2


def test_when_all_breakers_are_open_nobody_is_asked_and_the_edges_are_told():
    breaker = NotedBreaker(_1=7, _2=4)
    relays = Relays()
    submission = submit(relays.pool(FIRST, SECOND, breaker=breaker, announce=True))
    assert relays.asked == []
    assert submission.replies[0].text == (
        "inet:192.0.2.1:628: not tried after many failures, again in 7 s; "
        "inet:192.0.2.2:628: not tried after many failures, again in 4 s"
    )
    assert {(reply.result, reply.tried) for reply in submission.replies} == {(Result.DEFERRED, False)}
    assert breaker.told == [("hold", 4)]


@pytest.mark.parametrize(
    ("fault", "weight"),
    [
        (ConnectionRefusedError(111, "refused"), BROKEN),
        (RelayError("x", unconfirmed=True), BROKEN),
        ((deferred(), deferred()), BUSY),
    ],
)
def test_the_breaker_hears_of_failures(fault: object, weight: int):
    breaker = NotedBreaker()
    submission = submit(Relays(_1=fault).pool(FIRST, breaker=breaker))
    assert breaker.told == [("failed", "1", weight)]
    assert submission.replies[0].tried


def test_a_refusal_is_a_success_of_the_relay():
    breaker = NotedBreaker()
    submit(Relays(_1=(refused(), deferred())).pool(FIRST, breaker=breaker))
    assert breaker.told == [("succeeded", "1")]


def test_nobody_is_asked_about_a_message_without_recipients():
    relays = Relays(_1=(sent(),))
    assert asyncio.run(relays.pool(FIRST).submit(make_delivery(), MESSAGE)).replies == ()
    assert relays.asked == []


def test_waiting_for_a_connection_ends():
    class Stuck(Relays):
        async def submit(self, *_: object) -> tuple[tuple[Reply, ...], str]:
            await asyncio.sleep(3600)
            raise AssertionError

    async def run() -> Submission:
        relays = Stuck(_1=())
        pool = RelayPool([FIRST], relays, concurrency=1, timeout=5, longest=0.01, connect=relays.connect)
        holder = asyncio.create_task(pool.submit(DELIVERY, MESSAGE))
        await asyncio.sleep(0)
        submission = await pool.submit(DELIVERY, MESSAGE)
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
        return submission

    assert "no connection became free" in asyncio.run(run()).replies[0].text


def settings(tmp_path: Path, *lines: str) -> Settings:
    conf = tmp_path / "MailScanner.conf"
    conf.write_text("\n".join(lines) + "\n")
    return Settings.load(conf, {})


def test_mail_that_qmqp_can_not_carry_goes_over_smtp_when_there_is_a_way(tmp_path: Path):
    relay = relay_of(
        settings(tmp_path, "MSMail Delivery Method = QMQP", "SMTP Relay Address = 192.0.2.7"),
        "mill.example.net",
        NoBreaker(),
    )
    assert isinstance(relay, RelayChoice)

    qmqp, smtp = Relays(_1=(sent("qmqp"),)), Relays(_2=(sent("smtp"),))
    choice = RelayChoice(qmqp.pool(FIRST), smtp.pool(SECOND))
    plain = make_delivery("a@example.org")
    dsn = make_delivery("a@example.org", recipients=(Recipient("a@example.org", ("NOTIFY=SUCCESS",)),))
    used = [asyncio.run(choice.submit(one, MESSAGE)).replies[0].text for one in (plain, dsn)]
    assert used == ["qmqp", "smtp"]


def test_without_an_smtp_relay_there_is_one_way(tmp_path: Path):
    assert isinstance(
        relay_of(settings(tmp_path, "MSMail Delivery Method = QMQP"), "x", NoBreaker()), RelayPool
    )
    assert isinstance(
        relay_of(settings(tmp_path, "MSMail Delivery Method = SMTP"), "x", NoBreaker()), RelayPool
    )


def test_a_submission_ends_before_the_process_is_killed(tmp_path: Path):
    relay = relay_of(settings(tmp_path, "Delivery Timeout = 300", "Scan Time Limit = 300"), "x", NoBreaker())
    assert relay.longest == 240


@pytest.mark.parametrize("line", ["MSMail Relay Address = a:b:c, good", "MSMail Relay Address ="])
def test_a_relay_that_can_not_be_one_is_a_problem_of_its_option(tmp_path: Path, line: str):
    with pytest.raises(ConfigError, match="MSMail Relay Address"):
        relay_of(settings(tmp_path, line), "x", NoBreaker())
