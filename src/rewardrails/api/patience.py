"""How long a body may take to come: whoever drips holds up nobody but themselves."""

import asyncio

from litestar.types import HTTPReceiveMessage, Receive, WebSocketReceiveMessage

from rewardrails import clock
from rewardrails.errors import FieldInvalid

FIRST_SECONDS = 15.0
LEAST_BYTES_PER_SECOND = 16 * 1024


def patient(receive: Receive) -> Receive:
    """`receive` with a limit: 15 s, and a second more for every 16 KiB that have come.

    Raises `FieldInvalid` once the body is late. What comes after its end, such as news that the caller left, may take
    any time.
    """
    started, size, ended = clock.monotonic(), 0, False

    async def receive_in_time() -> HTTPReceiveMessage | WebSocketReceiveMessage:
        nonlocal size, ended
        if ended:
            return await receive()
        left_seconds = started + FIRST_SECONDS + size / LEAST_BYTES_PER_SECOND - clock.monotonic()
        try:
            async with asyncio.timeout(left_seconds):
                message = await receive()
        except TimeoutError:
            raise FieldInvalid("the body came too slowly: send it again over a better line", field="body") from None
        if message["type"] == "http.request":
            size += len(message["body"])
            ended = not message["more_body"]
        else:
            ended = True
        return message

    return receive_in_time
