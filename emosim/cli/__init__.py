"""The command line. One file for each group of commands; heavy things are imported inside them.

`app` the frame: guide, errors, exit codes · `run` play a suite · `lineup` from specs to players · `after` verify,
rescore, merge · `catalogue` list and show · `display` progress · `report` results as text · `gates` pass or fail ·
`frontier` where an agent leaves its explorable space, `frontier_text` and `frontier_page` as text and HTML · `ceiling`,
`compare` best of k, base against trained, diversity · `stored` runs as tables · `bars` gates on findings · `options` ·
`settings` from a file.
"""

from emosim.cli.app import main

__all__ = ["main"]
