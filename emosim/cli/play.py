"""`emosim play`: talk to a persona at the keyboard; the mood stays hidden until asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from emosim.env import EmpathyEnv
from emosim.episode import Episode
from emosim.errors import SimulationError, did_you_mean
from emosim.render import plain, sparkline

COMMANDS = {
    "/state": "show mood, trust and patience",
    "/hint": "say what kind of reply would help",
    "/undo": "take back the last turn",
    "/save": "write the chat so far: /save FILE.json",
    "/quit": "end here",
}


@dataclass
class Table:
    """One sitting at the keyboard.

    Args:
        env: The environment to play.
        read: Asks for a line, as `input` does; raises EOFError when there is none.
        write: Shows a line.
        show_state: Show the mood after every turn.
    """

    env: EmpathyEnv
    read: Callable[[str], str]
    write: Callable[[str], None]
    show_state: bool = False
    past: list[Episode] = field(default_factory=list)
    saved: set[str] = field(default_factory=set)
    """Files that this sitting may write again."""

    def play(self, seed: int) -> Episode:
        """Play until the episode ends, /quit, Ctrl-C, or the end of input, and return the episode."""
        opening, _ = self.env.reset(seed=seed)
        who = self.env.episode.persona
        self.write(f"{who.name}, {who.age}, {who.job}. Say what may help. {', '.join(COMMANDS)}")
        self.write(f"{self._who()}: {plain(opening)}")
        while self.env.episode.ending is None:
            try:
                line = self.read("you> ").strip()
            except (EOFError, KeyboardInterrupt):
                self.write("")
                break
            if line == "/quit":
                break
            self._command(line) if line.startswith("/") else self._say(line)
        self._end()
        return self.env.episode

    def _say(self, line: str) -> None:
        before = self.env.episode
        try:
            text, *_ = self.env.step(line)
        except SimulationError as error:
            self.write(f"(the user could not answer: {error}; say it again)")
            return
        self.past.append(before)
        self.write(f"{self._who()}: {plain(text)}")
        if self.show_state:
            self._state()

    def _command(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        actions: dict[str, Callable[[], None]] = {
            "/state": self._state,
            "/hint": self._hint,
            "/undo": self._undo,
            "/save": lambda: self._save(rest.strip()),
        }
        if word in actions:
            actions[word]()
        else:
            self.write(f"no command {word}{did_you_mean(word, COMMANDS)}")

    def _state(self) -> None:
        now = self.env.episode.emotion
        self.write(
            f"  mood {now.mood:.0f}/100 ({now.last_change:+.1f})  trust {now.trust:.2f}  patience {now.patience:.2f}"
        )

    def _hint(self) -> None:
        self.write(f"  {self._who()} needs {self.env.episode.scenario.need.value.replace('_', ' ')}.")

    def _undo(self) -> None:
        if not self.past:
            self.write("nothing to take back")
            return
        self.env.reset(options={"episode": self.past.pop()})
        self.write(f"taken back. {self._who()}: {plain(self.env.episode.spoken.text)}")

    def _save(self, name: str) -> None:
        if not name:
            self.write("name a file: /save chat.json")
            return
        try:
            with Path(name).open("w" if name in self.saved else "x", encoding="utf-8") as file:
                file.write(self.env.episode.model_dump_json(indent=1))
            self.saved.add(name)
            self.write(f"saved to {name}")
        except FileExistsError:
            self.write(f"not saved: {name} is there already; give another name")
        except OSError as error:
            self.write(f"not saved: {error.strerror} ({name})")

    def _end(self) -> None:
        episode = self.env.episode
        self.write("")
        self.write(
            f"ending: {episode.ending or 'you stopped'}   reward {episode.score - episode.start.mood / 100:+.2f}"
        )
        self.write(f"mood {sparkline(episode.moods)} {' '.join(f'{mood:.0f}' for mood in episode.moods)}")
        self.write(f"what would have helped: {episode.scenario.need_text}")
        worst = min(episode.turns, key=lambda turn: turn.emotion.last_change, default=None)
        if worst is not None and worst.emotion.last_change < 0:
            self.write(f"hurt most ({worst.emotion.last_change:+.1f}): {plain(worst.reply.text)[:120] or '(silence)'}")

    def _who(self) -> str:
        return self.env.episode.persona.name
