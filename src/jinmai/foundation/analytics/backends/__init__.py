"""Engines that run what measures say: connect, read, run, collect, and nothing else."""
