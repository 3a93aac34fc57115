"""Grading the same class by ours and by others: ``python -m benchmarks.grading``."""
