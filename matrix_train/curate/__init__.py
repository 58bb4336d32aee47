"""From raw clips to a dataset that `fit` takes: `matrix-train curate` (protocol, sections 2 and 3).

source -> shots -> form -> look -> filters -> doubles -> captions -> scenes -> kept -> words -> proposals -> places -> cuts ->
checks -> dataset. Each stage keeps one line a clip in its own files (`lines`), keyed by the clip, the hash of what the line is
made from and the stage's version: a curation is stopped anywhere and gone on with, and a stage is done again only for clips whose
input changed. What is asked, found, cut out and doubted is done by the code of `intergeneval bench build`; engines are a run's.
"""
