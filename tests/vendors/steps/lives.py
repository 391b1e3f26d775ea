"""What is done to a reward that a vendor pays: the acts of every rail, and what happens at the vendor meanwhile."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from rewardrails.testing.contract import Conduct
from tests.steps.lives import (
    Act,
    Life,
    Scene,
    apply,
    ask,
    ask_under_a_quote,
    cancel,
    come_back,
    correct,
    hear,
    later,
    retry,
    work,
)
from tests.vendors.steps.shop import VendorShop
from tests.vendors.vendors import Vendor


async def accepting(scene: Scene) -> None:
    """The vendor takes what comes."""
    _shop(scene).meet(Conduct.ACCEPT)


async def refusing(scene: Scene) -> None:
    """The vendor refuses it."""
    _shop(scene).meet(Conduct.REFUSE)


async def losing(scene: Scene) -> None:
    """The vendor takes it, and its answer is lost."""
    _shop(scene).meet(Conduct.LOSE_REPLY)


async def settle(scene: Scene) -> None:
    """The money reaches the player."""
    _shop(scene).settle(scene.number)


async def much_later(scene: Scene) -> None:
    """Days pass: what is paid is asked about seldom."""
    await scene.world.shift.pass_by(scene.world.rescuer.database, timedelta(days=2))


def _shop(scene: Scene) -> VendorShop:
    return cast(VendorShop, scene.world.shop)


def _life(*acts: Act, ends: str = "paid", heard: bool = True) -> Life:
    return Life(behaviour="vendor", acts=(accepting, *acts), ends=ends, heard=heard)


LIVES: Mapping[str, Life] = {
    "told by a notice": _life(ask_under_a_quote, work, settle, hear, apply, later, work),
    "found by asking": _life(ask, work, settle, later, work, heard=False),
    "answer lost": _life(losing, ask, work, accepting, settle, hear, apply, later, work),
    "refused and corrected": _life(refusing, ask, work, accepting, correct, retry, work, settle, later, work),
    "refused for a while": _life(refusing, ask, work, accepting, later, work, settle, later, work),
    "returned and sent again": _life(
        ask, work, settle, later, work, come_back, hear, apply, much_later, work, retry, work, settle, later, work
    ),
    "canceled at the rail": _life(ask, work, cancel, later, work, ends="canceled"),
}
"""By name. Thin notices need a round of asking before anybody knows what they tell."""


def lives_at(vendor: Vendor) -> Mapping[str, Life]:
    """Those that a payout over this vendor can have."""
    impossible = {
        "canceled at the rail": not vendor.cancels,
        "returned and sent again": not vendor.returns,
        "answer lost": not vendor.finds_lost,
        "refused and corrected": not vendor.refuses_for_good,
        "refused for a while": vendor.refuses_for_good,
    }
    return {name: life for name, life in LIVES.items() if not impossible.get(name)}
