"""`python -m tests.faults.command WORDS`: the command line in a process of its own."""

from intergeneval.cli import main

if __name__ == "__main__":
    main()
