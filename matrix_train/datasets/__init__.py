"""Finished datasets, in the layout that training takes: made of what is there, packed, split, described and reviewed."""
