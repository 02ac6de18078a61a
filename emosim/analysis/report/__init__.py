"""Reports: one HTML file that shows what was found, with every transcript beside its mood.

`write_report(path, Report(...))` writes it; `charts` holds what can be shown, `exhibits` makes the usual charts from
transcripts, `drawing` a picture of moods for README and Jupyter, `plots` PNG files (extra `plots`).
"""

from emosim.analysis.report.drawing import svg_moods as svg_moods
from emosim.analysis.report.page import render_report as render_report
from emosim.analysis.report.page import write_report as write_report
from emosim.analysis.report.selection import Limits as Limits
from emosim.analysis.report.values import Cost as Cost
from emosim.analysis.report.values import Fault as Fault
from emosim.analysis.report.values import Faults as Faults
from emosim.analysis.report.values import Methods as Methods
from emosim.analysis.report.values import Report as Report
from emosim.analysis.report.values import Transcript as Transcript
from emosim.analysis.report.values import transcripts as transcripts
