"""The report: run folders to pages that open from a disk, with every number's way back to the frames it came from.

`load` reads runs, `leaderboard` and `sample` make what is to be shown, `plots` and `formats` put numbers into pictures and words,
`downloads` into files, and `write` fills the templates. Nothing here judges, tracks or scores.
"""

from intergeneval.report.downloads import report_json
from intergeneval.report.page import Report, ReportOptions
from intergeneval.report.write import MAX_SINGLE, Written, write_report

__all__ = ["MAX_SINGLE", "Report", "ReportOptions", "Written", "report_json", "write_report"]
