"""Simulated users. All speak the same protocol; none sees a backend.

`protocol` what a user is · `roster` users by name · `rules` the default, offline and deterministic: `perception` reads
what a reply does, `voice` says what the persona says · `llm` one structured call a turn: `briefing` writes the prompts,
`answers`, `asking`, `wording` see to usable answers · `presets` SAGE and RLVER · `human` the keyboard · `acts` for
agents that choose acts.
"""
