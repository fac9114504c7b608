"""`diff`: what changed between kernels?

- `diff.py` reads the definitions of each kernel into a history, in this process or through an executor.
- `result.py` has the history as tables, and answers questions about it.
- `changes.py` has the changes between two kernels, and which follow from which; `kinds.py` their names.
- `selection.py` selects entities by name and kind, and `notes.py` says in what kernels differ as a whole.
"""
