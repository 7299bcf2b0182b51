"""A TCP relay on loopback that can be slow or broken in the ways that networks are."""

from __future__ import annotations

import asyncio
import contextlib
import threading

ANSWERS = {
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy",
    "401": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
    "html": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 31\r\nConnection: close\r\n\r\n"
    b"<html><h1>Please sign in</h1></",
}


class Proxy:
    """Relays to `target_port`; `mode` is "pass", "refuse", "hang" or a key of ANSWERS."""

    def __init__(self, target_port: int, *, delay_s: float = 0.0) -> None:
        self._target_port = target_port
        self._delay_s = delay_s
        self._connections: set[asyncio.StreamWriter] = set()
        self.mode = "pass"
        self.port = 0

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            started.set()

        def forever() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(serve())
            self._loop.run_forever()
            for task in (tasks := asyncio.all_tasks(self._loop)):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

        threading.Thread(target=forever, daemon=True).start()
        started.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def turn(self, mode: str) -> None:
        """Change the mode; open connections are dropped, as by a server that fails."""
        self.mode = mode

        def drop() -> None:
            for writer in list(self._connections):
                writer.transport.abort()

        self._loop.call_soon_threadsafe(drop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            if self.mode == "refuse":
                writer.transport.abort()
            elif self.mode == "hang":
                await asyncio.sleep(3600)
            elif self.mode in ANSWERS:
                await reader.read(65536)
                writer.write(ANSWERS[self.mode])
                await writer.drain()
            else:
                await self._relay(reader, writer)
        except (ConnectionError, OSError):
            pass  # the other side went away, which is what a broken network looks like
        finally:
            self._connections.discard(writer)
            with contextlib.suppress(RuntimeError):
                writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._connections.add(there_writer)
        try:
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        finally:
            self._connections.discard(there_writer)
            there_writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Forward each piece half a round trip after it came, without slowing down what follows."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def take() -> None:
            while True:
                data = await source.read(1 << 20)
                await queue.put((self._loop.time() + self._delay_s / 2, data))
                if not data:
                    return

        taker = asyncio.ensure_future(take())
        try:
            while True:
                due_s, data = await queue.get()
                await asyncio.sleep(max(0.0, due_s - self._loop.time()))
                if not data:
                    if sink.can_write_eof():
                        sink.write_eof()
                    return
                sink.write(data)
                await sink.drain()
        finally:
            taker.cancel()
