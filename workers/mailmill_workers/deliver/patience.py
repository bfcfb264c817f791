"""How long a submission may take: a bound for each step, and one for all of them."""

from __future__ import annotations

import asyncio


class Patience:
    """The time that one submission has left. Made when it begins, in a running event loop."""

    def __init__(self, step: float, whole: float) -> None:
        """Allow `step` seconds for each step and `whole` seconds from now for all of them."""
        self._loop = asyncio.get_running_loop()
        self._step = step
        self._end = self._loop.time() + whole

    def step(self) -> asyncio.Timeout:
        """Return a context that raises TimeoutError when the next step takes too long."""
        return asyncio.timeout_at(min(self._loop.time() + self._step, self._end))

    def rest(self) -> asyncio.Timeout:
        """Return a context that raises TimeoutError when all of the time is used up."""
        return asyncio.timeout_at(self._end)

    @property
    def over(self) -> bool:
        """Whether all of the time is used up."""
        return self._loop.time() >= self._end
