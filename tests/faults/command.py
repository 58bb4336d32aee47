"""`python -m tests.faults.command WORDS`: the command line in a process of its own."""

import signal

from intergeneval.cli import main

if __name__ == "__main__":
    # What is started in the background inherits a deaf ear for interrupts; these tests may be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
