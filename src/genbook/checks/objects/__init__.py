"""The questions of the exercise sheet on names, objects and tensors.

The checker gives every call its own copies of the arguments, and copies share nothing. So where a
question is about sharing, the case is a recipe, and ``use`` makes the objects inside the call.
"""

from genbook.checks import sheet

PARTS = "predict views places storages film plan average with_weights"
QUESTIONS = sheet("objects", PARTS, explain=2)
