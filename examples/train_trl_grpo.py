"""GRPO with TRL: a small chat model talks to emosim users that get harder as it gets better.

    python examples/train_trl_grpo.py --model tiny --steps 2 --out runs/tiny            # a smoke test, seconds
    python examples/train_trl_grpo.py --model smollm2 --steps 500 --out runs/smollm2    # wants a GPU

The curriculum reads what the log of rollouts says of the present level (`emosim.analysis.contrast`): first the base
model plays a ladder of levels and training starts at the highest where its groups still differ; then the level rises
where groups are mostly at the ceiling and falls where they hold nothing to learn from. `--level 0.3` keeps it there.

Written to `--out`: `log/`, a run that `emosim verify` recomputes and the frontier's instruments read, and `curves.json`
(a row a step: reward, moods, zone, level, variety of acts; at the end, whether acts narrowed).

No training on a GPU was run with this file; `examples/train_trl_grpo/` holds a run of a few steps on a CPU, which is
too short to learn anything. Needs `trl>=1.16,<1.17`, and `gguf` for SmolLM2, whose weights `emosim fetch-model` brings
(135M parameters, kept in 4 bits: training starts from those, not from the original ones).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl.chat_template_utils import qwen2_5_chat_template

from emosim.adapters.trl import chat
from emosim.analysis.contrast import INSIDE, SUCCESS, graded_contrast, place
from emosim.analysis.diversity import FEWEST, compare_variety, count_acts
from emosim.analysis.entropy import hill
from emosim.analysis.table import ACTS, Table, tabulate
from emosim.backends.weights import need_weights
from emosim.packs import Pack
from emosim.packs.library import Casting
from emosim.persona import Language
from emosim.rollouts import Rollouts
from emosim.runs import verify
from emosim.runs.records import Record
from emosim.suite import Suite
from emosim.testing.tiny_model import tiny_model

LADDER: Final = (0.0, 0.25, 0.5)
"""Levels that the base model plays first."""
STEP: Final = 0.1
"""How far the level moves. Source: own choice, half the usual width of a frontier's interval."""
PHRASES: Final = (
    "What is it that weighs on you most?",
    "That sounds exhausting, and you carried it alone.",
    "What have you tried so far?",
    "Just calm down.",
    "You should have known better.",
)
"""What the tiny model mostly says."""

Move = Literal["up", "stay", "down", "unknown"]


@dataclass(frozen=True)
class Seen:
    """What stored rollouts say of a level."""

    level: float
    """The level."""
    final: float
    """Mean final mood over 100."""
    zone: str
    """Where the frontier's instruments put it, by success or failure."""
    usable: float | None
    """Share of groups whose returns differ enough to learn from; None: not enough was played."""
    move: Move
    """Where to go."""


@dataclass(frozen=True)
class ShortPack(Pack):
    """A pack whose users have fewer turns, for machines that cannot afford ten."""

    turns: int = 10

    def cast(self, persona: str, language: Language = "en") -> Casting:
        """Return a persona with a shorter scenario."""
        found = super().cast(persona, language)
        return replace(found, scenario=found.scenario.model_copy(update={"max_turns": self.turns}))


def judge(table: Table, group_size: int) -> Seen:
    """Say whether a level is too easy, right or too hard for the agent that played it.

    Args:
        table: Its episodes at one level.
        group_size: G.
    """
    _, returns = table.returns("final")
    return judged(table.keys[0].level, returns, group_size)


def judged(level: float, returns: np.ndarray, group_size: int) -> Seen:
    """Say the same of returns, shape [P, N], NaN for missing: two personas with G rollouts are needed."""
    mean = float(np.nanmean(returns))
    whole = returns[np.isfinite(returns).sum(axis=1) >= group_size]
    if len(whole) < 2:
        return Seen(level, mean, "undetermined", None, "unknown")
    usable = graded_contrast(whole, group_size).estimate
    zone = place(whole, group_size).likely
    if zone in ("inside", "edge"):
        return Seen(level, mean, zone, usable, "stay")
    if mean >= SUCCESS:
        return Seen(level, mean, zone, usable, "up")
    return Seen(level, mean, zone, usable, "stay" if usable >= INSIDE else "down")


class Curriculum(TrainerCallback):
    """Keeps the level where there is something to learn, by the log's new rollouts after each step.

    Args:
        log: Directory of the run.
        group_size: G.
        level: Level to stay at, None to find and move it.
    """

    def __init__(self, log: Path, group_size: int, level: float | None) -> None:
        self.level, self.moves = level or 0.0, level is None
        self.curves: list[dict[str, Any]] = []
        self.records: list[Record] = []
        self._log, self._group_size = log / "episodes.jsonl", group_size
        self._since, self._offset = 0, 0

    def read(self) -> list[Record]:
        """Return the rollouts stored since the last time."""
        with self._log.open("rb") as file:
            file.seek(self._offset)
            found = [Record.model_validate_json(line) for line in file]
            self._offset = file.tell()
        self.records += found
        return found

    def start(self) -> list[Seen]:
        """Choose the first level from what the base model's rollouts on the ladder say."""
        self.read()
        table = tabled(self.records)
        seen = [judge(table.at(f"L{level:.2f}"), self._group_size) for level in table.levels]
        fitting = [one for one in seen if one.move in ("stay", "up")]
        self.level = fitting[-1].level if fitting else max(seen, key=lambda one: one.usable or 0.0).level
        self._since = len(self.records)
        return seen

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Add a row to the curves, and move the level if enough was played at it."""
        new = self.read()
        if not new:
            return
        played = tabled(new)
        held = [record for record in self.records[self._since :] if record.key.split(":")[2] == played.keys[0].cell]
        seen = judge(tabled(held), self._group_size)
        self.curves.append({"step": state.global_step, **summary(new, played), **asdict(seen)})
        if self.moves and seen.move in ("up", "down"):
            self.level = round(min(1.0, max(0.0, self.level + (STEP if seen.move == "up" else -STEP))), 2)
        if seen.move != "unknown":
            self._since = len(self.records)


def tabled(records: Sequence[Record]) -> Table:
    """Return stored rollouts as the instruments read them."""
    return tabulate((record.agent, record.key, record.episode) for record in records)


def summary(records: Sequence[Record], table: Table) -> dict[str, Any]:
    """Return what a step's rollouts came to."""
    endings = [record.episode.ending for record in records]
    counts = count_acts(table.acts, len(ACTS))
    return {
        "return": float(np.mean([record.return_ for record in records])),
        "mood": float(np.mean([100 * record.score for record in records])),
        "turns": float(table.played.mean()),
        "endings": {ending: endings.count(ending) for ending in sorted(set(map(str, endings)))},
        "effective_acts": float(hill(counts.sum(axis=0), 1)) if len(records) > 1 and counts.sum() else None,
    }


def narrowed(records: Sequence[Record]) -> dict[str, Any]:
    """Return whether acts of the last half of training are less varied than those of the first."""
    half = len(records) // 2
    if half < FEWEST:
        return {"kind": "undetermined", "reasons": [f"{half} episodes a half are too few"]}
    first, last = tabled(records[:half]), tabled(records[half:])
    counts = [count_acts(table.acts, len(ACTS)) for table in (first, last)]
    return compare_variety(*counts, first.needs, last.needs).model_dump(mode="json")


def rows_at(users: Rollouts, curriculum: Curriculum, repeats: int) -> Dataset:
    """Return a data set of personas and seeds, whose rows are made when they are drawn, at the level of that moment."""
    keys = Suite(repeats=repeats).episode_keys()

    def drawn(batch: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        chosen = zip(batch["persona"], batch["seed"], strict=True)
        rows = [users.rows(Suite(personas=(p,), seed=s, levels=(curriculum.level,)))[0] for p, s in chosen]
        return {name: [row[name] for row in rows] for name in ("prompt", "episode")}  # type: ignore[literal-required]

    table = Dataset.from_list([{"persona": key.persona, "seed": key.number} for key in keys])
    table.set_transform(drawn)
    return table


def load(model: str, seed: int) -> tuple[Any, Any]:
    """Return a model and its tokenizer: `tiny`, random, or `smollm2`, SmolLM2-135M-Instruct."""
    if model == "tiny":
        return tiny_model(PHRASES, texts=PHRASES, template=qwen2_5_chat_template, seed=seed)
    weights = need_weights()
    named: dict[str, Any] = {"gguf_file": weights.name}
    tokenizer = AutoTokenizer.from_pretrained(weights.parent, **named)
    tokenizer.chat_template = qwen2_5_chat_template
    stored = AutoModelForCausalLM.from_pretrained(weights.parent, dtype=torch.float32, **named)
    config = type(stored.config)(**{k: v for k, v in stored.config.to_dict().items() if k != "quantization_config"})
    plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(stored.state_dict())
    return plain, tokenizer


def trainer_of(options: argparse.Namespace, users: Rollouts, curriculum: Curriculum) -> GRPOTrainer:
    """Return the trainer; everything that a machine with a GPU would change is in its arguments."""
    model, tokenizer = load(options.model, options.seed)
    batch, gpu = options.groups * options.group_size, torch.cuda.is_available()
    return GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=rows_at(users, curriculum, repeats=1000),
        callbacks=[curriculum],
        args=GRPOConfig(
            output_dir=str(options.out / "trainer"),
            max_steps=options.steps,
            per_device_train_batch_size=batch,
            per_device_eval_batch_size=batch,
            num_generations=options.group_size,
            max_completion_length=options.chat_tokens,
            generation_kwargs={"max_new_tokens": options.reply_tokens},
            learning_rate=options.rate,
            lr_scheduler_type="constant_with_warmup",
            beta=0.0,
            seed=options.seed,
            use_cpu=not gpu,
            bf16=gpu,
            gradient_checkpointing=gpu,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
        ),
        **chat(users),
    )


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train, and return what is written to `curves.json`."""
    log = options.out / "log"
    if log.exists():  # the curriculum would take an earlier model's rollouts for this one's
        raise SystemExit(f"{log} holds an earlier training; choose another --out")
    users = Rollouts(options.user, reward=options.reward, agent=options.model, log=str(log))
    if options.turns < 10:
        users.pack = ShortPack(users.pack.folder, users.pack.about, options.turns)
    level = None if options.level == "auto" else float(options.level)
    curriculum = Curriculum(log, options.group_size, level)
    trainer = trainer_of(options, users, curriculum)
    ladder: list[Seen] = []
    if level is None:
        trainer.evaluate(Dataset.from_list([dict(row) for row in users.rows(scouted(options))]))
        ladder = curriculum.start()
    before = len(curriculum.records)
    with suppress(KeyboardInterrupt):  # Ctrl-C ends the training; what was done is kept
        trainer.train()
    users.close()
    verdict = verify(log)
    return {
        "settings": {name: str(value) for name, value in vars(options).items() if name != "out"},
        "ladder": [asdict(one) for one in ladder],
        "steps": curriculum.curves,
        "variety": narrowed(curriculum.records[before:]),
        "verified": {"episodes": verdict.episodes, "problems": verdict.problems},
    }


def scouted(options: argparse.Namespace) -> Suite:
    """Return the episodes that the base model plays first: a ladder of levels, the same users on each rung."""
    return Suite(personas=("dolores", "feng", "omar", "vera")[: options.scouts], levels=LADDER)


def options_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="GRPO against emosim users, with a curriculum.")
    parser.add_argument("--model", choices=("tiny", "smollm2"), default="smollm2")
    parser.add_argument("--steps", type=int, default=200, help="updates of the model")
    parser.add_argument("--level", default="auto", help="auto, or a level 0..1 to stay at")
    parser.add_argument("--group-size", type=int, default=8, help="rollouts with one user")
    parser.add_argument("--groups", type=int, default=4, help="groups a step; 2 or more are judged at once")
    parser.add_argument("--user", default="rules", help="rules, or a model: llm:http://host:8000/v1#MODEL")
    parser.add_argument("--reward", default="final")
    parser.add_argument("--turns", type=int, default=10, help="turns a user has time for, 1..10")
    parser.add_argument("--scouts", type=int, default=4, help="personas on each rung of the first ladder, 2..4")
    parser.add_argument("--reply-tokens", type=int, default=96, help="longest reply")
    parser.add_argument("--chat-tokens", type=int, default=2048, help="longest chat; beyond it the agent has left")
    parser.add_argument("--rate", type=float, default=1e-6, help="learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(words)


def main() -> None:
    """Train and write the curves."""
    options = options_of()
    found = train(options)
    (options.out / "curves.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(found['steps'])} steps; verified: {found['verified']}; curves: {options.out / 'curves.json'}")


if __name__ == "__main__":
    main()
