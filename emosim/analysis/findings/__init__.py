"""Findings: what stored episodes say, as one value with one sentence; what the commands print and `--json` holds.

`frontier` one axis · `surface` several knobs · `ceiling` best of k · `comparison` base against trained · `variety` how
varied its acts are · `calibration` agents and personas on one scale · `sentences` how verdicts are worded. Each value
has a `schema_version` and a `verdict`.
"""

from emosim.analysis.findings.calibration import CalibrationFindings, calibrate_file, calibration_findings
from emosim.analysis.findings.ceiling import CeilingFindings, ceiling_findings
from emosim.analysis.findings.comparison import ComparisonFindings, comparison_findings
from emosim.analysis.findings.frontier import FrontierFindings, frontier_findings
from emosim.analysis.findings.surface import SurfaceFindings, surface_findings
from emosim.analysis.findings.variety import VarietyFindings, variety_findings

__all__ = [
    "CalibrationFindings",
    "CeilingFindings",
    "ComparisonFindings",
    "FrontierFindings",
    "SurfaceFindings",
    "VarietyFindings",
    "calibrate_file",
    "calibration_findings",
    "ceiling_findings",
    "comparison_findings",
    "frontier_findings",
    "surface_findings",
    "variety_findings",
]
