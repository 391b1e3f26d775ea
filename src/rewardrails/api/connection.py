"""One connection of a caller: its requests' heads are bounded in size and in time, which the HTTP server leaves open."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
MAX_HEAD_BYTES = 64 * 1024


class Connection(HttpToolsProtocol):
    """Ends when a head is not whole in time or too large, or when what is left of an answered body goes on and on."""

    _late: asyncio.TimerHandle | None = None
    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._begin_to_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on what came, and give up when the head grows too large."""
        if self._late is None and self.cycle.response_complete:
            self._begin_to_wait()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A head begins, perhaps while the request before it is still being answered."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._late is None:
            self._begin_to_wait()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        super().on_headers_complete()
        self._in_head = False
        self._stop_waiting()

    def _begin_to_wait(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
