"""The jail: student's code runs in a kernel that can do no harm, and values come out of it.

Nothing here knows what a submission is, or what is right.
"""
