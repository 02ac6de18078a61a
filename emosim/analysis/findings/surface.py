"""What a search over several knobs found: explorable volume, what each knob costs, boundaries along each."""

from __future__ import annotations

from typing import Literal

from emosim.analysis.boundary import Boundary
from emosim.analysis.counted import counted
from emosim.analysis.findings.sentences import between, told_apart, undetermined
from emosim.analysis.intervals import Interval
from emosim.analysis.surface import Surface, Volume
from emosim.value import Value


class SurfaceFindings(Value):
    """How much of a cube of knobs an agent can explore."""

    schema_version: Literal[1] = 1
    """Version of the stored form."""
    kind: Literal["surface"] = "surface"
    """Which findings these are."""
    verdict: str
    """The sentence."""
    agent: str
    """Spec of the agent."""
    knobs: tuple[str, ...]
    """The knobs; all others are 0."""
    group_size: int
    """G."""
    contrast: float
    """u."""
    volume: Volume
    """Shares of the cube."""
    costs: dict[str, Interval]
    """What each knob from 0 to 1 costs in logits of success, and pairs `a*b`; empty where undetermined."""
    ray: Boundary
    """Boundary where these knobs are equal."""
    axes: dict[str, Boundary]
    """Boundary along each knob, the others at 0."""
    episodes: int
    """Scorable episodes."""
    faults: int
    """Episodes that could not be finished; none is in any number."""


def surface_findings(agent: str, search: Surface) -> SurfaceFindings:
    """Return what a search found.

    Args:
        agent: Spec of the agent.
        search: The search, after its last observation.
    """
    volume, ray = search.volume(), search.boundary()
    return SurfaceFindings(
        verdict=_sentence(agent, search, volume),
        agent=agent,
        knobs=search.knobs,
        group_size=search.target.group_size,
        contrast=search.target.value,
        volume=volume,
        costs={} if volume.explorable is None else search.costs(),
        ray=ray,
        axes={knob: search.boundary(knob) for knob in search.knobs},
        episodes=volume.episodes,
        faults=ray.faults,
    )


def _sentence(agent: str, search: Surface, volume: Volume) -> str:
    level = f"{search.target.value:g}".removeprefix("0")
    what = f"G = {search.target.group_size}, u = {level}, {counted(volume.episodes, 'episode')}"
    cube = f"the space of {' and '.join(search.knobs)}"
    if volume.status == "undetermined" or volume.explorable is None or volume.outside is None:
        seen = "this design could see no difference between two such shares"
        if volume.explorable is not None:
            seen = f"two such shares are told apart from a difference of {told_apart(volume.explorable):.2f} on"
        return undetermined(f"{agent}: how much of {cube} it can explore", what, (*volume.reasons, seen))
    share = between(volume.explorable)
    return f"{agent} can explore {share} of {cube}; {between(volume.outside)} is too hard ({what})"
