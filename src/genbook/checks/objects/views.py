"""Views, by hand: which writes arrive?"""

from genbook.checks import Question, answers, pencil


def views():
    return [[7.0, -1.0, 2.0], [7.0, 14.0, 100.0]]


ANSWERS = answers("""
the program as the sheet has it:
    x = torch.arange(6.0).reshape(2, 3)
    x[1] += 10
    y = x[[0]];      y *= 0
    x.T[0] = 7
    z = x.reshape(6); z[5] = 100
    v = x.float();   v[0, 1] = -1
    w = x.double();  w += 1
    return x
as an array: → np.array([[7, -1, 2], [7, 14, 100]])
a list as index gives a view: 2.0 → 0.0
    Your first row was set to zero. `x[[0]]`, with a list as index, is a copy; only `x[0]` would
    have been a view.
float() copies: -1.0 → 1.0
    The −1 is missing. `x.float()` of a tensor that is float32 already returns x itself.
reshape copies: 100.0 → 15.0
    The 100 is missing. Where it can, `reshape` gives a view, and for a contiguous x it can.
double() is a view: → [[8, 0, 3], [8, 15, 101]]
    You added 1 to x. `x.double()` needs other bytes for its numbers, so it is a copy.
the transpose copies: → [[0, -1, 2], [13, 14, 100]]
    The 7s are missing. `x.T` is a view: its row 0 is the column 0 of x.
a row of the transpose is a row: → [[7, -1, 7], [13, 14, 100]]
    You wrote the 7s into a row. Row 0 of `x.T` is column 0 of x.
""")
QUESTION = Question("objects.views", 2, views, pencil("the six numbers"), ANSWERS)
