"""Notebooks that must fail: run one by one by tests/coursekit/test_nbval.py, never collected."""

collect_ignore_glob = ["*.ipynb"]
