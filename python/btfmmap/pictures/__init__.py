"""Pictures of types, kernels and results, with matplotlib."""
