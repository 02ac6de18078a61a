"""Simulated users. All speak the same protocol; none sees a backend.

`protocol` what a user is · `rules` offline, deterministic, the default · `llm` one structured call a turn ·
`presets` SAGE and RLVER · `human` the keyboard.
"""
