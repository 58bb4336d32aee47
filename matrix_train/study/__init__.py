"""The study: which layers bind, does guiding them help, does aligning them help, does each loss matter.

One TOML file names base, clips, arms, benchmark and seeds (`plan`); it becomes a list of pieces (`pieces`) that are done one
after another and each leave their result (`work`, `run`). Scores become orders by a rule that is written once (`rule`), and a
table in the form of the paper's ablation (`leaderboard`, `table`). On a blind sheet somebody else answers the judge's questions
(`labels`).
"""
