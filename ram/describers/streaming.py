"""Run an asynchronous generator in a thread of its own and hand out its values one by one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
_END: Any = object()


def iterate_in_thread(source: Callable[[], AsyncGenerator[T, None]]) -> Iterator[T]:
    """The values of `source()` for code that is not asynchronous, be it inside a running event loop or not.

    Tasks of the source go on while the caller is busy with its last value. Once the iterator has ended,
    failed or been closed early, all of them are cancelled and the thread is gone.

    Raises:
        Exception: whatever the source raises.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="ram-describer", daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    values = source()
    try:
        while (value := run(_next(values))) is not _END:
            yield value
    finally:
        run(_stop(values))  # type: ignore[arg-type]
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _next(values: AsyncGenerator[T, None]) -> T:
    return await anext(values, _END)


async def _stop(values: AsyncGenerator[T, None]) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await values.aclose()
