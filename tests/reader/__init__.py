"""The judge's exam for a reader at a desk: requests and replies as files. By hand: `python -m tests.reader --help`."""
