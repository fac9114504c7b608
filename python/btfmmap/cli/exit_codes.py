"""The exit codes of the commands."""

DONE = 0
"""Done, and nothing bad found."""
WANTING = 1
"""What was asked for was not found, or was found wanting: errors, differences, a broken promise."""
WRONG_INPUT = 2
"""Wrong usage, an input that did not open, or output that could not be written."""
NOTHING_TRIED = 3
"""Nothing could be tried."""
INTERRUPTED = 130
"""As a shell reports a process that SIGINT ended."""
PIPE_CLOSED = 141
"""As a shell reports a process that SIGPIPE ended."""
