"""Whether Stripe's events come here. Source: https://docs.stripe.com/api/v2/core/event-destinations"""

from rewardrails.providers import strict_json
from rewardrails.providers.base import Checked
from rewardrails.providers.http import HttpReply
from rewardrails.providers.stripe import wire
from rewardrails.providers.stripe.client import StripeClient

PATH = "/v2/core/event_destinations?include=webhook_endpoint.url&limit=100"
WANTED = tuple(f"v2.money_management.payout_intent.{word}" for word in ("pending", "processing", "posted", "canceled"))
THIN, ENABLED = "thin", "enabled"


async def check(provider: str, client: StripeClient, *, live: bool) -> Checked:
    """One enabled destination of thin events about payout intents, to our door. Asks and changes nothing."""
    reply = await client.look(PATH)
    told = None
    if isinstance(reply, HttpReply) and reply.status == 200:
        told = strict_json.try_decode(wire.DESTINATIONS, reply.body)
    if told is None:
        return _wrong(
            "not told: the key may not read event destinations", "give the key that right, or look in the dashboard"
        )
    ours = [one for one in told.data if _comes_here(one, provider) and one.livemode is live]
    if not ours:
        return _wrong("none of theirs comes here", f"make one to https://YOUR-HOST/v1/webhooks/{provider}")
    if not any(one.status == ENABLED for one in ours):
        return _wrong("comes here, and is disabled", "enable it in the dashboard")
    ours = [one for one in ours if one.status == ENABLED]
    if not any(one.event_payload == THIN for one in ours):
        return _wrong("comes here with whole objects", "choose payload style thin")
    heard = {event for one in ours if one.event_payload == THIN for event in one.enabled_events}
    missing = [event for event in WANTED if not heard & {event, "*"}]
    if missing:
        return _wrong(f"comes here without {', '.join(missing)}", "enable these events")
    return Checked(about="webhook", is_right=True, found="comes here")


def _comes_here(one: wire.EventDestination, provider: str) -> bool:
    url = (one.webhook_endpoint.url if one.webhook_endpoint is not None else None) or ""
    return url.rstrip("/").endswith(f"/v1/webhooks/{provider}")


def _wrong(found: str, do: str) -> Checked:
    return Checked(about="webhook", is_right=False, found=found, do=do)
