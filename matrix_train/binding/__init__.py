"""The binding world: four plain figures, one of which does something to another, named by words that the picture cannot tell.

Where the figures stand is drawn without knowing the captions, and every first frame comes with four of them. Whoever knows the
picture alone, or the words alone, can only guess; whoever gets it right has bound words to figures.
"""
