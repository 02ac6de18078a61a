"""Runs: a suite played into a directory that can be resumed, verified, rescored, sharded and merged.

`playing` many episodes at once · `game` one of them · `records` what is stored · `seals` checksums of evidence ·
`store`, `ledger`, `lock` the directory · `tally`, `summary`, `interval` what it found · `verification`, `rescoring`,
`merging` what can be done with it later, without a model.
"""

from emosim.runs.config import ChangedSettings, RunConfig
from emosim.runs.game import Players
from emosim.runs.interval import Mean
from emosim.runs.merging import merge
from emosim.runs.playing import Pace, aplay, config_of, keys_of, play
from emosim.runs.records import Failure, Record
from emosim.runs.rescoring import rescore
from emosim.runs.store import read_config, read_failures, read_run
from emosim.runs.summary import Summary
from emosim.runs.tally import Tally, Watch
from emosim.runs.verification import Verdict, verify

__all__ = [
    "ChangedSettings",
    "Failure",
    "Mean",
    "Pace",
    "Players",
    "Record",
    "RunConfig",
    "Summary",
    "Tally",
    "Verdict",
    "Watch",
    "aplay",
    "config_of",
    "keys_of",
    "merge",
    "play",
    "read_config",
    "read_failures",
    "read_run",
    "rescore",
    "verify",
]
