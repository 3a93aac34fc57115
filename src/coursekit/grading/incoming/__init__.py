"""What comes in: bytes that anybody may have written become answers, and files become students.

Here nothing is run. Whatever a file holds, reading it ends, and says what was wrong with it.
"""
