"""What calls of a model used: tokens and money."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """Tokens and money of one or more calls."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """Input tokens that the server took from its prefix cache."""
    cost: float | None = 0.0
    """US dollars; None when the price of any call is unknown."""
    estimated: bool = False
    """True when a server reported no usage and tokens were estimated from characters."""

    def __add__(self, other: Usage) -> Usage:
        known = self.cost is not None and other.cost is not None
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            (self.cost or 0.0) + (other.cost or 0.0) if known else None,
            self.estimated or other.estimated,
        )

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


@dataclass(slots=True)
class UsageSum:
    """A running sum of usages: adding to it makes no value, which counts where every answer is added."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    cost: float = 0.0
    unpriced: int = 0
    estimated: bool = False

    def add(self, usage: Usage, sign: int = 1) -> None:
        """Add a usage, or take it back with a negative sign."""
        self.calls += sign * usage.calls
        self.input += sign * usage.input_tokens
        self.output += sign * usage.output_tokens
        self.cached += sign * usage.cached_tokens
        if usage.cost is None:
            self.unpriced += sign
        else:
            self.cost += sign * usage.cost
        self.estimated |= usage.estimated

    def usage(self) -> Usage:
        """Return the sum; its cost is None when any price was unknown."""
        cost = None if self.unpriced else self.cost
        return Usage(self.calls, self.input, self.output, self.cached, cost, self.estimated)
