"""What code depends on, followed by name and found by reading, never by running.

``code``      the words for what code uses: imports, chains of names, strings, scopes
``names``     what a piece of code uses, read off its syntax tree
``modules``   a module as its top-level statements: what each binds, what merely runs at import
``registry``  dict literals whose entries count one by one
``reaching``  from the code of a notebook to the statements, entries and files it reaches

The conventions are in :mod:`coursekit.dependencies.reaching`.
"""

from __future__ import annotations

from coursekit.dependencies.reaching import Reach, reach

__all__ = ["Reach", "reach"]
