"""Simulated users. All speak the same protocol; none sees a backend.

`protocol` what a user is · `roster` users by name · `rules` offline, deterministic, the default, with `perception` (what
a reply does) and `voice` (what the user says) · `llm` one structured call a turn, with `briefing` (prompts), `answers`,
`asking` and `wording` · `presets` SAGE and RLVER · `human` the keyboard · `acts` for agents that choose acts.
"""
