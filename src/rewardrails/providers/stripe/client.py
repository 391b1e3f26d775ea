"""One account's way to Stripe: what is asked, and what an answer means before anybody looks at its content."""

from dataclasses import dataclass, field

import msgspec

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.outcome import OutcomeUnknown, Rejected
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.http import HttpClient, HttpReply, MaybeSent, NeverSent
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.settings import API_VERSION
from rewardrails.secrets import Secret

# 401: a key that it does not know. 403: not this key's to do. Nothing was done.
AUTH_REFUSALS = frozenset({401, 403})
# One call of ours may be several of theirs: look, confirm, cancel. Together they keep to the call's own time.
DO_SHARE = 0.5
LOOK_SHARE = 0.2
INTENTS = "/v2/money_management/payout_intents"
PAYMENTS = "/v2/money_management/outbound_payments"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeClient:
    """Asks Stripe, within a share of `timeout_seconds` each time; every POST has a key that was committed before."""

    http: HttpClient = field(repr=False)
    base_url: str
    authorization: Secret
    timeout_seconds: float

    async def do(
        self, path: str, body: msgspec.Struct, *, key: str, share: float = DO_SHARE
    ) -> HttpReply | Rejected | OutcomeUnknown:
        """POST; an answer of status 200, 201 or a 4xx that says more, else what it means already."""
        try:
            reply = await self._call("POST", path, body, key=key, share=share)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        return certainty.of_status(reply, evidence_of(reply), documented_auth_refusals=AUTH_REFUSALS) or reply

    async def look(self, path: str) -> HttpReply | NeverSent | MaybeSent:
        """GET; the answer of whatever status, or why there is none."""
        try:
            return await self._call("GET", path, share=LOOK_SHARE)
        except (NeverSent, MaybeSent) as error:
            return error

    async def _call(
        self, method: str, path: str, body: msgspec.Struct | None = None, *, key: str = "", share: float
    ) -> HttpReply:
        headers: dict[str, str | Secret] = {"Authorization": self.authorization, "Stripe-Version": API_VERSION}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        return await self.http.request(
            method,
            f"{self.base_url}{path}",
            headers=headers,
            body=wire.ENCODER.encode(body) if body is not None else None,
            timeout_seconds=self.timeout_seconds * share,
        )


def leads_on(next_page: str, path: str) -> bool:
    """Whether an answer's next page is one of the same list: our key goes nowhere else."""
    return next_page.startswith(f"{path}?")


def names_of(reply: HttpReply) -> tuple[str, ...]:
    """The `type` and the `code` of an error answer; nothing for one that is not Stripe's."""
    told = strict_json.try_decode(wire.ERROR, reply.body) if reply.status >= certainty.FIRST_REFUSAL else None
    return tuple(name for name in (told.error.type, told.error.code) if name) if told is not None else ()


def evidence_of(reply: HttpReply, *, status: str = "") -> Evidence:
    """An answer kept as evidence, with the type and code of its error."""
    return certainty.evidence_of(
        reply, provider_code="/".join(dict.fromkeys(names_of(reply)))[:200], provider_status=status
    )
