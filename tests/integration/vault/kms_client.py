"""What a package for a key service offers: a `KeyWrapper` that asks the service, and its maker."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence

from rewardrails.errors import KeyMissing, KeyServiceUnavailable


class LittleKms:
    """The service's key at `url`."""

    def __init__(self, url: str, name: str = "little:1") -> None:
        self.name = name
        self._url = url

    async def wrap(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        return await asyncio.to_thread(self._ask, "wrap", keys)

    async def unwrap(self, wrapped: Sequence[bytes]) -> Sequence[bytes]:
        return await asyncio.to_thread(self._ask, "unwrap", wrapped)

    def _ask(self, verb: str, keys: Sequence[bytes]) -> Sequence[bytes]:
        body = json.dumps([base64.b64encode(one).decode() for one in keys]).encode()
        try:
            with urllib.request.urlopen(f"{self._url}/{verb}", body, timeout=5) as answer:
                return [base64.b64decode(one) for one in json.load(answer)]
        except urllib.error.HTTPError as refused:
            refused.close()
            raise KeyMissing(f"the key {self.name} did not wrap this") from None
        except OSError as error:
            raise KeyServiceUnavailable(f"the key service of {self.name} does not answer") from error


def make(settings: Mapping[str, str]) -> LittleKms:
    """From the configuration's `key_service_settings`."""
    return LittleKms(settings["url"])
