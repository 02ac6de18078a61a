"""Thousands of acts environments in one process: the game of `emosim.acts_env` in numpy, equal to the bit.

`env` the vector environment · `crowd` the users' state and one turn of all of them · `table` what personas are, as
arrays, computed by the very functions of the single game · `dice` addressed dice for many · `pay` rewards for many.
"""

from emosim.acts_vector.env import EmpathyActsVectorEnv

__all__ = ["EmpathyActsVectorEnv"]
