"""Borrowed weights: in, and out in any case."""

from genbook import objects  # noqa: F401, for the answers
from genbook.checks import Case, Question, answers, torch
from genbook.checks.machinery import compare
from genbook.checks.machinery.trusted import ours


def with_weights(model, weights, function):
    own = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        model.load_state_dict(weights)
        return function(model)
    finally:
        model.load_state_dict(own)


class Trouble(Exception):
    """What the function of a case raises."""


class Interrupt(BaseException):
    """Like Ctrl-C: not an Exception."""


ERRORS = {"raises": Trouble, "interrupted": Interrupt}


def use(answer, kind, seed):
    """What the function saw, what came out, and what the network and the weights are afterwards."""
    g = torch.Generator().manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.BatchNorm1d(2))

    def drawn():
        state = model.state_dict().items()
        return {k: torch.randint(1, 99, v.shape, generator=g).to(v) for k, v in state}

    model.load_state_dict(drawn())
    weights = drawn()
    if kind == "misses":
        del weights["0.bias"]
    if kind == "misfit":
        weights["1.bias"] = torch.ones(3)
    parameters = held(model, "_parameters")
    seen, itself = [], []

    @ours
    def function(given):
        itself.append(given is model)
        seen.extend(numbers(held(given)))
        if kind == "writes":
            for parameter in held(given, "_parameters"):
                parameter.data.add_(5)
        if kind in ERRORS:
            raise ERRORS[kind]
        return 42

    try:
        outcome = answer(model, weights, function)
    except (Trouble, Interrupt):
        outcome = "the function's error"
    except Exception as error:
        if kind not in ("misfit", "misses") or isinstance(error, NotImplementedError):
            raise
        outcome = "an error"
    same = [a is b for a, b in zip(parameters, held(model, "_parameters"), strict=True)]
    return {
        "weights that the function saw": seen,
        "the function got the model itself": itself,
        "result": outcome,
        "the network's weights afterwards": numbers(held(model)),
        "its parameters are the objects that they were": same,
        "the given weights afterwards": numbers(dict.values(weights)),
    }


def held(model, *kinds):
    """The tensors that a network of layers holds, whatever its methods say."""
    layers = dict.values(object.__getattribute__(model, "__dict__")["_modules"])
    parts = [object.__getattribute__(layer, "__dict__") for layer in layers]
    kinds = kinds or ("_parameters", "_buffers")
    return [tensor for part in parts for kind in kinds for tensor in dict.values(part[kind])]


def numbers(tensors):
    return [float(x) for tensor in tensors for x in compare.bare(tensor).detach().flatten()]


def cases(seed: int) -> list[Case]:
    return [
        Case((kind, seed), label=label, story=f"with_weights(model, weights, function), where {it}")
        for kind, label, it in (
            ("returns", "the function returns 42", "function returns 42"),
            ("raises", "the function raises an error", "function raises an Exception"),
            ("writes", "the function writes", "function adds 5 to the model's parameters"),
            ("interrupted", "the function is interrupted", "somebody presses Ctrl-C in function"),
            ("misfit", "the weights do not fit", "one tensor of weights has the wrong shape"),
            ("misses", "a tensor of the weights is missing", "weights lacks one of the keys"),
        )
    ]


ANSWERS = answers("""
by catching: finally → except BaseException; (own) → (own);raise
    return function(model) → return (function(model), model.load_state_dict(own))[0]
one by one:
    model.load_state_dict(weights) → for k, x in model.state_dict().items(): x.copy_(weights[k])
    model.load_state_dict(own) → for k, x in model.state_dict().items(): x.copy_(own[k])
state_dict kept by reference: .clone() →
    Afterwards the network still has the borrowed weights. `state_dict()` makes new tensors on the
    old storages, and loading wrote into those: keep copies.
no finally: finally → except ()
    return function(model) → return (function(model), model.load_state_dict(own))[0]
    When the function raises, the network keeps the borrowed weights. Give them back in a `finally`.
the error is swallowed: finally → except BaseException
    return function(model) → return (function(model), model.load_state_dict(own))[0]
    The function's error has disappeared. Give the weights back and let the error pass.
no result: return → result =
    Your function does not return what the given function returned.
only an Exception: finally → except Exception; (own) → (own);raise
    return function(model) → return (function(model), model.load_state_dict(own))[0]
    After an interrupt (Ctrl-C) the network keeps the borrowed weights. Such an error is no
    `Exception`: `finally` is for every case.
loaded outside: own = → own, _ =; .items()} → .items()}, model.load_state_dict(weights)
    model.load_state_dict(weights) → pass
    Weights that do not fit are loaded as far as they do before the error comes, and your network
    stays half borrowed. Load them inside the `try`.
a twin: → with_weights(objects.snapshot(model), weights, function)
    Your function was called with a copy of the model. It should get the model itself.
assigned: (weights) → (objects.snapshot(weights), assign=True); (own) → (own, assign=True)
    The network has new parameter objects afterwards, and an optimiser made before would train the
    old ones (exhibit 10). Load without `assign=True`.
own weights loaded: (weights) → (own)
    The given function saw the network's own weights, not those it should be called with.
buffers forgotten: model.state_dict().items() → model.named_parameters()
    (own) → (own, strict=False)
    Only the parameters are the network's own again. Its buffers (running statistics, say) are still
    the borrowed ones: keep the whole `state_dict`.
keys may be missing: (weights) → (weights, strict=False)
    With `strict=False` weights that lack a tensor are loaded as far as they go. They do not fit:
    let the error come.
""")
QUESTION = Question("objects.with_weights", 3, with_weights, cases, ANSWERS, use=use)
