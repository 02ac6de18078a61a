"""Agents that come with emosim: floor, ladder, oracle, attacks, and shells for chat models, callables and commands."""
