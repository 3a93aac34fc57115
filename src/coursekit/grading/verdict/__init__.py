"""The verdict: what an answer did is compared with what is right, and becomes a row of results.

It is made in the grader's own process, on cases that the kernel could not know before.
"""
