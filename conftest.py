"""Hooks for all tests of the tree, and for nbval on the derived notebooks."""

pytest_plugins = ["coursekit.nbval_plugin", "coursekit.spent"]
