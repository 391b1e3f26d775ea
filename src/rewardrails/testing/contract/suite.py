"""All behaviours in one class."""

from rewardrails.testing.contract.batches import Batches
from rewardrails.testing.contract.cancel import Cancel
from rewardrails.testing.contract.certainty import Certainty
from rewardrails.testing.contract.creation import Creation
from rewardrails.testing.contract.declaration import Declaration
from rewardrails.testing.contract.lifecycle import Lifecycle
from rewardrails.testing.contract.lookup import LookUps
from rewardrails.testing.contract.quotes import Quotes
from rewardrails.testing.contract.repeats import Repeats
from rewardrails.testing.contract.secrecy import Secrecy
from rewardrails.testing.contract.statement import Statement
from rewardrails.testing.contract.webhooks import Webhooks


class ProviderContract(
    Declaration, Quotes, Creation, Repeats, Certainty, LookUps, Cancel, Batches, Webhooks, Secrecy, Lifecycle, Statement
):
    """What every adapter does: inherit it, name the class `Test...`, and write the fixtures.

    `subject` says what is tested and is always needed; `vendor` is a double of the provider, `notices` writes its
    webhooks. `docs/reference/contract.md` lists the behaviours.
    """
