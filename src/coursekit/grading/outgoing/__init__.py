"""What goes out: rows and a person's decisions become grade books, imports and pages.

The same rows and the same decisions give the same bytes, whenever and however often.
"""
