"""Frozen values and addressed randomness: the two things every other room uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict

_set = object.__setattr__
_set_names = vars(BaseModel)["__pydantic_fields_set__"].__set__
_set_extra = vars(BaseModel)["__pydantic_extra__"].__set__
_set_private = vars(BaseModel)["__pydantic_private__"].__set__


class Value(BaseModel):
    """A frozen value: equal by content, unknown fields refused, attribute docstrings are the field descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Compact(Value):
    """A value of which very many are alive at once: it weighs a quarter of what pydantic's own weigh.

    Their weight is a dict and a set of the given names in each. Here fields are set one by one, in order, which lets
    Python keep them without a dict until somebody asks for it, and a class has one set of names: to pydantic, every
    field was given (`exclude_unset` leaves nothing out). Values nested in validated JSON keep pydantic's form.
    """

    _order: ClassVar[tuple[str, ...]] = ()
    _names: ClassVar[set[str]] = set()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        cls._order, cls._names = tuple(cls.model_fields), set(cls.model_fields)
        cls.model_construct = staticmethod(_written_out(cls))  # type: ignore[method-assign]

    def __init__(self, /, **data: object) -> None:
        for name, value in vars(self.__pydantic_validator__.validate_python(data)).items():
            _set(self, name, value)
        _set_names(self, self._names)
        _set_extra(self, None)
        _set_private(self, None)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:  # type: ignore[override]
        """Return a value from parts that are known to be right: nothing is validated.

        Raises:
            TypeError: A field without default is missing, or there is no such field.
        """
        raise NotImplementedError("every class has its own, from `_written_out`")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced, without validation."""
        if deep:
            return super().model_copy(update=update, deep=True)
        parts = {name: getattr(self, name) for name in self._order}
        return self.model_construct(**(parts | dict(update) if update else parts))  # type: ignore[return-value]


def _written_out(cls: type[Compact]) -> Callable[..., Any]:
    """Return `model_construct` of a class, each field in a line, as `dataclasses` does it: a loop takes three times."""
    fields = cls.model_fields
    given = [name if field.is_required() else f"{name}=fields[{name!r}].default" for name, field in fields.items()]
    lines = [f"    put(made, {name!r}, {name})" for name in fields]
    code = [
        f"def {cls.__name__}(*, {', '.join(given)}):",
        "    made = new(cls)",
        *lines,
        "    put_names(made, names); put_extra(made, None); put_private(made, None)",
        "    return made",
    ]
    known = {"cls": cls, "fields": fields, "names": cls._names, "new": object.__new__, "put": _set}
    known |= {"put_names": _set_names, "put_extra": _set_extra, "put_private": _set_private}
    exec("\n".join(code), known)
    written: Callable[..., Any] = known[cls.__name__]  # type: ignore[assignment]
    return written


_MASK = (1 << 64) - 1
GOLDEN, TURN_STEP, PURPOSE_STEP = 0x9E3779B97F4A7C15, 0xD1342543DE82EF95, 0x2545F4914F6CDD1D


def _mix(x: int) -> int:
    """Scramble 64 bits (the SplitMix64 finaliser, Steele, Lea & Flood 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def roll(seed: int, turn: int, purpose: int) -> float:
    """Return the uniform number in [0, 1) that belongs to an address.

    Dice are looked up, never consumed: the same (seed, turn, purpose) always gives the same number, so forks, retries,
    batches and the order of calls cannot move them. `emosim.acts_vector.dice` computes the same bits with numpy.

    Args:
        seed: Episode seed, any non-negative integer (taken modulo 2**64).
        turn: Turn number, 0 for the opening.
        purpose: Small integer that names what the dice are for.
    """
    x = _address(seed, turn) ^ (purpose * PURPOSE_STEP + GOLDEN) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK  # `_mix`, without the call: nothing is asked more often
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)


@lru_cache(maxsize=64)
def _address(seed: int, turn: int) -> int:
    """Return the part of an address that all dice of a turn share."""
    return _mix((_mix((seed + GOLDEN) & _MASK) ^ (turn * TURN_STEP + GOLDEN)) & _MASK)


def pick(count: int, seed: int, turn: int, purpose: int) -> int:
    """Return an index in 0..count-1 from addressed dice."""
    return int(roll(seed, turn, purpose) * count)


_LEAST: Final = -1000
_SHARED: Final = tuple(n / 100.0 for n in range(_LEAST, 10_001))
"""The hundredths from -10 to 100, where moods and their changes lie: episodes share them."""


def quantise(x: float) -> float:
    """Round to hundredths, half up, with IEEE steps that numpy repeats exactly: stored numbers recompute to the bit."""
    n = math.floor(x * 100.0 + 0.5)
    return _SHARED[n - _LEAST] if _LEAST <= n <= 10_000 else n / 100.0
