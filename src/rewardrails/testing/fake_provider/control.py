"""The control API under /_control: what a test, the demo or the bench may do to the fake provider.

    POST   /_control/rules      choose a behaviour for matching creations
    DELETE /_control/rules      forget all rules
    POST   /_control/mix        replace the weighted mix
    POST   /_control/outage     off, unavailable or hang
    POST   /_control/webhooks   hold back or release
    POST   /_control/float      set what is held of an asset
    POST   /_control/moves      change a payout's truth (a late return, a change of mind), told or kept quiet
    POST   /_control/disguises  show a payout with other data than the truth
    GET    /_control/totals     what was accepted and what money left
    GET    /_control/journal    every record on disk, as JSON lines

Authentication is `Authorization: Bearer <control token>`, which is not the API's token.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from rewardrails.testing.fake_provider.amounts import to_minor
from rewardrails.testing.fake_provider.answers import deny
from rewardrails.testing.fake_provider.api import Api
from rewardrails.testing.fake_provider.behaviour import DEFAULT_REFUSAL, Behaviour, Choice, Mix, Notice, Rule
from rewardrails.testing.fake_provider.book import Entry
from rewardrails.testing.fake_provider.journal import Disguised
from rewardrails.testing.fake_provider.service import Service
from rewardrails.testing.fake_provider.timing import now
from rewardrails.testing.fake_provider.transport import Exchange
from rewardrails.testing.fake_provider.wire import (
    ENCODER,
    DisguiseRequest,
    FloatRequest,
    MixRequest,
    MoveRequest,
    OutageRequest,
    PausedRequest,
    RuleRequest,
)

PREFIX = "/_control/"
OUTAGES = frozenset({"off", "unavailable", "hang"})
DONE = b"{}"
T = TypeVar("T")


class Control:
    """Routes /_control requests; its token is not the API's."""

    def __init__(self, service: Service, api: Api) -> None:
        self._service = service
        self._api = api
        self._authorization = f"Bearer {service.options.control_token}".encode()
        self._actions: dict[tuple[str, str], Callable[[bytes], Awaitable[bytes]]] = {
            ("POST", "rules"): self._add_rule,
            ("DELETE", "rules"): self._clear_rules,
            ("POST", "mix"): self._set_mix,
            ("POST", "outage"): self._set_outage,
            ("POST", "webhooks"): self._hold_webhooks,
            ("POST", "float"): self._set_float,
            ("POST", "moves"): self._move,
            ("POST", "disguises"): self._disguise,
            ("GET", "totals"): self._totals,
            ("GET", "journal"): self._dump,
        }

    async def __call__(self, exchange: Exchange) -> None:
        """Do one thing; 404 for what is not listed, 400 with the reason for what makes no sense."""
        if not hmac.compare_digest(exchange.header(b"authorization").encode(), self._authorization):
            await deny(exchange, "unauthorized")
            return
        action = self._actions.get((exchange.method, exchange.path.removeprefix(PREFIX)))
        if action is None:
            await deny(exchange, "not_found")
            return
        try:
            answer = await action(await exchange.body())
        except (ValueError, LookupError) as error:
            await exchange.answer(400, ENCODER.encode({"error": str(error)}))
            return
        await self._service.journal.flushed()
        await exchange.answer(200, answer)

    async def _add_rule(self, body: bytes) -> bytes:
        request = _read(body, RuleRequest)
        choice = Choice(behaviour=Behaviour(request.behaviour), code=request.code or DEFAULT_REFUSAL)
        self._service.chooser.rules.append(
            Rule(choice=choice, reference=request.reference, destination=request.destination, times=request.times)
        )
        return DONE

    async def _clear_rules(self, _body: bytes) -> bytes:
        self._service.chooser.rules.clear()
        return DONE

    async def _set_mix(self, body: bytes) -> bytes:
        request = _read(body, MixRequest)
        mix = Mix.parse(request.mix, seed=request.seed, by_destination=request.by_destination)
        self._service.chooser.mix = mix
        return DONE

    async def _set_outage(self, body: bytes) -> bytes:
        mode = _read(body, OutageRequest).mode
        if mode not in OUTAGES:
            raise ValueError(f"no outage is called {mode}; there are {', '.join(sorted(OUTAGES))}")
        self._api.outage = mode
        return DONE

    async def _hold_webhooks(self, body: bytes) -> bytes:
        if _read(body, PausedRequest).paused:
            self._service.notifier.pause()
        else:
            self._service.notifier.release()
        return DONE

    async def _set_float(self, body: bytes) -> bytes:
        request = _read(body, FloatRequest)
        if request.amount is None:
            self._service.floats.pop(request.asset, None)
            return DONE
        held = to_minor(request.amount, self._service.options.exponents[request.asset])
        if held is None:
            raise ValueError("the amount has more places than the asset")
        self._service.floats[request.asset] = held + self._service.book.out_minor[request.asset]
        return DONE

    async def _move(self, body: bytes) -> bytes:
        request = _read(body, MoveRequest)
        tell = Notice.ONCE if request.notify else Notice.NEVER
        self._service.move(self._entry(request.reference), request.status, code=request.code, tell=tell)
        return DONE

    async def _disguise(self, body: bytes) -> bytes:
        request = _read(body, DisguiseRequest)
        self._service.write(
            Disguised(
                at=now(),
                id=self._entry(request.reference).accepted.id,
                amount=request.amount or "",
                destination=request.destination or "",
                status=request.status or "",
            )
        )
        return DONE

    async def _totals(self, _body: bytes) -> bytes:
        return ENCODER.encode(self._service.book.totals())

    async def _dump(self, _body: bytes) -> bytes:
        await self._service.journal.flushed()
        return self._service.journal.path.read_bytes()

    def _entry(self, reference: str) -> Entry:
        """The latest payout by its reference or by its id."""
        book = self._service.book
        entries = book.by_reference.get(reference) or [book.by_id[reference]]
        return entries[-1]


def _read(body: bytes, shape: type[T]) -> T:
    return msgspec.json.decode(body, type=shape)
