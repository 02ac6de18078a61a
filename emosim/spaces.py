"""A Gymnasium space of what people say: any Unicode text up to a length.

`gymnasium.spaces.Text` takes only characters of a charset and no empty text, and its shared memory indexes that
charset. Here shared memory holds code points, so that `AsyncVectorEnv` carries Chinese, emoji and lone surrogates.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, overload

import numpy as np
from gymnasium.spaces import Text
from gymnasium.vector.utils import create_empty_array, create_shared_memory
from gymnasium.vector.utils.shared_memory import read_from_shared_memory, write_to_shared_memory

from emosim.acts import SUPPORTS, Act
from emosim.errors import UsageError
from emosim.persona import Language
from emosim.phrasebook import generic

_CODEC: Final = "utf-32-le"
_SPOKEN: Final[tuple[Act, ...]] = (*SUPPORTS, Act.PLATITUDE, Act.DISMISSAL, Act.LECTURING, Act.OFF_TOPIC)
_LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


class UtteranceSpace(Text):
    """Any text of 0 to `max_chars` characters: line breaks, emoji and the empty text included.

    Samples are sentences that somebody could say, in English or Chinese, not strings of letters.

    Args:
        max_chars: Longest text, in characters (code points), 1 or more.
        seed: Seed or generator for sampling.
    """

    def __init__(self, max_chars: int, seed: int | np.random.Generator | None = None) -> None:
        if max_chars < 1:
            raise UsageError(f"max_chars must be 1 or more, not {max_chars}")
        super().__init__(int(max_chars), min_length=0, charset=" ", seed=seed)

    @property
    def max_chars(self) -> int:
        """Longest text, in characters."""
        return self.max_length

    @property
    def is_np_flattenable(self) -> bool:
        """False: a text is not a vector."""
        return False

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Return one or two plausible sentences, cut to `max_chars`.

        Raises:
            UsageError: A mask or probabilities were given; they have no meaning for free text.
        """
        if mask is not None or probability is not None:
            raise UsageError("an UtteranceSpace cannot be masked; sample() takes no argument")
        language = _LANGUAGES[int(self.np_random.integers(2))]
        said = [self._sentence(language) for _ in range(int(self.np_random.integers(1, 3)))]
        return ("" if language == "zh" else " ").join(dict.fromkeys(said))[: self.max_length]

    def contains(self, x: Any) -> bool:
        """Return whether x is a text that is short enough."""
        return isinstance(x, str) and len(x) <= self.max_length

    def __repr__(self) -> str:
        return f"UtteranceSpace({self.max_length})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UtteranceSpace) and self.max_length == other.max_length

    __hash__ = None  # type: ignore[assignment]

    def _sentence(self, language: Language) -> str:
        act = _SPOKEN[int(self.np_random.integers(len(_SPOKEN)))]
        return generic(act, language, int(self.np_random.integers(6)))


class SharedTexts(Sequence[str]):
    """The texts in shared memory as they are now; a deep copy is a tuple of what they were.

    Args:
        cells: Array of shape (n, 1 + max_chars), int32: length, then code points.
    """

    def __init__(self, cells: np.ndarray) -> None:
        self._cells = cells

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        row = self._cells[index]
        return bytes(row[1 : 1 + int(row[0])]).decode(_CODEC, "surrogatepass")

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return tuple(self)

    def __reduce__(self) -> tuple[type[tuple[str, ...]], tuple[tuple[str, ...]]]:
        return tuple, (tuple(self),)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(tuple(self))


@create_shared_memory.register(UtteranceSpace)
def _create(space: UtteranceSpace, n: int = 1, ctx: ModuleType | Any = None) -> Any:
    if ctx is None:
        import multiprocessing as ctx
    return ctx.Array(np.dtype(np.int32).char, n * (1 + space.max_length))


@read_from_shared_memory.register(UtteranceSpace)
def _read(space: UtteranceSpace, shared_memory: Any, n: int = 1) -> SharedTexts:
    return SharedTexts(_cells(space, shared_memory, n))


@write_to_shared_memory.register(UtteranceSpace)
def _write(space: UtteranceSpace, index: int, values: str, shared_memory: Any) -> None:
    if not space.contains(values):
        raise UsageError(f"a text of {len(values)} characters does not fit {space!r}")
    codes = np.frombuffer(values.encode(_CODEC, "surrogatepass"), dtype=np.int32)
    row = _cells(space, shared_memory, -1)[index]
    row[1 : 1 + len(codes)] = codes
    row[0] = len(codes)


@create_empty_array.register(UtteranceSpace)
def _empty(space: UtteranceSpace, n: int = 1, fn: Any = np.zeros) -> tuple[str, ...]:
    return ("",) * n


def _cells(space: UtteranceSpace, shared_memory: Any, n: int) -> np.ndarray:
    return np.frombuffer(shared_memory.get_obj(), dtype=np.int32).reshape((n, 1 + space.max_length))
