"""Sending tasks through Celery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError
from redis import RedisError

from mailmill.errors import BrokerError
from mailmill.tasks import BOUNCE, DELIVER, GIVE_UP, ROUTES, SCAN, WARN


class CeleryTasks:
    """`Tasks` over a Celery application; what Flower shows of the arguments is written for people."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def scan(self, edge: str, mail_ids: Sequence[str]) -> None:
        """See `Tasks`."""
        self._send(SCAN, [edge, list(mail_ids)], _counted(edge, mail_ids, "message", "messages"))

    def give_up(self, edge: str, mail_id: str, reason: str) -> None:
        """See `Tasks`."""
        self._send(GIVE_UP, [edge, mail_id, reason], f"{edge}: {mail_id}")

    def deliver(self, edge: str, delivery_ids: Sequence[str]) -> None:
        """See `Tasks`."""
        self._send(
            DELIVER, [edge, list(delivery_ids)], _counted(edge, delivery_ids, "delivery", "deliveries")
        )

    def bounce(self, edge: str, delivery_ids: Sequence[str], reason: str) -> None:
        """See `Tasks`."""
        self._send(
            BOUNCE, [edge, list(delivery_ids), reason], _counted(edge, delivery_ids, "bounce", "bounces")
        )

    def warn(self, edge: str, delivery_id: str, reason: str, until: float) -> None:
        """See `Tasks`."""
        self._send(WARN, [edge, delivery_id, reason, until], f"{edge}: {delivery_id}")

    def _send(self, name: str, args: list[Any], shown: str) -> None:
        try:
            self._app.send_task(
                name,
                args=args,
                argsrepr=shown,
                kwargsrepr="",
                queue=ROUTES[name],
                retry=False,
                ignore_result=True,
            )
        except (KombuError, RedisError, OSError) as exc:
            raise BrokerError(f"cannot send {name} ({shown}): {exc}") from exc


def _counted(edge: str, ids: Sequence[str], one: str, many: str) -> str:
    return f"{edge}: {len(ids)} {one if len(ids) == 1 else many}"
