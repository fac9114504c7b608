"""`check`: will BPF objects load on kernels?

- `sources.py` expands paths and globs into objects, and `embedded.py` finds those inside other files.
- `objects.py` prepares objects once: relocations, programs, requirements.
- `evaluation.py` answers for all objects on one kernel, in whichever process; `similar.py` looks there for
  what may have replaced what is missing, and `kernel_version.py` reads the kernel's release.
- `result.py` has the answers for all kernels as arrays, and `problems.py` groups what is wrong.
"""
