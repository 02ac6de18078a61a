"""stub"""
from emosim.users.perception.verdict import perceive as perceive_semantically
