"""The gate: may this run replace its baseline? `verdict` decides, `writing` says it, `baselines` keeps what is compared with.

`run_scores` gives the scores of a run folder to whoever compares: as they were written, or computed anew.
"""
