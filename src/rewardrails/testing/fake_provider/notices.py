"""Webhooks out: signed by Standard Webhooks, retried until 2xx, kept over restarts, bounded in number at once."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import aiohttp
from standardwebhooks import Webhook

from rewardrails.testing.fake_provider.behaviour import Notice
from rewardrails.testing.fake_provider.book import PROCESSING, Book, Entry
from rewardrails.testing.fake_provider.journal import Delivered, Journal, Noticed
from rewardrails.testing.fake_provider.options import Options
from rewardrails.testing.fake_provider.timing import new_token, now
from rewardrails.testing.fake_provider.views import Views, timestamp
from rewardrails.testing.fake_provider.wire import ENCODER, Event, Payout

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0
ANSWER_SECONDS = 10.0
OUT_OF_ORDER_SECONDS = 0.3
DUPLICATE_SECONDS = 0.2
ODD_MINOR = 1


class Notifier:
    """Tells one receiver; `paused` holds everything back."""

    def __init__(self, options: Options, book: Book, journal: Journal, views: Views) -> None:
        self._options = options
        self._book = book
        self._journal = journal
        self._views = views
        self._signer = Webhook(options.webhook_secret)
        self._due: asyncio.Queue[tuple[Noticed, int]] = asyncio.Queue()
        self._released = asyncio.Event()
        self._released.set()
        self._senders: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    @property
    def paused(self) -> bool:
        """Whether webhooks are held back."""
        return not self._released.is_set()

    def pause(self) -> None:
        """Hold webhooks back; what is under way ends."""
        self._released.clear()

    def release(self) -> None:
        """Let them go."""
        self._released.set()

    def start(self) -> None:
        """Open the connections and take up every undelivered notice."""
        if not self._options.webhook_url:
            return
        limit = self._options.webhook_concurrency
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        )
        self._senders = [asyncio.create_task(self._send_forever(self._session)) for _ in range(limit)]
        for notice in self._book.notices.values():
            self._enqueue_at(notice, notice.due)

    async def stop(self) -> None:
        """End the senders; undelivered notices stay in the journal."""
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def tell(self, entry: Entry, notice: Notice) -> None:
        """Journal and queue the webhooks that tell of an entry's present state."""
        if not self._options.webhook_url:
            return
        at = now()
        for due, payout in self._messages(entry, notice, at):
            event = Event(
                id=f"evt_{new_token()}",
                type=f"payout.{payout.status}",
                created_at=timestamp(at),
                livemode=payout.livemode,
                data=payout,
            )
            record = Noticed(at=at, due=due, event=event.id, body=ENCODER.encode(event).decode())
            self._book.apply(record)
            on_disk = self._journal.append(record)
            times = (due, due + DUPLICATE_SECONDS) if notice is Notice.DUPLICATE else (due,)
            on_disk.add_done_callback(partial(self._enqueue_all, record, times))

    def _messages(self, entry: Entry, notice: Notice, at: float) -> Iterator[tuple[float, Payout]]:
        views = self._views
        match notice:
            case Notice.NEVER:
                return
            case Notice.SLOW:
                yield at + self._options.slow_seconds, views.payout(entry)
            case Notice.WRONG_AMOUNT:
                yield at, views.payout(entry, amount_minor=entry.accepted.amount_minor + ODD_MINOR)
            case Notice.OTHER_PAYOUT:
                yield at, _renamed(views.payout(entry))
            case Notice.OUT_OF_ORDER:
                yield at, views.payout(entry)
                yield at + OUT_OF_ORDER_SECONDS, views.payout(entry, status=PROCESSING)
            case _:
                yield at, views.payout(entry)

    def _enqueue_all(self, notice: Noticed, times: Sequence[float], on_disk: asyncio.Future[None]) -> None:
        on_disk.result()
        for due in times:
            self._enqueue_at(notice, due)

    def _enqueue_at(self, notice: Noticed, due: float, tried: int = 0) -> None:
        wait_seconds = due - now()
        if wait_seconds <= 0:
            self._due.put_nowait((notice, tried))
        else:
            asyncio.get_running_loop().call_later(wait_seconds, self._due.put_nowait, (notice, tried))

    async def _send_forever(self, session: aiohttp.ClientSession) -> None:
        while True:
            notice, tried = await self._due.get()
            await self._released.wait()
            if await self._deliver(session, notice):
                self._record_delivery(notice)
            else:
                pause = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**tried)
                self._enqueue_at(notice, now() + pause, min(tried + 1, 20))

    async def _deliver(self, session: aiohttp.ClientSession, notice: Noticed) -> bool:
        sent_at = datetime.fromtimestamp(int(now()), UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": notice.event,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": self._signer.sign(notice.event, sent_at, notice.body),
        }
        try:
            async with session.post(
                self._options.webhook_url, data=notice.body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    def _record_delivery(self, notice: Noticed) -> None:
        if notice.event in self._book.notices:
            record = Delivered(at=now(), event=notice.event)
            self._journal.append(record)
            self._book.apply(record)


def _renamed(payout: Payout) -> Payout:
    """The same news about a payout that was never created."""
    return Payout(
        id=f"po_{new_token()}",
        reference=f"{new_token()}-1",
        status=payout.status,
        amount=payout.amount,
        asset=payout.asset,
        destination=payout.destination,
        fee=payout.fee,
        failure_code=payout.failure_code,
        livemode=payout.livemode,
        created_at=payout.created_at,
    )
