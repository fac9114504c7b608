"""Runs the command line: `python -m btfmmap`."""

from .cli import run_and_exit

if __name__ == "__main__":
    run_and_exit()
