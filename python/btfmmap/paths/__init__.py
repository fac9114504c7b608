"""Paths from a type to members and other types, through pointers.

- `plans`: a path, step by step
- `spelling`: the path as C, as `BPF_CORE_READ`, for bpftrace
- `reading`: following the path through memory
- `expressions`: paths that are given as C expressions
- `searching`: paths that are found
"""
