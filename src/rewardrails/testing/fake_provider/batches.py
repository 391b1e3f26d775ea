"""POST /v1/batches: many creations under one key."""

from rewardrails.testing.fake_provider.behaviour import PLANS, Door
from rewardrails.testing.fake_provider.options import Dedupes
from rewardrails.testing.fake_provider.refusals import info_for
from rewardrails.testing.fake_provider.service import Denied, Service, Taken
from rewardrails.testing.fake_provider.wire import Batch, BatchItem, CreateBatch, Refusal


def accept_batch(service: Service, request: CreateBatch, key: str) -> Batch:
    """Accept what can be accepted; an atomic profile accepts nothing if one item is refused.

    Under a profile that dedupes by request an item's key is its reference, otherwise it is its place in the batch.
    """
    by_place = service.options.profile.dedupes is not Dedupes.REQUEST
    keys = [f"{key}/{place}" if by_place else item.reference for place, item in enumerate(request.payouts)]
    choices = [service.chooser.choose(item.reference, item.destination.value) for item in request.payouts]
    refused = [choice.code if PLANS[choice.behaviour].door is Door.REFUSE else "" for choice in choices]
    if service.options.profile.batch_is_atomic and any(refused):
        refused = [code or "batch_refused" for code in refused]
    outcomes = [
        service.seen(item, item_key)
        or (service.refuse(item, item_key, code) if code else service.accept(item, item_key, choice, batch=key))
        for item, item_key, choice, code in zip(request.payouts, keys, choices, refused, strict=True)
    ]
    return Batch([_show(service, outcome) for outcome in outcomes])


def _show(service: Service, outcome: Taken | Denied) -> BatchItem:
    if isinstance(outcome, Denied):
        return BatchItem(error=Refusal(code=outcome.code, message=info_for(outcome.code).message))
    return BatchItem(payout=service.views.payout(outcome.entry))
