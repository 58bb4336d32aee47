"""One run, from settings to scores.

`plan` settles what is to be run, without side effects; `run` does it over a run folder and scores; `video` takes one video
through the stages, here or in `processes`; `judge_stage` asks judges. CONTRIBUTING has a line for each module.
"""
