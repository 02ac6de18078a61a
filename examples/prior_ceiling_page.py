"""The report of `prior_ceiling.py`: one HTML file with inline SVG, no script, no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from prior_ceiling_cells import crossing, edge, signed, table
from prior_ceiling_drawing import STYLE, Axes, Series, chart, legend

Found = dict[str, Any]


def page(found: Found, reading: str = "") -> str:
    """Return the report.

    Args:
        found: What `study` returned.
        reading: What its reader wrote about it, paragraphs of HTML; left out where empty.
    """
    parts = [
        _opening(found),
        f"<h2>Reading</h2>{reading}" if reading else "",
        _design(found),
        _training(found),
        _claims(found),
        _before(found),
        _zones(found),
        _ceilings(found),
        _diversity(found),
        _why(found),
        _variants(found),
        _method(found),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        'initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src '
        f"'unsafe-inline'\"><title>Prior, ceiling and difficulty</title><style>{STYLE}</style></head><body>"
        f"{''.join(parts)}</body></html>\n"
    )


def sentences(found: Found) -> list[str]:
    """Return what came of each claim, computed from the findings."""
    claims, tests = found["claims"], [f"{found['design'][name]:g}" for name in ("moderate", "hard")]
    cells = [(name, test, one["tests"][test]) for name, one in claims.items() for test in tests]
    bent = [cell for *_, cell in cells if cell["shape"] == "inverted U"]
    others = [f"{name} at {test} {cell['shape']}" for name, test, cell in cells if cell["shape"] != "inverted U"]
    hard = [one["tests"][tests[1]]["moderate_less_hardest"] for one in claims.values()]
    count = len(claims)
    last = f"{found['design']['tests'][-1]:g}"
    hardest = [one["tests"][last]["moderate_less_hardest"] for one in claims.values()]
    lines = [
        f"Trained score against training difficulty is an inverted U in {len(bent)} of {len(cells)} curves ({count} "
        f"priors, tested at levels {' and '.join(tests)}){_else(others)}.",
        "The best level to train at follows the level of the test: "
        + "; ".join(f"tested at {test}, {_span(claims, test)}" for test in next(iter(claims.values()))["tests"])
        + ".",
        f"Training at the hardest level loses to training at the moderate one on the hard test (level {tests[1]}) "
        f"{_tally(hard)}; on the hardest test (level {last}) {_tally(hardest)}.",
    ]
    for name, words in (("snr", "the highest learnable contrast"), ("contrast", "the highest plain contrast U")):
        got = [cell["share"][name] for *_, cell in cells]
        where = ", ".join(f"{prior} {one['chosen'][name]:g}" for prior, one in claims.items())
        lines.append(
            f"Training where the prior shows {words} ({where}) obtains {min(got):.2f} to {max(got):.2f} of the best "
            f"gain; at least .9 in {sum(share >= 0.9 for share in got)} of {len(got)} cells."
        )
    verdicts = [f"{one['name']} {one['ceilings']['best']['verdict']}" for one in found["priors"]]
    lines.append(f"Whether training at the best level selects or creates: {', '.join(verdicts)}.")
    return lines


def _tally(found: Sequence[Found]) -> str:
    lost, won = sum(one["low"] > 0 for one in found), sum(one["high"] < 0 for one in found)
    return f"for {lost} of {len(found)} priors and wins for {won}"


def _span(claims: Found, test: str) -> str:
    peaks = sorted({one["tests"][test]["peak"] for one in claims.values()})
    return f"{peaks[0]:g}" if len(peaks) == 1 else f"{peaks[0]:g} to {peaks[-1]:g}"


def _else(others: Sequence[str]) -> str:
    return f"; not for: {', '.join(others)}" if others else ""


def _opening(found: Found) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in sentences(found))
    return (
        "<h1>Does training cross the ceiling of the prior, and at which difficulty does it teach most?</h1>"
        "<p>Policies that answer simulated users of emosim with one of 25 support acts or harms start from different "
        "pretrained priors, are trained by GRPO at one difficulty each, and are tested at all. The score is the user's "
        f'final mood over 100. What came out, computed from the numbers below:</p><ul class="summary">{items}</ul>'
    )


def _design(found: Found) -> str:
    design, recipe = found["design"], found["design"]["recipe"]
    rows = [[one["name"], one["reason"], *(f"{x:.2f}" for x in one["base"].values())] for one in found["priors"]]
    head = ["prior", "whom it stands for and why it is here", *(f"base at {level}" for level in design["tests"])]
    return (
        "<h2>What was trained</h2><p>The policy is a softmax over acts, linear in the 50 numbers that the environment "
        "shows an agent (turn, kinds of the user's last message, own last act, how apparent each need has become). It "
        "never sees mood, trust or need. The prior is its initial weights; five were fixed, with reasons, before "
        f"anything was trained. GRPO: G = {recipe['group_size']} rollouts with the same user (persona and seed), "
        f"{recipe['groups']} groups an update, {recipe['updates']} updates, advantages normalised in the group, "
        f"{recipe['passes']} passes with clip {recipe['clip']:g}, KL to the prior {recipe['kl']:g}, Adam at "
        f"{recipe['rate']:g}; the same for all. The step size was picked on a sixth prior that is not in the study. "
        f"{design['seeds']} seeds a level; test users never appear in training.</p>{table(head, rows, words={1})}"
    )


def _training(found: Found) -> str:
    design = found["design"]
    tests = design["tests"]
    axes = Axes("level trained at", design["levels"])
    panels = []
    for one in found["priors"]:
        main = one["variants"]["main"]
        lines = []
        for style, test in enumerate(tests):
            means = main[f"{test:g}"]["means"]
            points = [(level, mean["estimate"]) for level, mean in zip(design["levels"], means, strict=True)]
            bars = [(mean["low"], mean["high"]) for mean in means]
            lines.append(Series(f"tested at {test:g}", style, points, bars, one["base"][f"{test}"]))
        panels.append(chart(one["name"], axes, lines))
    return (
        "<h2>Trained score against training difficulty</h2>"
        f"{legend([(f'tested at level {test:g}', style) for style, test in enumerate(tests)])}"
        f'<div class="panels">{"".join(panels)}</div><p class="small">Mean final mood over 100; bars are 95 % '
        f"intervals over {design['seeds']} training seeds; thin lines are the untrained prior at the same test "
        "level.</p>"
    )


def _claims(found: Found) -> str:
    rows = []
    for name, one in found["claims"].items():
        for test, cell in one["tests"].items():
            shares = [f"{cell['share'][key]:.2f} (at {one['chosen'][key]:g})" for key in one["chosen"]]
            rows.append(
                [name, test, cell["shape"], f"{cell['peak']:g}", signed(cell["moderate_less_hardest"]), *shares]
            )
    head = [
        "prior", "tested at", "shape", "best level", "trained at moderate less at hardest",
        "share of best gain at max SNR", "at max U", "at max graded U",
    ]  # fmt: skip
    return (
        f"<h2>The claims, prior by prior</h2>{table(head, rows)}"
        '<p class="small">Inverted U: some level in between beats both ends, each by a 95 % interval over seeds '
        "widened for the number of levels in between. A share is the gain over the base after training at the level "
        "that the "
        "criterion picked from the untrained prior's rollouts, over the gain at the best level; the best is picked "
        "after the fact, which flatters it.</p>"
    )


def _before(found: Found) -> str:
    design = found["design"]
    axes, moderate = Axes("level", design["levels"]), f"{design['moderate']:g}"
    panels = []
    for one in found["priors"]:
        looks, shares = one["looks"], one["variants"]["main"]["shares"][moderate]
        snr = [look["snr"]["snr"]["estimate"] for look in looks]
        tallest = max(*snr, 1e-9)
        values = (
            [max(share, 0.0) for share in shares],
            [x / tallest for x in snr],
            [look["contrast"]["estimate"] for look in looks],
            [look["graded_contrast"]["estimate"] for look in looks],
        )
        lines = [
            Series(label, style, list(zip(design["levels"], row, strict=True)))
            for style, (label, row) in enumerate(zip(_SEEN, values, strict=True))
        ]
        panels.append(chart(one["name"], axes, lines))
    return (
        "<h2>Could it be seen beforehand?</h2>"
        f"{legend([(label, style) for style, label in enumerate(_SEEN)])}"
        f'<div class="panels">{"".join(panels)}</div><p class="small">The last three are measured on the untrained '
        f"prior alone: learnable contrast (SNR) from {design['groups']} groups a level, over its own maximum; U for "
        "success "
        "(final mood of 70 or more) and for graded returns (spread in the group of .05 or more).</p>"
    )


_SEEN = (
    "gain after training, share of the best (moderate test)",
    "SNR, share of its maximum",
    "contrast U (success)",
    "contrast U (graded)",
)


def _zones(found: Found) -> str:
    design = found["design"]
    head = ["prior", *(f"{level:g}" for level in design["levels"]), "boundary d*, prior", "after training"]
    rows = []
    for one in found["priors"]:
        cells = [(look["zone"], f"{look['likely_zone']} {look['contrast']['estimate']:.2f}") for look in one["looks"]]
        rows.append([one["name"], *cells, edge(one["boundary"]), edge(one["boundary_trained"])])
    size = design["recipe"]["group_size"]
    return (
        f"<h2>Zones of each prior</h2>{table(head, rows)}"
        f'<p class="small">Contrast U for G = {size} and success at a mood of 70: inside from .5, edge from .2, '
        "outside below; beneath is too easy; uncoloured where the interval crosses a limit. Boundary: where U falls "
        "to .5, by "
        "the adaptive search of <code>emosim frontier</code> with at most 240 episodes; “&lt; 0” means that the policy "
        "is outside even at the easiest level.</p>"
    )


def _ceilings(found: Found) -> str:
    panels, rows = [], []
    for one in found["priors"]:
        best = one["ceilings"]["best"]
        ks = best["k"]
        axes = Axes(
            "best of k rollouts", [k for k in ks if k in (1, 4, 16, 64, 256, 1024) or k == ks[-1]], doubling=True
        )
        both = [list(zip(ks, best[name], strict=True)) for name in ("base", "trained")]
        other = list(zip(ks, one["ceilings"]["hardest"]["trained"], strict=True))
        lines = [Series("prior", 0, both[0]), Series("trained", 1, both[1]), Series("hardest", 2, other)]
        panels.append(chart(one["name"], axes, lines))
        rows += [_ceiling_row(one, kind, label) for kind, label in (("best", f"{one['best']:g}"), ("hardest", "1"))]
    head = [
        "prior", "trained at", "C(1) of prior", "C(1) trained", "worth best of", "crossover k",
        "C(K) trained less prior",
        "users never brought to a mood of 70: prior, trained", "verdict", "entered (of them in the prior after all)",
    ]  # fmt: skip
    deep, shallow = found["design"]["deep"], found["design"]["shallow"]
    keys = legend([("prior", 0), ("trained at its best level", 1), ("trained at the hardest level", 2)])
    return (
        f"<h2>The ceiling of the prior</h2>{keys}"
        f'<div class="panels">{"".join(panels)}</div>{table(head, rows)}<p class="small">At level '
        f"{found['design']['moderate']:g}, {24 * found['design']['per_persona']} users, {deep} rollouts with each, "
        "first training seed. “Worth best of” is the smallest k whose best-of-k of the prior reaches one rollout of "
        "the "
        "trained policy; crossover the smallest k from which the prior covers as much as the trained policy. The "
        f"verdict is <code>emosim compare</code>'s with {shallow} rollouts; of the users whom it saw enter the support "
        f"the last column counts those whom the prior had satisfied within {deep} rollouts. A softmax leaves nothing "
        "out "
        "altogether: creation here means out of reach of that many rollouts.</p>" + _reasons(found)
    )


def _ceiling_row(one: Found, kind: str, label: str) -> list[Any]:
    cell = one["ceilings"][kind]
    unsolved = " to ".join(f"{share:.0%}" for share in cell["unsolved"])
    entered = f"{cell['entered']} ({cell['entered_but_in_the_prior']})"
    return [
        one["name"], label, f"{cell['base'][0]:.3f}", f"{cell['trained'][0]:.3f}", crossing(cell["worth"]),
        crossing(cell["crossover"]), signed(cell["difference"][-1]), unsolved, cell["verdict"], entered,
    ]  # fmt: skip


def _reasons(found: Found) -> str:
    rows = [[one["name"], "; ".join(one["ceilings"]["best"]["reasons"])] for one in found["priors"]]
    return table(["prior", "why this verdict (trained at its best level)"], rows, words={1})


def _diversity(found: Found) -> str:
    rows = []
    for one in found["priors"]:
        for kind, cell in one["stored"].items():
            before, after = cell["variety"]
            fit = (cell["diversity"]["change"] or {}).get("fit") or {}
            rows.append([
                one["name"], f"{one['best']:g}" if kind == "best" else "hardest",
                f"{before['effective']['estimate']:.1f}", f"{after['effective']['estimate']:.1f}",
                f"{before['adaptivity'] or 0:.2f}", f"{after['adaptivity'] or 0:.2f}",
                f"{fit.get('given_need', float('nan')):+.2f}", cell["diversity"]["kind"], cell["verdict"],
            ])  # fmt: skip
    head = [
        "prior", "trained at", "effective acts before", "after", "I(act; need) before", "after",
        "change of H(act | need)",
        "diversity", "emosim compare",
    ]  # fmt: skip
    count = found["priors"][0]["stored"]["best"]["episodes"]
    return (
        f'<h2>Does behaviour narrow?</h2>{table(head, rows)}<p class="small">From stored emosim runs of {count} '
        f"episodes each (24 personas, {found['design']['repeats']} seeds) at level {found['design']['moderate']:g}, "
        "verified to the bit; first training seed; equal numbers of acts; nats. Specialised: less varied for each need "
        "because acts fit it; collapsed: less varied whatever the need. The last column is the verdict with this "
        "many episodes.</p>"
    )


def _why(found: Found) -> str:
    design = found["design"]
    head = ["prior", "", *(f"{level:g}" for level in design["levels"])]
    rows = []
    for one in found["priors"]:
        main = one["variants"]["main"]
        for label, pick in _MECHANICS:
            rows.append([one["name"], f"prior: {label}", *(pick(look) for look in one["looks"])])
        for label, where, key in _HABITS:
            rows.append([one["name"], f"trained: {label}", *(_habit(habit, key) for habit in main[where])])
    return (
        f"<h2>Why</h2><p>What groups of the untrained prior look like at each level, and what training at each level "
        f"makes the policy do.</p>{table(head, rows)}{_knobs(found)}"
    )


def _knobs(found: Found) -> str:
    """Return what stands between a policy and the moderate test, knob by knob."""
    rows = [
        [one["name"], f"{one['best']:g}" if name == "best" else f"{found['design']['levels'][0]:g}", *cells]
        for one in found["priors"]
        for name, scores in one["eased"].items()
        for cells in [[f"{score:.3f}" for score in scores.values()]]
    ]
    knobs = list(found["priors"][0]["eased"]["best"])[1:]
    head = ["prior", "trained at", f"tested at {found['design']['moderate']:g}", *(f"{knob} at 0" for knob in knobs)]
    return f"<p>The same test with one knob at a time put back to 0 (first training seed):</p>{table(head, rows)}"


def _habit(habit: Found, key: str) -> str:
    return f"{habit[key]:.1f}" if key == "turns" else f"{habit[key]:.2f}"


_MECHANICS: tuple[tuple[str, Callable[[Found], str]], ...] = (
    ("success (mood of 70)", lambda look: f"{look['success']:.3f}"),
    ("turns an episode", lambda look: f"{look['turns']:.1f}"),
    ("spread of returns in a group", lambda look: f"{look['group_sd']:.3f}"),
    ("groups with a spread below .05", lambda look: f"{look['flat_groups']:.2f}"),
    ("SNR of one group", lambda look: f"{look['snr']['snr']['estimate']:.3f}"),
)
_HABITS = (
    ("turns, at its own level", "at_home", "turns"),
    ("turns, moderate test", "habits", "turns"),
    ("share of harms, moderate test", "habits", "harms"),
    ("share of acts that meet the need, moderate test", "habits", "meets"),
)


def _variants(found: Found) -> str:
    names = [name for name in found["priors"][0]["variants"] if name != "main"]
    if not names:
        return ""
    design, rows = found["design"], []
    for one in found["priors"]:
        for name in ["main", *names]:
            for test in (design["moderate"], design["hard"]):
                cell = one["variants"][name][f"{test:g}"]
                means = [f"{mean['estimate']:.3f}" for mean in cell["means"]]
                rows.append([one["name"], "as above" if name == "main" else name, f"{test:g}", *means, cell["shape"]])
    head = ["prior", "training", "tested at", *(f"{level:g}" for level in design["levels"]), "shape"]
    return (
        f'<h2>Does it hang on the budget or on graded pay?</h2>{table(head, rows)}<p class="small">A quarter of '
        "the updates, from the same runs; or paid 1 for a final mood of 70 and else 0 in place of the mood itself, "
        f"{design['variant_seeds']} seeds.</p>"
    )


def _method(found: Found) -> str:
    return (
        "<h2>Again</h2><p><code>python examples/prior_ceiling.py</code> makes this page and <code>study.json</code>, "
        "which holds every number, and leaves the runs of the policies in <code>runs/prior_ceiling/</code>; open them "
        "with <code>emosim verify</code>, <code>emosim ceiling</code>, <code>emosim compare</code> and <code>emosim "
        "diversity</code>. Intervals over users hold for the 24 personas of the core pack, played by emosim's "
        "own rules with known acts: this says what GRPO does in that world, nothing about people. The same question "
        "with a small "
        "real language model is put by <code>examples/train_trl_grpo.py</code>.</p>"
    )
