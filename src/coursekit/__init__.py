"""Tools that derive, check and grade the book. Never imported by :mod:`genbook`."""
