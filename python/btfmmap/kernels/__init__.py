"""Many kernels as one argument, opened one at a time, with the identity of each.

- `inputs.py` expands paths, globs and folders.
- `opened.py` opens one of them, and `identity.py` says which kernel it is.
- `mapping.py` applies a function to each, in this process or in an executor.
- `listing.py` has the table of kernels that belongs to a result.
"""
