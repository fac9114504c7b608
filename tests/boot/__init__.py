"""Boots kernels in an emulator: `make test-boot`."""
