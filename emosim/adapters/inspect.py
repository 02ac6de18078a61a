"""Inspect AI: simulated users as a task; the log viewer shows how the mood moved.

    pip install emosim inspect-ai
    inspect eval emosim/empathy --model openai/gpt-5-mini -T 'levels=[0.3,0.6]' -T user=llm:openai:gpt-5 --epochs 4
    inspect view

    from inspect_ai import eval
    from emosim.adapters.inspect import empathy
    (log,) = eval(empathy(levels=[0.3], personas=["dolores"], log="runs/inspect"), model="openai/gpt-5-mini")

All epochs of a sample meet the same user. Scores: the return, the final mood (0..100), and whether the user was helped;
a sample whose user failed is unscored (NaN) and counts for nothing. Cut off by a limit of tokens, messages or cost, the
agent has left, which is the worst outcome; a limit of time leaves the sample unscored. Inspect shows an agent its own
earlier reasoning in a form of its own; `--reasoning-history none` leaves it out.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.log import transcript
from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import LimitExceededError, StoreModel, concurrency
from pydantic import Field

from emosim.rollouts import Rollout, Row, shared
from emosim.suite import Suite

BUDGETS = ("token", "message", "turn", "cost")
SHOWN = ("mood", "change", "trust", "acts", "fit", "thought", "ending")
Message = {"system": ChatMessageSystem, "user": ChatMessageUser}


class Course(StoreModel):
    """How the episode went, in the sample's store."""

    episode: str = ""
    mood: float = 0.0
    moods: list[float] = Field(default_factory=list)
    ending: str = ""
    reward: float | None = None
    fault: str = ""


@task
def empathy(
    personas: list[str] | str = "",
    levels: list[float] | float = 0.3,
    languages: list[str] | str = "en",
    repeats: int = 1,
    think: bool = False,
    connections: int = 32,
    **settings: Any,
) -> Task:
    """Talk with simulated users.

    Args:
        personas: Ids; all if empty.
        levels: How hard, 0..1.
        languages: `en`, `zh`.
        repeats: Seeds for each persona, language and level.
        think: Ask for reasoning in `<think>` first; the user never sees it.
        connections: Most calls of the user's model at once.
        settings: Of the users: user, backend, pack, reward, log, deadline_s, limits; see `emosim.rollouts.Rollouts`.
    """
    several = {"personas": personas or [], "levels": levels, "languages": languages}
    lists = {name: value if isinstance(value, list) else [value] for name, value in several.items()}
    suite = Suite(**{"pack": settings.get("pack", "core"), "repeats": repeats, **lists})
    rows = shared(settings).rows(suite, think=think)
    return Task(dataset=list(map(sample_of, rows)), solver=talk(connections, **settings), scorer=mood())


def sample_of(row: Row) -> Sample:
    """Return the sample of a row."""
    first = [Message[message["role"]](content=message["content"]) for message in row["prompt"]]
    return Sample(id=row["episode"], input=first, metadata={"episode": row["episode"]})


@solver
def talk(connections: int = 32, **settings: Any) -> Solver:
    """Talk until the user is helped or leaves, or the agent's budget is used up; arguments as for `empathy`."""
    users = shared(settings)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        course, rollout = state.store_as(Course), users.open(state.metadata)
        course.episode = str(rollout.key)
        try:
            while not rollout.over and not state.completed:
                _note(course, rollout)
                state = await generate(state)
                async with concurrency(f"user {users.user.name}", connections) if users.backend else nullcontext():
                    step = await rollout.areply(_raw(state))
                if step.text:
                    state.messages.append(ChatMessageUser(content=step.text))
            rollout.leave()
        except LimitExceededError as limit:
            if limit.type in BUDGETS:
                rollout.leave()
            else:
                rollout.invalidate(f"a limit of {limit.type}")
            raise
        except Exception as error:
            rollout.invalidate(f"{type(error).__name__}: {' '.join(str(error).split())}")
            raise
        finally:
            _note(course, rollout)
        return state

    return solve


@scorer(metrics={"return": [mean(), stderr()], "mood": [mean(), stderr()], "satisfied": [mean(), stderr()]})
def mood() -> Scorer:
    """Score return, final mood (0..100), and whether the user was helped; unscored where the user failed."""

    async def score(state: TaskState, target: Target) -> Score:
        course = state.store_as(Course)
        facts = {"episode": course.episode, "ending": course.ending, "moods": course.moods}
        if course.reward is None:
            why = course.fault or "the episode did not end: a limit of time, or another solver than emosim/talk"
            return Score.unscored(reason="scoring_failed", explanation=why, metadata=facts)
        value = {"return": course.reward, "mood": course.mood, "satisfied": float(course.ending == "satisfied")}
        return Score(value=value, answer=course.ending, metadata=facts)

    return score


def _note(course: Course, rollout: Rollout) -> None:
    """Keep how it goes in the store, whose changes the log viewer shows, and what the user felt in the transcript."""
    info = rollout.info
    course.moods, course.mood = list(rollout.episode.moods), info["mood"]
    transcript().info({name: info[name] for name in SHOWN}, source="emosim")
    if rollout.over:
        course.ending, course.reward, course.fault = rollout.outcome.ending, rollout.outcome.reward, rollout.fault


def _raw(state: TaskState) -> str:
    """Return the reply with its reasoning, which Inspect takes apart, but for replies that are nothing else."""
    content, text = state.output.message.content, state.output.message.text
    apart = [] if isinstance(content, str) or "<think>" in text else [c.text for c in content if c.type == "reasoning"]
    return "\n".join([*apart, text])
