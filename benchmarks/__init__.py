"""Speed beside public peers: ``python -m benchmarks`` runs every module here.

How to read its table. A row is one piece of work, done by us and by one peer on the same input.
*ratio* is our process time divided by the peer's, one thread each, the median over the rounds; it is
*met* only if the ratio of every round lies within the target. *Missed* means that every round lies
above it, *undecided* that the target lies between: run it again when the machine is quiet, and if it
stays there the row is too close to its target to say. *Missing* is a peer that is not installed.
A row that is not met makes the command fail, and its last line names it.

The microseconds are for orientation and change with the machine and its load. So does the ratio, by
a few per cent: :mod:`benchmarks.harness` says by how much. Peers come with the extra ``bench``.
"""
