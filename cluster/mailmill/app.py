"""The Celery application: its queues, its promises and nothing else.

Roles bring their tasks through the entry point group `mailmill.tasks`; edges send tasks by name and import
none. The settings are read when the application is first used, not when this module is imported.

The choices and their reasons (Celery 5.7 on Redis):

- late acknowledgement and rejection when a process dies: a task that was begun is not lost with its process;
- no result backend: outcomes go to the edge that owns the message;
- no ETA, no countdown, no retry: schedules live in the spool;
- JSON only, ids only: contents are in the contents store.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final

from celery import Celery
from kombu import Exchange, Queue

from mailmill import brokerslots
from mailmill.configuration import process
from mailmill.connection import socket_options
from mailmill.settings.options.cluster import REDIS_URL, SCAN_TIME_LIMIT
from mailmill.tasks import DELIVER_QUEUE, ROUTES, SCAN_QUEUE

#: Seconds that a task may wait and run beyond its time limit before Redis hands it out again. Too short would
#: scan a message twice, too long would delay what a killed worker held (the edge's lease is the other net).
VISIBILITY_MARGIN: Final = 300
#: Seconds between sweeps for tasks whose worker has gone (kombu 5.7: unacked_restore_interval).
RESTORE_INTERVAL: Final = 10
#: Seconds for which a task whose process has died waits for a result that may still be on its way.
LOST_WAIT: Final = 1.0


def configuration() -> dict[str, Any]:
    """Return Celery's configuration from the settings in force."""
    settings = process.settings()
    visibility = settings[SCAN_TIME_LIMIT] + VISIBILITY_MARGIN
    url = settings[REDIS_URL]
    transport = {
        "visibility_timeout": visibility,
        "unacked_restore_interval": RESTORE_INTERVAL,
        "unacked_restore_throttle": 1,
        **socket_options(),
    }
    if url.startswith("unix:"):
        url = f"redis+socket:{url.removeprefix('unix:')}"
        del transport["socket_keepalive"]
    # The nameless exchange leads to the queue of the same name without a binding, and a binding is a key that
    # a Redis which lost its data would not have.
    nameless = Exchange("")
    return {
        "broker_url": url,
        "broker_transport_options": transport,
        "visibility_timeout": visibility,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that refuses writes (out of memory, a replica, a full disk) may take them again. Otherwise a
        # worker begins to end, and then waits for itself for ever (measured with Celery 5.7).
        "broker_channel_error_retry": True,
        "include": [entry.value for entry in entry_points(group="mailmill.tasks")],
        "task_queues": [Queue(name, nameless, routing_key=name) for name in (SCAN_QUEUE, DELIVER_QUEUE)],
        "task_default_queue": SCAN_QUEUE,
        "task_default_exchange": "",
        "task_default_routing_key": SCAN_QUEUE,
        "task_create_missing_queues": False,
        "task_routes": {name: {"queue": queue} for name, queue in ROUTES.items()},
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_timeout": False,
        "task_time_limit": settings[SCAN_TIME_LIMIT],
        "task_publish_retry": False,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": True,
        "worker_proc_alive_timeout": 30.0,
        "worker_lost_wait": LOST_WAIT,
    }


brokerslots.install()
app = Celery("mailmill", set_as_current=True)
app.add_defaults(configuration)
