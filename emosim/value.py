"""Frozen values and addressed randomness: the two things every other room uses."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, cast, dataclass_transform

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass
from pydantic_core import SchemaSerializer, SchemaValidator

_STRICT: Final = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""How pydantic takes the values of either kind."""


class Value(BaseModel):
    """A frozen value: equal by content, unknown fields refused, attribute docstrings are the field descriptions."""

    model_config = ConfigDict(frozen=True, **_STRICT)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class _Slotted(type):
    """Makes classes with annotations slotted, frozen dataclasses that pydantic validates."""

    def __new__(mcs, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> Any:
        cls = super().__new__(mcs, name, bases, space)
        if "__slots__" in space:  # the root, or a class that `dataclass` makes anew with its slots
            return cls
        made: Any = dataclass(kw_only=True, frozen=True, slots=True, config=_STRICT)(cast(type, cls))
        made.model_construct = staticmethod(_written_out(made))
        return made


class Compact(metaclass=_Slotted):
    """A value of which very many are alive at once and that is read all the time, with the methods that a `Value` has.

    It weighs a quarter of what pydantic's models weigh, and reading a field of it takes a sixth of the time: its fields
    lie in slots, and there is no `__getattr__` that Python would have to ask. To pydantic, every field was given
    (`exclude_unset` leaves nothing out).
    """

    __slots__ = ("__weakref__",)
    __pydantic_validator__: ClassVar[SchemaValidator]
    __pydantic_serializer__: ClassVar[SchemaSerializer]

    if TYPE_CHECKING:

        @classmethod
        def model_construct(cls, **values: Any) -> Self:
            """Return a value from parts that are known to be right: nothing is validated.

            Raises:
                TypeError: A field without default is missing, or there is no such field.
            """

    @classmethod
    def model_validate(cls, content: object) -> Self:
        """Return a value from Python values.

        Raises:
            ValidationError: They are no such value.
        """
        found: Self = cls.__pydantic_validator__.validate_python(content)
        return found

    @classmethod
    def model_validate_json(cls, content: str | bytes) -> Self:
        """Return a value from JSON.

        Raises:
            ValidationError: It is no JSON, or no such value.
        """
        found: Self = cls.__pydantic_validator__.validate_json(content)
        return found

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields as a dictionary; the options are those of `pydantic.BaseModel.model_dump`."""
        content: dict[str, Any] = self.__pydantic_serializer__.to_python(self, **options)
        return content

    def model_dump_json(self, **options: Any) -> str:
        """Return the fields as JSON; the options are those of `pydantic.BaseModel.model_dump_json`."""
        return self.__pydantic_serializer__.to_json(self, **options).decode("utf-8")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced, without validation."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        return self.model_construct(**((copy.deepcopy(parts) if deep else parts) | dict(update or {})))


def _written_out(cls: type[Any]) -> Callable[..., Any]:
    """Return `model_construct` of a class, each slot in a line, as `dataclasses` does it: a loop takes three times."""
    known: dict[str, Any] = {"cls": cls, "new": object.__new__}
    given, lines = [], []
    for name, field in cls.__pydantic_fields__.items():
        known |= {f"put_{name}": vars(cls)[name].__set__, f"usual_{name}": field.get_default(call_default_factory=True)}
        given.append(name if field.is_required() else f"{name}=usual_{name}")
        lines.append(f"    put_{name}(made, {name})")
    code = [f"def {cls.__name__}(*, {', '.join(given)}):", "    made = new(cls)", *lines, "    return made"]
    exec("\n".join(code), known)
    written: Callable[..., Any] = known[cls.__name__]
    return written


_MASK = (1 << 64) - 1
GOLDEN, TURN_STEP, PURPOSE_STEP = 0x9E3779B97F4A7C15, 0xD1342543DE82EF95, 0x2545F4914F6CDD1D


def _mix(x: int) -> int:
    """Scramble 64 bits (the SplitMix64 finaliser, Steele, Lea & Flood 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def roll(seed: int, turn: int, purpose: int, salt: int = 0) -> float:
    """Return the uniform number in [0, 1) that belongs to an address.

    Dice are looked up, never consumed: the same (seed, turn, purpose, salt) always gives the same number, so forks,
    retries, batches and the order of calls cannot move them. `emosim.acts_vector.dice` computes the same bits with
    numpy.

    Args:
        seed: Episode seed, any non-negative integer (taken modulo 2**64).
        turn: Turn number, 0 for the opening.
        purpose: Small integer that names what the dice are for.
        salt: Whose dice they are, see `salt_of`; 0 for nobody's.
    """
    x = _address(seed, turn) ^ salt ^ (purpose * PURPOSE_STEP + GOLDEN) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK  # `_mix`, without the call: nothing is asked more often
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)


@lru_cache(maxsize=64)
def _address(seed: int, turn: int) -> int:
    """Return the part of an address that all dice of a turn share."""
    return _mix((_mix((seed + GOLDEN) & _MASK) ^ (turn * TURN_STEP + GOLDEN)) & _MASK)


def pick(count: int, seed: int, turn: int, purpose: int, salt: int = 0) -> int:
    """Return an index in 0..count-1 from addressed dice."""
    return int(roll(seed, turn, purpose, salt) * count)


@lru_cache(maxsize=4096)
def salt_of(name: str) -> int:
    """Return 64 bits that belong to a name, so that under one seed no two of a cast throw the same dice."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8"), digest_size=8).digest(), "little")


_LEAST: Final = -1000
_SHARED: Final = tuple(n / 100.0 for n in range(_LEAST, 10_001))
"""The hundredths from -10 to 100, where moods and their changes lie: episodes share them."""


def quantise(x: float) -> float:
    """Round to hundredths, half up, with IEEE steps that numpy repeats exactly: stored numbers recompute to the bit."""
    n = math.floor(x * 100.0 + 0.5)
    return _SHARED[n - _LEAST] if _LEAST <= n <= 10_000 else n / 100.0
