"""Probes: a search asks for episodes, and they are played, stored and told to it, until it knows.

`proposing` what a search must offer · `layout` from its trials to episode keys · `probing` playing them into a run that
the same call resumes. What is searched for is none of a probe's business: see `emosim.analysis`.
"""

from emosim.probes.layout import Layout
from emosim.probes.probing import aprobe, probe, probe_config
from emosim.probes.proposing import Proposer

__all__ = ["Layout", "Proposer", "aprobe", "probe", "probe_config"]
