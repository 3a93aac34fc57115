"""What makes a question of the exercises work, whatever chapter it belongs to.

``registry`` says what a question is and finds it by its id, ``misconception`` what a known way of
being wrong is; ``run`` tries an answer and judges it, with ``compare`` for values, ``randomness``
around each call, and ``show`` and ``result`` for what the student reads; ``trained`` judges
weights. Kernels of the grader can read this folder, and nothing of the chapters beside it.
"""
