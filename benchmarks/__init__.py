"""Speed beside public peers: ``python -m benchmarks`` runs every module here.

How to read its table. A row is one piece of work, done by us and by one peer on the same input.
Its ratio is our process time divided by the peer's, one thread each, the median over the rounds.

    met         the ratio of every round lies within the target
    MISSED      the ratio of every round lies above it
    UNDECIDED   the target lies between: run it again when the machine is quiet; if it stays
                there, the row is too close to its target to say
    MISSING     the peer is not installed; it comes with the extra ``bench``

A row that is not met makes the command fail, and its last line names it. Microseconds are for
orientation and change with the machine and its load. So do ratios, by a few per cent from run to
run; ``benchmarks/harness.py`` says how that was measured, and why the whole range is asked.
"""
