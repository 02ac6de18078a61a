"""Instruments that read stored episodes: each answers with an interval, or says what it would need."""
