"""Each guard of `verify` meets the mistake that it is for; each way of checking also passes."""

import math
from collections import namedtuple

import numpy as np
import pytest
import sympy as sp
import torch

from genbook import verify
from genbook._symbolic import changes

Interval = namedtuple("Interval", "value low high")
a, b, x0, eps = sp.symbols("a b x_0 epsilon", positive=True)
x = sp.Symbol("x", real=True)


def normal(n, *shape, seed=0):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


# Symbols ------------------------------------------------------------------------------------------

EQUATIONS = {
    "algebra": ((a * x0 + b * eps) * (a * x0 - b * eps), a**2 * x0**2 - b**2 * eps**2),
    "roots": (1 / (sp.sqrt(a + b) - sp.sqrt(a)), (sp.sqrt(a + b) + sp.sqrt(a)) / b),
    "integral": (
        sp.Integral(sp.exp(-(x**2) / (2 * b**2)), (x, -sp.oo, sp.oo)),
        sp.sqrt(2 * sp.pi) * b,
    ),
    "derivative": (sp.Derivative(x**2 * sp.exp(x), x), x * (x + 2) * sp.exp(x)),
    "constant": ((a**2 + b**2) / (a + b) ** 2 + 2 * a * b / (a + b) ** 2, 1),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_identity_passes_and_every_change_of_the_equation_breaks_it(name, capsys):
    left, right = EQUATIONS[name]
    verify.identity("eq-test-x", left, right)
    assert capsys.readouterr().out == "eq-test-x ✓ symbolic\n"
    for words, wrong in changes(sp.sympify(right)):
        with pytest.raises(verify.VerificationError):
            verify.identity("eq-test-x", left, wrong)
            pytest.fail(f"not noticed: {words}")
    assert capsys.readouterr().out == ""


def test_identity_carries_out_sums_and_undefined_functions():
    k, n = sp.symbols("k n", integer=True, positive=True)
    f = sp.Function("f")
    verify.identity("eq-test-sum", sp.Sum(k, (k, 1, n)), n * (n + 1) / 2)
    product = sp.Derivative(x**2 * f(x), x)
    verify.identity("eq-test-product", product, 2 * x * f(x) + x**2 * sp.Derivative(f(x), x))
    with pytest.raises(verify.VerificationError):
        verify.identity("eq-test-product", product, 2 * x * f(x))


def test_identity_of_matrices_and_of_indexed_symbols():
    m = sp.Matrix([[a, b], [0, a]])
    verify.identity("eq-test-matrix", sp.MatMul(m, m), sp.Matrix([[a**2, 2 * a * b], [0, a**2]]))
    with pytest.raises(verify.VerificationError):
        verify.identity("eq-test-matrix", sp.MatMul(m, m), sp.Matrix([[a**2, a * b], [0, a**2]]))
    with pytest.raises(verify.VerificationError, match="same expression"):
        verify.identity("eq-test-matrix", m, m.copy())
    with pytest.raises(TypeError, match="shapes"):
        verify.identity("eq-test-matrix", m, sp.Matrix([[a, b]]))
    alpha, t = sp.IndexedBase("alpha"), sp.Symbol("t", integer=True)
    verify.identity("eq-test-indexed", (1 - alpha[t]) ** 2 - 1, alpha[t] ** 2 - 2 * alpha[t])
    with pytest.raises(verify.VerificationError):
        verify.identity(
            "eq-test-indexed", (1 - alpha[t]) ** 2 - 1, alpha[t - 1] ** 2 - 2 * alpha[t]
        )


def test_identity_refuses_what_checks_nothing():
    side = sp.sqrt(a) + b
    for left, right in [(a + b, b + a), (side, side), (a * b / a, b)]:
        with pytest.raises(verify.VerificationError, match="same expression"):
            verify.identity("eq-test-x", left, right)
    with pytest.raises(verify.VerificationError, match="neither side contains a symbol"):
        verify.identity("eq-test-x", 2, 3)
    with pytest.raises(verify.VerificationError, match="floating-point"):
        verify.identity("eq-test-x", sp.Float(0.1) * a * (b + 1), a * b / 10 + a / 10)


def test_identity_finds_a_term_that_does_not_matter():
    # sin² + cos² − 1 is a term of zero: any coefficient in front of it would do.
    nothing = sp.sin(a) ** 2 + sp.cos(a) ** 2 - 1
    right = a + b * nothing
    with pytest.raises(verify.VerificationError, match="check is empty"):
        verify.identity("eq-test-x", (a**2 + a * b) / (a + b), right)
    # The same on the left, if the right side is a constant and so cannot tell.
    with pytest.raises(verify.VerificationError, match="check is empty"):
        verify.identity("eq-test-x", (a + b) ** 0 + sp.sqrt(x**2) - abs(x) + b * nothing, 1)


def test_identity_says_what_is_wrong():
    with pytest.raises(verify.VerificationError) as caught:
        verify.identity("eq-test-x", sp.Derivative(x**3, x), 3 * x**2 + x)
    assert str(caught.value).startswith("eq-test-x ✗ the sides differ by -x; at x = 0.")
    # Equal only where SymPy cannot see it: the symbol might be negative.
    y = sp.Symbol("y")
    with pytest.raises(verify.VerificationError, match="as positive"):
        verify.identity("eq-test-x", sp.sqrt(y**2), y)


@pytest.mark.parametrize("side", ["a + b", [1, 2], sp.Eq(a, b), sp.MatrixSymbol("M", 2, 2), None])
def test_identity_takes_expressions_only(side):
    with pytest.raises((TypeError, sp.SympifyError)):
        verify.identity("eq-test-x", side, a)


# Numbers ------------------------------------------------------------------------------------------


def test_close_passes_for_numbers_arrays_and_tensors(capsys):
    verify.close("eq-test-x", 0.1 + 0.2, 0.3)
    verify.close("eq-test-x", torch.tensor([1.0, 2.0]), np.array([1.0, 2.0 + 1e-9]), rtol=1e-8)
    verify.close("eq-test-x", np.array([1.0, 0.0]), torch.tensor([1.0, 1e-12]), 1e-6, atol=1e-9)
    verify.close("eq-test-x", np.exp(1j * np.pi / 4), (1 + 1j) / np.sqrt(2), rtol=1e-12)
    assert capsys.readouterr().out.splitlines() == [
        "eq-test-x ✓ numeric, rtol 1e-06",
        "eq-test-x ✓ numeric, rtol 1e-08",
        "eq-test-x ✓ numeric, rtol 1e-06, atol 1e-09",
        "eq-test-x ✓ numeric, rtol 1e-12",
    ]


def test_close_fails_with_the_worst_entry():
    with pytest.raises(verify.VerificationError) as caught:
        verify.close("eq-test-x", [[1.0, 2.0], [3.0, 4.0]], np.array([[1.0, 2.0], [3.1, 4.0]]))
    assert "computed 3 is not expected 3.1 at index (1, 0)" in str(caught.value)
    assert "1 of 4 entries" in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64])
def test_close_refuses_shared_memory(dtype):
    x = torch.arange(1, 5).to(dtype)
    for other in (x, x[:], x.view(4), x.numpy(), x.detach()):
        with pytest.raises(verify.VerificationError, match=r"one object|share"):
            verify.close("eq-test-x", x, other)
    verify.close("eq-test-x", x[:2] + 0, x[:2].clone())


@pytest.mark.parametrize(
    ("computed", "expected", "reason"),
    [
        (np.zeros(3), np.zeros(3), "all zeros"),
        (0.0, float("0"), "all zeros"),
        (np.ones(3), np.ones(3), "constant"),
        (np.array([]), np.array([]), "empty"),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), "NaN"),
        (np.array([1.0, np.inf]), np.array([1.0, np.inf]), "infinite"),
        (np.array([1.0, 2.0]), 1.0, "shape"),
        (np.array([[1.0, 2.0]]), np.array([1.0, 2.0]), "shape"),
    ],
)
def test_close_refuses_what_checks_nothing(computed, expected, reason):
    with pytest.raises(verify.VerificationError, match=reason):
        verify.close("eq-test-x", computed, expected)


@pytest.mark.parametrize(
    ("rtol", "atol"),
    [(0.02, 0.0), (float("inf"), 0.0), (-1.0, 0.0), (1e-6, 0.1), (float("nan"), 0)],
)
def test_close_refuses_a_tolerance_that_hides_an_error(rtol, atol):
    with pytest.raises(verify.VerificationError, match="tolerance"):
        verify.close("eq-test-x", np.array([1.0, 2.0]), np.array([1.0, 2.0]), rtol, atol)


def test_a_single_large_entry_does_not_excuse_a_large_tolerance():
    expected = np.array([1e6, 1.0, 2.0, 3.0])
    with pytest.raises(verify.VerificationError, match="tolerance"):
        verify.close("eq-test-x", expected * [1, 2, 2, 2], expected, atol=10)


@pytest.mark.parametrize("value", ["1.0", None, True, [None], torch.tensor([True]), object()])
def test_close_takes_numbers_only(value):
    with pytest.raises(TypeError, match="numbers"):
        verify.close("eq-test-x", value, 1.0)


# Samples ------------------------------------------------------------------------------------------


def test_statistic_passes(capsys):
    verify.statistic("eq-test-x", normal(40000) * 0.6 + 1, 1.0)
    verify.statistic("eq-test-x", normal(40000, 2, 3) ** 2, np.ones((2, 3)))
    verify.statistic("eq-test-x", normal(2000), 0.0, alternative=0.5)
    assert capsys.readouterr().out.splitlines() == [
        "eq-test-x ✓ statistic, 40000 samples, z < 4",
        "eq-test-x ✓ statistic, 40000 samples, z < 4 (Bonferroni over 6)",
        "eq-test-x ✓ statistic, 2000 samples, z < 4",
    ]


def test_statistic_tells_beta_from_its_square_root():
    beta = 0.3
    right, wrong = normal(4000) * beta**0.5, normal(4000) * beta
    verify.statistic("eq-test-x", right**2, beta, alternative=beta**2)
    with pytest.raises(verify.VerificationError, match=r"errors from 0\.3"):
        verify.statistic("eq-test-x", wrong**2, beta, alternative=beta**2)


def test_statistic_names_the_wrong_component():
    samples = normal(10000, 3) + torch.tensor([0.0, 0.2, 0.0])
    with pytest.raises(verify.VerificationError, match=r"index \(1,\)"):
        verify.statistic("eq-test-x", samples, [0.0, 0.0, 0.0], alternative=[0.2, 0.2, 0.2])


def test_statistic_refuses_a_wide_error_and_names_how_many_samples_it_takes():
    with pytest.raises(verify.VerificationError, match=r"about (\d+) samples") as caught:
        verify.statistic("eq-test-x", normal(200), 0.0, alternative=0.1)
    needed = int(str(caught.value).split("about ")[1].split()[0])
    verify.statistic("eq-test-x", normal(int(needed * 1.2)), 0.0, alternative=0.1)


@pytest.mark.parametrize(
    ("samples", "expected", "alternative", "reason"),
    [
        (normal(5000), 0.0, None, "no scale of its own"),
        (normal(5000), 0.0, 0.0, "alternative equals"),
        (torch.ones(5000), 1.0, None, "all equal"),
        (normal(50), 0.0, 5.0, "too few"),
        (normal(5000), [0.0], 1.0, "shape"),
        (normal(5000, 2), [0.0, 0.0], 1.0, "shape"),
        (normal(5000) / 0 * 0, 0.0, 1.0, "NaN"),
        (normal(5000), float("nan"), 1.0, "NaN"),
        (torch.tensor(1.0), 1.0, None, "shape"),
    ],
)
def test_statistic_refuses_what_checks_nothing(samples, expected, alternative, reason):
    with pytest.raises(verify.VerificationError, match=reason):
        verify.statistic("eq-test-x", samples, expected, alternative=alternative)


@pytest.mark.parametrize("z", [0.5, 100.0, float("nan")])
def test_statistic_refuses_a_senseless_z(z):
    with pytest.raises(verify.VerificationError, match="z ="):
        verify.statistic("eq-test-x", normal(5000), 0.0, z=z, alternative=1.0)


def test_bonferroni_keeps_the_rate_of_false_alarms():
    """At z = 2 a check of 50 components must err about 4.6 % of the time, as one component does."""
    alarms = 0
    for seed in range(200):
        try:
            verify.statistic("eq-test-x", normal(200, 50, seed=seed) + 9, [9.0] * 50, z=2.0)
        except verify.VerificationError:
            alarms += 1
    assert 1 <= alarms <= 24  # a Student t at 199 degrees of freedom errs a little more often


# Headlines ----------------------------------------------------------------------------------------


def test_claim_prints_no_measured_digit(capsys):
    verify.claim("claim-test-x", 1.93172, "<=", 2)
    verify.claim("claim-test-x", np.float32(0.7), ">", 0.5)
    verify.claim("claim-test-x", torch.tensor(3), ">=", 3.0)
    verify.claim("claim-test-x", Interval(1.5, 1.2, 1.9), "<", 2)
    verify.claim("claim-test-x", Interval(1.5, 1.2, 1.9), ">=", 1)
    assert capsys.readouterr().out.splitlines() == [
        "claim-test-x ✓ measured <= 2",
        "claim-test-x ✓ measured > 0.5",
        "claim-test-x ✓ measured >= 3",
        "claim-test-x ✓ upper end of the interval < 2",
        "claim-test-x ✓ lower end of the interval >= 1",
    ]


@pytest.mark.parametrize(
    ("value", "relation", "bound"),
    [
        (2.1, "<=", 2),
        (2.0, "<", 2),
        (Interval(1.9, 1.7, 2.1), "<=", 2),  # the estimate is below, the interval is not
        (Interval(2.1, 1.9, 2.3), ">=", 2),
        (Interval(1.0, 2.0, 3.0), "<=", 4),  # an interval without its value
        (float("nan"), "<=", 2),
        (torch.tensor(float("nan")), ">=", 2),
        (Interval(1.0, float("nan"), 3.0), ">=", 0),
        (True, ">=", 0),
        (np.bool_(True), ">=", 0),
        (torch.tensor(True), ">=", 0),
        (1.0, "<=", float("inf")),
        (1.0, "<=", float("nan")),
    ],
)
def test_claim_fails(value, relation, bound):
    with pytest.raises(verify.VerificationError):
        verify.claim("claim-test-x", value, relation, bound)


def test_claim_refuses_a_bound_that_is_the_value():
    value = 1.7
    with pytest.raises(verify.VerificationError, match="one object"):
        verify.claim("claim-test-x", value, "<=", value)
    with pytest.raises(TypeError, match="plain number"):
        verify.claim("claim-test-x", value, "<=", np.float64(1.7))
    with pytest.raises(ValueError, match="relation '=='"):
        verify.claim("claim-test-x", value, "==", 2)
    with pytest.raises(TypeError, match="must be a number"):
        verify.claim("claim-test-x", [1, 2], "<=", 2)


# Near mistakes ------------------------------------------------------------------------------------


def test_the_line_names_what_is_refused_and_breaks_before_the_page_is_full(capsys):
    square = sp.Derivative(x**3, x)
    verify.identity("eq-test-x", square, 3 * x**2, rejects={"power kept": 3 * x**3})
    verify.close("eq-test-x", 2.0 + 1e-9, 2.0, rejects={"missing half": 4.0, "redone": lambda: 1.9})
    near = {"the baseline itself": 2.5}
    verify.claim("claim-test-x", 1.4, "<", 2, rejects=near)
    many = {"product to t − 1": 1.1, "missing square root": 0.7, "β for 1 − ᾱ": 0.5}
    verify.statistic("eq-test-marginal", normal(20000) * 0.3 + 1, 1.0, rejects=many)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "eq-test-x ✓ symbolic; refuses: power kept",
        "eq-test-x ✓ numeric, rtol 1e-06; refuses: missing half, redone",
        "claim-test-x ✓ measured < 2; refuses: the baseline itself",
        "eq-test-marginal ✓ statistic, 20000 samples, z < 4; refuses: product to t − 1,",
        "  missing square root, β for 1 − ᾱ",
    ]
    assert max(map(len, lines)) <= 88
    assert verify.ledger()[-1].rejects == tuple(many)


def test_each_method_refuses_a_check_that_accepts_the_near_mistake():
    with pytest.raises(verify.VerificationError, match="“same in other words” is accepted too"):
        verify.identity(
            "eq-test-x",
            sp.Derivative(x**3 + x**2, x),
            3 * x**2 + 2 * x,
            rejects={"same in other words": x * (3 * x + 2)},
        )
    with pytest.raises(verify.VerificationError, match="“a little off” is accepted too"):
        verify.close("eq-test-x", 2.0 + 1e-9, 2.0, rtol=1e-3, rejects={"a little off": 2.0039})
    with pytest.raises(verify.VerificationError, match="too wide to tell expected from “t − 1”"):
        verify.statistic("eq-test-x", normal(5000) + 1, 1.0, rejects={"t − 1": 1.01})
    with pytest.raises(verify.VerificationError, match=r"“the baseline”, 1\.9, is < 2 too"):
        verify.claim("claim-test-x", 1.4, "<", 2, rejects={"the baseline": 1.9})
    # Of an interval the whole must fail: here the baseline may be below the bound.
    with pytest.raises(verify.VerificationError, match=r"“the baseline”, 2\.2, is < 2 too"):
        verify.claim("claim-test-x", 1.4, "<", 2, rejects={"the baseline": Interval(2.2, 1.9, 2.5)})
    verify.claim("claim-test-x", 1.4, "<", 2, rejects={"the baseline": Interval(2.2, 2.1, 2.5)})


@pytest.mark.parametrize("size", [50.0, -0.05, 1e-9, 0.0])
def test_a_far_mistake_is_refused(size):
    for check in (
        lambda far: verify.identity(
            "eq-test-x", a * (a + b), a**2 + a * b, rejects=far(a**2 + a * b)
        ),
        lambda far: verify.close("eq-test-x", 1.0 + 1e-9, 1.0, rejects=far(1.0)),
        lambda far: verify.close(
            "eq-test-x", [1.0, 2], np.array([1.0, 2]), rejects=far(np.array([1.0, 2]))
        ),
        lambda far: verify.statistic("eq-test-x", normal(9000) / 90 + 1, 1.0, rejects=far(1.0)),
    ):
        with pytest.raises(verify.VerificationError, match="far from the claim"):
            check(
                lambda right: {
                    "easy": sp.Rational(str(size)) * right
                    if isinstance(right, sp.Expr)
                    else size * right
                }
            )
    with pytest.raises(verify.VerificationError, match="far from the claim"):
        verify.claim("claim-test-x", 1.4, "<", 2, rejects={"easy": 2000})


def test_what_is_near_in_one_entry_that_differs_is_near():
    right = np.array([1.0, 100.0])
    verify.close("eq-test-x", right * (1 + 1e-9), right, rejects={"near": [1000.0, 50.0]})
    with pytest.raises(verify.VerificationError, match="far from the claim"):
        verify.close("eq-test-x", right.copy(), right, rejects={"first only": [1000.0, 100.0]})
    # Zero has no size: the sample's spread, and the other entries, say what is near it.
    verify.statistic("eq-test-x", normal(9000), 0.0, rejects={"mean kept": 0.5})
    with pytest.raises(verify.VerificationError, match="far from the claim"):
        verify.statistic("eq-test-x", normal(9000), 0.0, rejects={"mean kept": 50.0})
    # The other sign is always near.
    verify.identity(
        "eq-test-x", (a - b) ** 2, a**2 - 2 * a * b + b**2, rejects={"sign": (a + b) ** 2}
    )
    verify.close("eq-test-x", 2.0 + 1e-9, 2.0, rejects={"the other sign": -2.0})


@pytest.mark.parametrize(
    "rejects", [{}, {"": 1.1}, {"a, b": 1.1}, {"a\nb": 1.1}, {3: 1.1}, {"x" * 61: 1.1}]
)
def test_near_mistakes_have_names_that_a_line_can_carry(rejects):
    for check in (
        lambda: verify.close("eq-test-x", 1.0 + 1e-9, 1.0, rejects=rejects),
        lambda: verify.claim("claim-test-x", 0.9, "<", 1.0, rejects=rejects),
        lambda: verify.statistic("eq-test-x", normal(900) + 1, 1.0, rejects=rejects),
    ):
        with pytest.raises(ValueError, match=r"rejects is empty|must be 1 to 60"):
            check()
    with pytest.raises(TypeError, match="dictionary of names"):
        verify.close("eq-test-x", 1.0 + 1e-9, 1.0, rejects=[1.1])


def test_a_near_mistake_has_the_shape_of_the_claim_and_is_no_nan():
    right = np.array([1.0, 2.0])
    for wrong, reason in ((1.5, "shape"), ([1.0, np.nan], "NaN"), ([1.0, 2.0], "accepted too")):
        with pytest.raises(verify.VerificationError, match=reason):
            verify.close("eq-test-x", right.copy(), right, rejects={"wrong": wrong})
    with pytest.raises(verify.VerificationError, match=r"“wrong” equals|wrong equals"):
        verify.statistic("eq-test-x", normal(900, 2) + 1, [1.0, 1.0], rejects={"wrong": [1.0, 1.0]})


# Checks that could not fail -----------------------------------------------------------------------


def test_entries_below_the_absolute_tolerance_are_not_compared_and_so_refused():
    right = np.array([1.0, 1.0, 2.0, 1e-3])
    with pytest.raises(verify.VerificationError, match="hides whole entries"):
        verify.close("eq-test-x", right + np.array([0, 0, 0, 9e-4]), right, atol=9.9e-4)
    verify.close("eq-test-x", right[:3] + 0.0, right[:3], atol=9e-4)


def test_an_error_of_nearly_one_percent_needs_a_near_mistake_to_pass():
    with pytest.raises(verify.VerificationError, match="tolerance"):
        verify.close("eq-test-x", 1.009, 1.0, rtol=1e-2)
    verify.close("eq-test-x", 1.009, 1.0, rtol=1e-2, rejects={"missing half": 2.0})


def test_every_component_must_be_told():
    samples = normal(2000, 2) * torch.tensor([0.01, 50.0]) + 1
    # The second component sees nothing; the near mistake is told in the first.
    for more in ({"rejects": {"t − 1": [1.1, 1.1]}}, {"alternative": [1.1, 1.1]}):
        with pytest.raises(verify.VerificationError, match=r"off by 10 % at index \(1,\)"):
            verify.statistic("eq-test-x", samples, [1.0, 1.0], **more)


def test_a_sample_is_not_compared_with_its_own_mean():
    for samples in (normal(2000), normal(2000, 3), normal(2000).float() + 1):
        with pytest.raises(verify.VerificationError, match="mean of these very samples"):
            verify.statistic(
                "eq-test-x", samples, samples.mean(0), rejects={"off": samples.mean(0) + 0.5}
            )


def _value(x):
    return np.sin(x) + x


def test_the_same_function_called_twice_is_no_comparison():
    grid = np.linspace(1, 2, 5)
    copied = grid.copy()
    once = _value(grid)
    for check in (
        lambda: verify.close("eq-test-x", _value(grid), _value(grid)),
        lambda: verify.close("eq-test-x", _value(grid).copy(), np.array(_value(copied))),
        lambda: verify.close("eq-test-x", once, _value(grid)),
        lambda: verify.close("eq-test-x", float(once[0]), expected=_value(grid)[0].item()),
    ):
        with pytest.raises(verify.VerificationError, match="same computation"):
            check()
    verify.close("eq-test-x", _value(grid), grid + np.sin(grid))
    verify.close("eq-test-x", _value(grid), _value(grid + 1) + np.sin(grid) - np.sin(grid + 1) - 1)


def test_a_side_that_is_the_other_one_rewritten_proves_nothing():
    lhs = (a + b) ** 2 * x0
    rhs = sp.expand(lhs)
    inner = sp.Integral(x**2, (x, 0, a))
    for check in (
        lambda: verify.identity("eq-test-x", lhs, sp.expand(lhs)),
        lambda: verify.identity("eq-test-x", lhs, rhs),
        lambda: verify.identity("eq-test-x", lhs, sp.simplify(sp.expand(lhs))),
        lambda: verify.identity("eq-test-x", lhs.expand(), sp.factor(rhs)),
        lambda: verify.identity("eq-test-x", sp.Integral(x**2, (x, 0, a)), inner.doit()),
        lambda: verify.identity("eq-test-x", inner, sp.integrate(x**2, (x, 0, a))),
        lambda: verify.identity("eq-test-x", sp.Derivative(x**3, x), sp.diff(x**3, x)),
        lambda: verify.identity("eq-test-x", sp.Derivative(x**3, x), (x**3).diff(x)),
    ):
        with pytest.raises(verify.VerificationError, match=r"same computation|same expression"):
            check()
    verify.identity("eq-test-x", lhs, a**2 * x0 + 2 * a * b * x0 + b**2 * x0)
    verify.identity("eq-test-x", inner, a**3 / 3)


def test_a_mean_of_the_samples_is_not_what_they_are_expected_to_be():
    draws = normal(2000) + 1
    expected = round(draws.mean().item(), 2)  # rounded, so that the value does not give it away
    with pytest.raises(verify.VerificationError, match="mean of these very samples"):
        verify.statistic("eq-test-x", draws, expected, rejects={"t − 1": 1.5})


def test_a_bound_is_a_written_number():
    measured = 1.7
    bound = measured * 1.1
    values = {"bound": 2}
    for check in (
        lambda: verify.claim("claim-test-x", measured, "<", bound),
        lambda: verify.claim("claim-test-x", measured, "<", measured + 1),
        lambda: verify.claim("claim-test-x", measured, "<=", values["bound"]),
        lambda: verify.claim("claim-test-x", measured, "<", float(np.ceil(measured))),
    ):
        with pytest.raises(verify.VerificationError, match="bound is computed"):
            check()
    twice = 2 * 1.0
    verify.claim("claim-test-x", measured, "<", twice)
    verify.claim("claim-test-x", measured, ">", 1 / 3)
    verify.claim("claim-test-x", measured, "<", math.log(17))


def test_what_is_never_negative_is_not_claimed_to_be_so():
    numbers = normal(10)
    largest, smallest = numbers.max(), numbers.min()
    for check in (
        lambda: verify.claim("claim-test-x", (numbers.max() - numbers.min()).item(), ">=", 0),
        lambda: verify.claim("claim-test-x", float(largest - smallest), ">", -0.5),
        lambda: verify.claim(
            "claim-test-x", max(numbers.tolist()) - min(numbers.tolist()), ">=", 0
        ),
        lambda: verify.claim("claim-test-x", numbers.abs().mean().item(), ">=", 0),
        lambda: verify.claim("claim-test-x", (numbers.sum() ** 2).item(), ">", 0.0),
    ):
        with pytest.raises(verify.VerificationError, match="never negative"):
            check()
    verify.claim("claim-test-x", (numbers.max() + numbers.min() + 9).item(), ">=", 0)


# The record ---------------------------------------------------------------------------------------


def test_only_what_passed_is_in_the_ledger(capsys):
    before = len(verify.ledger())
    verify.close("eq-test-ledger", 1.0 + 1e-9, 1.0)
    with pytest.raises(verify.VerificationError):
        verify.close("eq-test-ledger", 1.1, 1.0)
    new = verify.ledger()[before:]
    assert new == [verify.Record("eq-test-ledger", "numeric", "rtol 1e-06")]
    verify.ledger().clear()
    assert len(verify.ledger()) == before + 1


@pytest.mark.parametrize("label", ["ddim-update", "eq ddim", "eq-", "", None, "def-ddim-x", "eq-Ä"])
def test_labels_are_those_of_claims(label):
    with pytest.raises(ValueError, match="must look like"):
        verify.close(label, 1.0, 1.0)
