"""What the demo's people say to each other, line by line, by the service that the page's form calls."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from marketplace.demo.pictures import draw
from marketplace.demo.tables import load
from marketplace.demo.world import World
from marketplace.uploads import encode_image, private_storage
from messaging.models import Message
from messaging.services import arrange, decide, hand_in, mark_seen, report, send_message
from orders.models import Order

Row = dict[str, Any]
WIDTH = 640  # pixels of a picture in a message


@dataclass
class Talk:
    """Two people and their lines so far."""

    world: World
    number: int
    row: Row
    said: list[Message] = field(default_factory=list)

    def person(self, key: str) -> User:
        return self.world.people[key]

    def say(self, line: int) -> None:
        who, _minutes, words = self.row["lines"][line]
        (other,) = set(self.row["between"]) - {who}
        message = send_message(
            actor=self.person(who),
            receiver_id=self.person(other).pk,
            content=words,
            client_id=f"demo-{self.number:03}-{line:03}",
            order_id=self._order_id(),
            file_ids=[self._hand_in(who)] if self.row.get("file", {}).get("line") == line + 1 else [],
        )
        self.said.append(message)
        if line + 1 == len(self.row["lines"]) - self.row.get("unread", 0):
            mark_seen(actor=self.person(other), conversation_id=message.conversation_id, read=message.seq)

    def _order_id(self) -> UUID | None:
        if "about" not in self.row:
            return None
        client, freelancer = map(self.person, self.row["between"])
        orders = Order.objects.filter(gig=self.world.gigs[self.row["about"]], client=client, freelancer=freelancer)
        return orders.order_by("-created_at").values_list("pk", flat=True).first()

    def _hand_in(self, who: str) -> UUID:
        file = self.row["file"]
        drawn = draw(file["motif"], file["name"], 0, seed=self.world.seed, width=WIDTH)
        upload = SimpleUploadedFile(file["name"], encode_image(drawn, "PNG"), "image/png")
        kept = hand_in(actor=self.person(who), upload=upload)
        self.world.keep(private_storage(), kept.file.name, kept.preview.name)
        return kept.pk

    def settle(self) -> None:
        """What became of it: put away, muted, or shown to a moderator."""
        last = self.said[-1]
        for wish in {"archived", "muted"} & self.row.keys():
            arrange(actor=self.person(self.row[wish]), conversation_id=last.conversation_id, **{wish: True})
        if "report" in self.row:
            said = self.row["report"]
            message = self.said[said["line"] - 1]
            kept = report(actor=message.receiver, message_id=message.pk, reason=said["reason"], note=said["note"])
            if "decision" in said:
                decide(actor=self.person("moderator"), report_id=kept.pk, decision=said["decision"], note=said["because"])


def happenings(world: World) -> Iterator[tuple[datetime, Callable[[], None]]]:
    for number, row in enumerate(load("talks")["talk"]):
        talk, minutes = Talk(world, number, row), [minutes for _who, minutes, _words in row["lines"]]
        moment = world.today - timedelta(hours=row["ago"], minutes=sum(minutes))
        for line, after in enumerate(minutes):
            moment += timedelta(minutes=after)
            yield moment, partial(talk.say, line)
        yield moment, talk.settle
