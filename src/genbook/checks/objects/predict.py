"""Names, by hand: which list is which?"""

from genbook.checks import Question, answers, pencil


def predict():
    return {"a": [1, 2, 3], "b": [1, 2, 3, 4], "c": [1, 2, 5]}


ANSWERS = answers("""
the program:
    def f(x, y):
        x.append(5)
        y = [0]
    a = [1, 2]
    b = a
    c = a.copy()
    a += [3]
    b = [*b, 4]
    f(c, b)
    return {"a": a, "b": b, "c": c}
as an array: → {"c": np.array([1, 2, 5]), "b": range(1, 5), "a": (1, 2, 3)}
names are boxes: 2, 3, 4] → 2, 4]
    Your b has not seen the 3. `b = a` gives the one list a second name, and `a += [3]` changes it.
a + for lists changes them: 2, 3] → 2, 3, 4]
    Your a has the 4. `b + [4]` makes a new list, and only the name b is tied to it.
a function rebinds the caller's name: [1, 2, 3, 4] → [0]
    Your b is [0]. `y = [0]` ties the function's own name y to a new list. The caller's b leads
    where it led.
a copy is an alias: 3], → 3, 5],; 2, 5] → 2, 3, 5]
    Your c is the list a. `a.copy()` made a list of its own, so the 3 is not in c, nor the 5 in a.
a call copies: 2, 5] → 2]
    Your c has no 5. A call copies nothing: x is another name of the caller's list, and `append`
    changes it.
""")
QUESTION = Question("objects.predict", 2, predict, pencil("the three lists"), ANSWERS)
