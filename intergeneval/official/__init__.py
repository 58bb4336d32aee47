"""The result files of the public InterGenEval release: read into run folders, and written from them.

`read_results` turns files into records without writing anything; `import_results` puts them into one run folder a model;
`export_run` writes a run folder in the release's layout, so that its users can keep their scripts.
"""

from intergeneval.official.exporting import export_run
from intergeneval.official.importing import Imported, import_results, read_results

__all__ = ["Imported", "export_run", "import_results", "read_results"]
