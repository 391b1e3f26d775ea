"""The contract of a payout rail as tests: an adapter's author inherits `ProviderContract` and writes fixtures.

`docs/howto/write-an-adapter.md` shows how, `docs/reference/contract.md` lists the numbered behaviours. Needs the extra
`rewardrails[testing]`.
"""

from rewardrails.testing.contract.case import Subject
from rewardrails.testing.contract.double import Conduct, Creation, News, NoticeMaker, SignedBy, VendorDouble
from rewardrails.testing.contract.suite import ProviderContract

__all__ = [
    "Conduct",
    "Creation",
    "News",
    "NoticeMaker",
    "ProviderContract",
    "SignedBy",
    "Subject",
    "VendorDouble",
]
