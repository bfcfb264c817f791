from __future__ import annotations

from msgspec.structs import replace

from mailmill.delivery import Delivery
from mailmill.outcomes import DeliveryDeferred, Scanned
from mailmill.records import decode
from mailmill.spool import State
from mailmill.spoolfile import pack, unpack
from mailmill_milter.queue_manager.manager import RESCAN_INTERVAL


def test_a_delivery_that_another_edge_has_kept_is_sent_as_our_own(bench):
    mail_id = bench.accept()
    bench.turn()
    delivery = bench.delivery(mail_id)
    bench.manager.outcomes([Scanned(mail_id, (delivery.id,)), DeliveryDeferred(mail_id, delivery, "4.0.0")])
    path = bench.outgoing.path(delivery.id, State.DEFERRED)
    file = unpack(path.read_bytes())
    theirs = replace(file.header, edge="gone", delivery=replace(file.header.delivery, edge="gone"))
    path.write_bytes(pack(theirs, file.content))
    bench.clock.now += RESCAN_INTERVAL
    bench.turn()
    assert bench.tasks.sent[-1] == ("deliver", "edge1", (delivery.id,))
    assert decode(bench.contents.items[delivery.id], Delivery).edge == "edge1"
