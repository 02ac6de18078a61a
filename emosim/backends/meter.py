"""Counting calls, tokens and money by seat, with hard limits that a wave of calls cannot overshoot."""

from __future__ import annotations

import json
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from pydantic import TypeAdapter, ValidationError

from emosim.backends.loops import ProcessLock
from emosim.errors import BudgetExceeded, UsageError
from emosim.flow import ChatRequest, Seat
from emosim.usage import Usage, UsageSum
from emosim.value import Value

UNSTATED_OUTPUT = 256
"""Output tokens reserved for a call that states no `max_tokens`, until the mean of answered calls is known."""


class Price(Value):
    """What a model costs."""

    input: float
    """US dollars for a million input tokens."""
    output: float
    """US dollars for a million output tokens."""
    cached: float | None = None
    """US dollars for a million input tokens from the prefix cache; the input price if absent."""

    def of(self, usage: Usage) -> float:
        """Return the US dollars that tokens cost."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - usage.cached_tokens
        return (fresh * self.input + usage.cached_tokens * cached + usage.output_tokens * self.output) / 1e6


FREE = Price(input=0.0, output=0.0)
Prices: TypeAlias = Mapping[str, Price]
_TABLE = TypeAdapter(dict[str, Price])


def load_prices(source: Mapping[str, object] | str | Path) -> dict[str, Price]:
    """Return a price table `{model: {input, output, cached}}`, from a mapping or a JSON or TOML file.

    Raises:
        UsageError: The file cannot be read, or an entry is no price.
    """
    try:
        return _TABLE.validate_python(source if isinstance(source, Mapping) else _read_table(Path(source)))
    except (OSError, ValidationError, ValueError) as error:
        where = "prices" if isinstance(source, Mapping) else f"prices file {source}"
        raise UsageError(f"{where}: {_first_problem(error)}") from None


def _read_table(path: Path) -> object:
    text = path.read_text(encoding="utf-8")
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        kind, advice = (
            ("TOML", "name it .json if it is JSON")
            if path.suffix == ".toml"
            else ("JSON", "name it .toml if it is TOML")
        )
        raise ValueError(f"no {kind} ({error}); {advice}, or write JSON such as {_example('MODEL')}") from None


def _example(model: str) -> str:
    return f'{{"{model}": {{"input": 0.5, "output": 1.5}}}} in US dollars for a million tokens'


def _first_problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = "".join(f"{part}: " for part in first["loc"])
        return f"{place}{first['msg']}; write {_example('MODEL')}"
    return error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has: a quarter of its UTF-8 bytes (4 letters, or 1.3 Chinese characters).

    >>> estimate_tokens("I hear you.")
    3
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return math.ceil(size / 4)


def estimate_input(request: ChatRequest) -> int:
    """Return about how many input tokens a request has."""
    return sum(estimate_tokens(m.content) + 4 for m in request.messages)


_ONE_CALL = Usage(1)


class Hold(NamedTuple):
    """What one call in flight may still use."""

    seat: Seat
    expected: Usage
    price: Price | None


class Meter:
    """What calls have used, by seat, and the hard limits on it; shared by all backends that are given the same one.

    A call reserves before it is sent, so calls in flight count towards the limits: `max_calls` is never overshot,
    and tokens and cost only by what a call uses beyond its estimated input and its `max_tokens`. Every request sent
    counts as a call, failed ones too. Safe to use from many threads; a copy (pickle, fork) counts for itself, without
    what the original's calls in flight reserved.

    Args:
        max_calls: Most requests to send.
        max_tokens: Most input and output tokens together.
        max_cost: Most US dollars; needs the price of every model asked.
        prices: Price table, or a JSON or TOML file with one.

    Raises:
        UsageError: The prices cannot be read, or `max_cost` is negative or no number.
    """

    def __init__(
        self,
        *,
        max_calls: int | None = None,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        prices: Mapping[str, object] | str | Path | None = None,
    ) -> None:
        if max_cost is not None and not max_cost >= 0:
            raise UsageError(f"max_cost must be a number from 0, not {max_cost}")
        self.max_calls, self.max_tokens, self.max_cost = max_calls, max_tokens, max_cost
        self._limited = (max_calls, max_tokens, max_cost) != (None, None, None)
        self.prices: Prices = load_prices(prices) if prices is not None else {}
        self._lock = ProcessLock()
        self._spent: dict[Seat, UsageSum] = {"agent": UsageSum(), "user": UsageSum()}
        self._held, self._pid = UsageSum(), os.getpid()
        self._answered = 0

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_held": UsageSum()}

    def usage(self, seat: Seat | None = None) -> Usage:
        """Return what was used so far, by one seat or by both."""
        with self._lock:
            return self._spent[seat].usage() if seat else self._spent["agent"].usage() + self._spent["user"].usage()

    def price_of(self, model: str) -> Price | None:
        """Return the price of a model, by its full name or by what stands after the last slash; None if unknown.

        Raises:
            UsageError: `max_cost` is set and the price is unknown.
        """
        price = self.prices.get(model) or self.prices.get(model.rpartition("/")[2])
        if price is None and self.max_cost is not None:
            raise UsageError(
                f"a limit on the cost needs the price of {model!r}: name a file that has it (--prices FILE, in Python "
                f"prices=FILE), such as {_example(model)}"
            )
        return price

    def reserve(self, request: ChatRequest, price: Price | None) -> Hold:
        """Reserve what a call may use, before it is sent.

        Raises:
            BudgetExceeded: A limit would be passed.
        """
        if not self._limited:
            return Hold(request.seat, _ONE_CALL, price)
        with self._lock:
            if self._pid != os.getpid():
                self._held, self._pid = UsageSum(), os.getpid()
            expected = self._expect(request, price)
            self._check(expected)
            self._held.add(expected, 1)
        return Hold(request.seat, expected, price)

    def settle(self, hold: Hold, used: Usage) -> Usage:
        """Replace a reservation by what was used; return that with its cost."""
        cost = hold.price.of(used) if hold.price else None if used.tokens else 0.0
        used = Usage(1, used.input_tokens, used.output_tokens, used.cached_tokens, cost, used.estimated)
        with self._lock:
            if self._limited:
                self._held.add(hold.expected, -1)
            self._spent[hold.seat].add(used, 1)
            self._answered += used.output_tokens > 0
        return used

    def _expect(self, request: ChatRequest, price: Price | None) -> Usage:
        if self.max_tokens is None and self.max_cost is None:
            return _ONE_CALL
        output = request.max_tokens or self._mean_output()
        expected = Usage(1, estimate_input(request), output)
        return replace(expected, cost=price.of(expected)) if price else expected

    def _mean_output(self) -> int:
        if not self._answered:
            return UNSTATED_OUTPUT
        return math.ceil(sum(spent.output for spent in self._spent.values()) / self._answered)

    def _check(self, expected: Usage) -> None:
        spent = self._spent["agent"].usage() + self._spent["user"].usage()
        held = self._held.usage()
        if self.max_calls is not None and spent.calls + held.calls + 1 > self.max_calls:
            raise BudgetExceeded(f"budget reached: max_calls={self.max_calls}; nothing was sent")
        if self.max_tokens is not None and spent.tokens + held.tokens + expected.tokens > self.max_tokens:
            raise BudgetExceeded(f"budget reached: max_tokens={self.max_tokens}, used {spent.tokens}; nothing was sent")
        if self.max_cost is not None:
            used = spent.cost or 0.0
            if used + (held.cost or 0.0) + (expected.cost or 0.0) > self.max_cost:
                raise BudgetExceeded(f"budget reached: max_cost=${self.max_cost:g}, used ${used:.4g}; nothing was sent")
