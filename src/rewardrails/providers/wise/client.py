"""One profile's way to Wise: what is asked, and what an answer means before anybody looks at its content."""

from dataclasses import dataclass, field

import msgspec

from rewardrails.domain.evidence import Evidence
from rewardrails.domain.outcome import OutcomeUnknown, Rejected
from rewardrails.providers import certainty, strict_json
from rewardrails.providers.http import HttpClient, HttpReply, MaybeSent, NeverSent
from rewardrails.providers.wise import wire
from rewardrails.providers.wise.mapping import codes_of
from rewardrails.secrets import Secret

# 401: a token that it does not know. 403: not this token's to do, or a person's consent is wanted; nothing was done.
AUTH_REFUSALS = frozenset({401, 403})
# One call of ours may be three of theirs: look, do, look again. Together they keep to the call's own time.
DO_SHARE = 0.6
LOOK_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class WiseClient:
    """Asks Wise for one profile, within a share of `timeout_seconds` each time."""

    http: HttpClient = field(repr=False)
    base_url: str
    authorization: Secret
    profile_id: int
    timeout_seconds: float

    async def do(self, path: str, body: msgspec.Struct) -> HttpReply | Rejected | OutcomeUnknown:
        """POST; an answer of status 200, 201, 204 or a 4xx that says more, else what it means already."""
        try:
            reply = await self.call("POST", path, body, share=DO_SHARE)
        except (NeverSent, MaybeSent) as error:
            return certainty.of_error(error)
        return certainty.of_status(reply, evidence_of(reply), documented_auth_refusals=AUTH_REFUSALS) or reply

    async def look(self, path: str) -> HttpReply | NeverSent | MaybeSent:
        """GET; the answer of whatever status, or why there is none."""
        try:
            return await self.call("GET", path, share=LOOK_SHARE)
        except (NeverSent, MaybeSent) as error:
            return error

    async def call(
        self, method: str, path: str, body: msgspec.Struct | None = None, *, share: float = DO_SHARE
    ) -> HttpReply:
        """Any request; raises `NeverSent` or `MaybeSent`."""
        headers: dict[str, str | Secret] = {"Authorization": self.authorization, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return await self.http.request(
            method,
            f"{self.base_url}{path}",
            headers=headers,
            body=wire.ENCODER.encode(body) if body is not None else None,
            timeout_seconds=self.timeout_seconds * share,
        )


def errors_of(reply: HttpReply) -> wire.ErrorReply | None:
    """What an error answer says is wrong; None for one that is not Wise's."""
    return strict_json.try_decode(wire.ERROR, reply.body) if reply.status >= certainty.FIRST_REFUSAL else None


def evidence_of(reply: HttpReply) -> Evidence:
    """An answer kept as evidence, with the codes of its errors."""
    return certainty.evidence_of(reply, provider_code=" ".join(codes_of(errors_of(reply)))[:200])
