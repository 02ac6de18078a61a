"""Write the pages that `report.mjs` looks at: `python tests/browser/pages.py FOLDER`. Plays offline; under a minute."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from emosim.analysis.persona_levels import SHOWN, PersonaLevels, PersonaRow
from emosim.analysis.report import Fault, Faults, Methods, Report, Transcript, write_report
from emosim.analysis.report.charts import Boundary, FrontierChart, Point, Series
from emosim.analysis.report.exhibits import ending_bars, level_table, mood_by_level, persona_table, score_map
from emosim.difficulty import at_level
from emosim.engine import advance, leave, open_episode
from emosim.episode import Episode, Utterance
from emosim.flow import drive
from emosim.packs import load_pack
from emosim.policies.protocol import see
from emosim.policies.roster import resolve_policy
from emosim.suite import EpisodeKey
from emosim.users.rules import RulesUser

AGENT = "baseline:rung3"
CANARY = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1><b>bold</b> {{1+1}} \u202e你好"


def play(key: EpisodeKey) -> Transcript:
    """Return one offline episode."""
    policy, user = resolve_policy(AGENT)[0], RulesUser()
    casting = load_pack(key.pack).cast(key.persona, key.language)
    episode = open_episode(casting.persona, casting.scenario, at_level(key.level), key.seed, user)
    while episode.ending is None:
        said = drive(policy.reply(see(episode, policy)), None)
        reply = None if said is None else Utterance(raw=said)
        step = leave(episode) if reply is None else drive(advance(episode, reply, user), None)
        episode = step.after
    return Transcript(key=str(key), agent=AGENT, episode=episode, return_=episode.score - episode.moods[0] / 100)


def bewitch(one: Transcript) -> Transcript:
    """Return an episode in which everybody says scripts."""
    episode = one.episode
    turn = episode.turns[0].model_copy(
        update={
            "reply": Utterance(raw=f"<think>plan {CANARY}</think>{CANARY} {CANARY}"),
            "spoken": episode.turns[0].spoken.model_copy(update={"text": CANARY}),
        }
    )
    return one.model_copy(
        update={
            "note": CANARY,
            "agent": CANARY,
            "episode": episode.model_copy(
                update={
                    "turns": (turn, *episode.turns[1:]),
                    "opening": episode.opening.model_copy(update={"text": CANARY}),
                    "persona": episode.persona.model_copy(update={"name": CANARY, "profile": CANARY}),
                    "scenario": episode.scenario.model_copy(update={"need_text": CANARY}),
                }
            ),
        }
    )


def report(episodes: tuple[Transcript, ...]) -> Report:
    """Return a report with every section."""
    curve = Series(
        name="posterior mean",
        points=tuple(Point(x=x / 20, y=1 - x / 20, low=max(0, 0.9 - x / 20), high=1 - x / 24) for x in range(21)),
    )
    frontier = FrontierChart(
        title="Contrast by difficulty",
        note="Share of groups whose outcomes differ; band: 95 % interval.",
        group_size=8,
        series=(curve,),
        boundary=Boundary(estimate=0.8, low=0.72, high=0.86),
    )
    fault = Fault(seat="user", cause="bad_json", count=1, example=CANARY)
    return Report(
        title=f"Frontier of {AGENT}",
        verdict=f"{AGENT} leaves its explorable space at level 0.80 (95 % interval 0.72 to 0.86, G = 8).",
        reasons=(CANARY,),
        figures={"episodes": str(len(episodes))},
        exhibits=(
            frontier,
            persona_table(levels(episodes)),
            *(make(episodes) for make in (score_map, mood_by_level, ending_bars, level_table)),
        ),
        faults=Faults(attempts=len(episodes) + 1, kinds=(fault,)),
        episodes=episodes,
        methods=Methods(command=f"emosim frontier core --agent {AGENT} --seed 0", versions={"emosim": "0.1.0"}),
    )


def levels(episodes: tuple[Transcript, ...]) -> PersonaLevels:
    """Return shares from none to all for the personas that were played, and for one whose name is a script."""
    cast = [*dict.fromkeys(one.episode.persona.id for one in episodes), CANARY]
    rows = []
    for at, who in enumerate(cast):
        shares = (max(0.0, at / max(1, len(cast) - 1) - level / 2) for level in SHOWN)
        cells = tuple((share, max(0.0, share - 0.2), min(1.0, share + 0.2)) for share in shares)
        rows.append(PersonaRow(persona=who, episodes=len(episodes) // len(cast), success=cells))
    return PersonaLevels(levels=SHOWN, rows=tuple(rows))


def again(one: Transcript, number: int) -> Transcript:
    """Return an episode with other words in it, so that a thousand do not deflate to a few."""
    turns = tuple(
        turn.model_copy(update={"reply": Utterance(raw=f"{turn.reply.raw} ({number * 7919 % 10007:x})")})
        for turn in one.episode.turns
    )
    episode: Episode = one.episode.model_copy(update={"turns": turns})
    return one.model_copy(update={"key": f"{one.key}r{number}", "episode": episode})


def main(folder: Path) -> None:
    """Write `few.html`, `many.html` (200 episodes), `thousand.html`, and what is in them."""
    pack = load_pack("core")
    keys = [
        EpisodeKey("core", persona, language, level, (), 0)
        for level in (0.0, 0.25, 0.5, 0.75, 1.0)
        for persona in sorted(pack.personas)[:20]
        for language in ("en", "zh")
    ]
    episodes = tuple(play(key) for key in keys)
    thousand = tuple(again(one, copy) for copy in range(1000 // len(episodes)) for one in episodes)
    few = (*episodes[:6], bewitch(episodes[6]), *episodes[7:12])
    facts = {}
    for name, chosen in (("few", few), ("many", episodes), ("thousand", thousand)):
        begun = time.perf_counter()
        path = write_report(folder / f"{name}.html", report(chosen))
        facts[name] = {
            "episodes": len(chosen),
            "turns": [len(one.episode.turns) for one in chosen],
            "languages": [one.episode.persona.language for one in chosen],
            "bytes": path.stat().st_size,
            "written_s": round(time.perf_counter() - begun, 2),
        }
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
