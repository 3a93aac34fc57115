"""Grading a class with nbval: from files that anybody may have written to grades that are fair.

``ingest`` reads bytes, ``merge`` aligns them with the sheet, ``reference`` draws the secret cases,
``zygotes`` and ``sandbox`` make kernels, ``kernel`` and ``engine`` run nbval against them, ``run``
keeps the class going, ``results``, ``exports`` and ``report`` write down what came of it.
"""
