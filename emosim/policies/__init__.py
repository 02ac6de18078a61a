"""Agents that come with emosim: floor, ladder, oracle, adversarial ones, and shells for chat models, callables, commands."""
