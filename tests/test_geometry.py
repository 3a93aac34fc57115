"""Geometry against shapely and SciPy, by properties, at all scales; with planted faults."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import shapely
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from genbook import geometry as g
from genbook.checks.geometry import hull
from genbook.geometry.vectors import ROUNDING, turn

# A figure keeps its answers when each axis is given another unit.
UNITS = [1.0, 0.1, 1e6, 1e-6, 1e150, 1e-150, 1e300, 1e-300, (1e150, 1e-150), (-1.0, -3.0)]
SQUARE = np.array([[0, 0], [2, 0], [2, 2], [0, 2]])
PENTAGRAM = np.stack([np.cos(a := 0.8 * np.pi * np.arange(5)), np.sin(a)], 1)

grid_points = st.tuples(st.integers(-4, 4), st.integers(-4, 4))
floats = st.floats(-1e3, 1e3, allow_nan=False).map(lambda v: 0.0 if abs(v) < 1e-3 else v)
float_points = st.tuples(floats, floats)


def lattice(seed, *shape, high=5):
    """Points with small integer coordinates: collinear, touching and equal ones abound."""
    return np.random.default_rng(seed).integers(0, high, (*shape, 2)).astype(float)


def uniform(seed, *shape):
    return np.random.default_rng(seed).uniform(-1, 1, (*shape, 2))


def star_shaped(seed, corners=12):
    """A simple polygon, counterclockwise."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * (np.arange(corners) + rng.uniform(0.1, 0.9, corners)) / corners
    return rng.uniform(0.2, 1, (corners, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)


def rejects(check, *faulty):
    """The check must fail: this is the test of the test."""
    with pytest.raises(AssertionError):
        check(*faulty)


# Vectors -----------------------------------------------------------------------------------------


def test_products_by_hand():
    assert g.cross([1, 0], [0, 1]) == 1 and g.cross([0, 1], [1, 0]) == -1
    assert g.dot([1, 2], [3, 4]) == 11
    np.testing.assert_array_equal(g.cross([[1, 2], [3, 4]], [5, 6]), [-4, -2])
    assert g.cross(torch.tensor([1.0, 0.0]), np.float32([0, 2])) == 2


@given(u=float_points, v=float_points, angle=st.floats(-10, 10))
@settings(max_examples=300, deadline=None)
def test_rotation_keeps_products(u, v, angle):
    size = 1e-12 * (1 + math.hypot(*u) * math.hypot(*v))
    ru, rv = g.rotate([u, v], angle)
    assert abs(g.dot(ru, rv) - g.dot(u, v)) <= size
    assert abs(g.cross(ru, rv) - g.cross(u, v)) <= size


def test_rotation_turns_left_about_a_centre():
    np.testing.assert_allclose(g.rotate([2, 1], np.pi / 2, about=[1, 1]), [1, 2], atol=1e-15)
    np.testing.assert_allclose(g.rotation(np.pi / 3) @ [1, 0], g.rotate([1, 0], np.pi / 3))


# The side of a line ------------------------------------------------------------------------------


def exact_side(p, q, r):
    (px, py), (qx, qy), (rx, ry) = [tuple(map(Fraction, point)) for point in (p, q, r)]
    det = (qx - px) * (ry - py) - (qy - py) * (rx - px)
    return (det > 0) - (det < 0)


@given(p=float_points, q=float_points, r=float_points)
@settings(max_examples=500, deadline=None)
def test_orientation_never_says_the_wrong_side(p, q, r):
    side = g.orientation(p, q, r)
    assert side in (0, exact_side(p, q, r))
    assert side == -g.orientation(p, r, q)


def test_orientation_is_exact_unless_rounding_could_decide():
    p, q, r = np.moveaxis(uniform(0, 20_000, 3), 1, 0)
    expected = [exact_side(*abc) for abc in zip(p, q, r, strict=True)]
    assert (g.orientation(p, q, r) != expected).sum() == 0


def check_true_sides(orientation):
    """Points with more digits than fit, a few units in the last place apart."""
    steps = np.random.default_rng(2).integers(-(2**42), 2**42, (3000, 3, 2)).tolist()
    true = [[[1 + Fraction(k, 2**88) for k in point] for point in triple] for triple in steps]
    expected = np.array([exact_side(*triple) for triple in true])
    found = orientation(*np.moveaxis(np.array(true, float), 1, 0))
    assert (found * expected < 0).sum() == 0
    assert (found != 0).mean() > 0.1


def test_no_true_side_is_turned_by_storing_the_points():
    check_true_sides(g.orientation)
    rejects(check_true_sides, naive(0.0))


def test_the_bound_grows_with_the_size_of_every_coordinate():
    rng = np.random.default_rng(3)
    for _ in range(20):
        points = rng.uniform(0.5, 2, (3, 2)) * rng.choice([-1, 1], (3, 2))
        (_, bound), size = turn(*points), np.abs(points).sum(0)
        sides = np.abs(points[1:] - points[0]).sum(0)  # of both sides, along each axis
        assert bound == pytest.approx(ROUNDING * (size[0] * sides[1] + size[1] * sides[0]))


def check_scale_free(orientation):
    """Collinear points stay collinear and triangles triangles, in all units."""
    triples = lattice(1, 3000, 3)
    expected = [exact_side(*triple) for triple in triples]
    for unit in UNITS[:-1]:  # one number, because pytest's diff of 3000 takes an hour
        assert (orientation(*np.moveaxis(triples * unit, 1, 0)) != expected).sum() == 0


def naive(epsilon):
    """Orientation as it is often written."""

    def orientation(p, q, r):
        det = (q - p)[:, 0] * (r - p)[:, 1] - (q - p)[:, 1] * (r - p)[:, 0]
        return np.where(np.abs(det) <= epsilon, 0, np.sign(det)).astype(int)

    return orientation


def test_orientation_at_all_scales():
    check_scale_free(g.orientation)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("epsilon", [0.0, 1e-12, 1e-9, 1e-6])
def test_an_absolute_epsilon_fails(epsilon):
    rejects(check_scale_free, naive(epsilon))


def test_an_absolute_epsilon_fails_on_one_small_triangle():
    small, large = np.array([[0, 0], [3e-5, 0], [0, 3e-5]]), 1e6 * np.array([[0.1], [0.2], [0.7]])
    assert naive(1e-9)(*small[:, None])[0] == 0 and g.orientation(*small) == 1
    line = large * [1, 0.3] + [0.1, 0.7]  # collinear, but for rounding
    assert naive(1e-9)(*line[:, None])[0] != 0 and g.orientation(*line) == 0


def test_on_line_and_on_segment():
    p, q = np.array([0.1, 0.3]), np.array([0.7, 0.9])
    t = np.linspace(-1, 2, 31)[:, None]
    points = p + t * (q - p)
    away = np.array([-1, 1]) / np.sqrt(2)
    for unit in (1, 1e150, 1e-150, 1 / 3):
        line, ends = points * unit, (p * unit, q * unit)
        assert g.on_line(line, *ends).all() and g.on_line(line, *ends[::-1]).all()
        inside = (t[:, 0] >= 0) & (t[:, 0] <= 1)
        near_end = np.isclose(t[:, 0], 0) | np.isclose(t[:, 0], 1)
        assert (g.on_segment(line, *ends) == inside)[~near_end].all()
        off = line + 1e-9 * unit * away
        assert not g.on_line(off, *ends).any() and not g.on_segment(off, *ends).any()
        assert g.on_line(off, *ends, tolerance=1e-8).all()
        np.testing.assert_allclose(g.distance_to_segment(off, *ends)[12], 1e-9 * unit, rtol=1e-5)
    far = points + 1e9  # here a coordinate is worth 1e-7
    assert g.on_line(far, p + 1e9, q + 1e9).all()
    assert g.on_segment(p, p, p) and not g.on_segment(q, p, p)
    assert g.distance_to_segment(q, p, p) == pytest.approx(math.hypot(*(q - p)))


def test_distance_like_shapely():
    points, p, q = uniform(2, 3, 5000)
    segments = shapely.linestrings(np.stack([p, q], 1))
    expected = shapely.distance(shapely.points(points), segments)
    np.testing.assert_allclose(g.distance_to_segment(points, p, q), expected, rtol=1e-9, atol=1e-15)


# Lines and segments ------------------------------------------------------------------------------


def test_line_relations():
    lines = [([0, 0], [2, 1]), ([0, 1], [2, 2]), ([4, 2], [-2, -1]), ([0, 0], [1, 2])]
    expected = ["coincident", "parallel", "coincident", "crossing"]
    for unit in UNITS:
        relations = [
            g.line_relation(*(np.multiply(a, unit) for a in (*lines[0], *line))) for line in lines
        ]
        assert relations == expected
    p, q = np.array(lines).transpose(1, 0, 2)
    assert g.line_relation(*lines[0], p, q).tolist() == expected


def test_line_intersection_is_on_both_lines():
    p, q, r, s = uniform(3, 4, 5000)
    for unit in UNITS:
        x = g.line_intersection(p * unit, q * unit, r * unit, s * unit) / unit
        error = np.maximum(np.abs(g.cross(q - p, x - p)), np.abs(g.cross(s - r, x - r)))
        angle = np.abs(g.cross(q - p, s - r))
        assert (error <= 1e-13 / angle).all()
    np.testing.assert_array_equal(
        g.line_intersection([0, 0], [1, 1], [5, 0], [5, 1]), [5, 5]
    )  # the lines go on


def degenerate_segments():
    pairs = np.concatenate([lattice(4, 15_000, 4), lattice(5, 5_000, 4, high=3)])
    pointlike = (pairs[:, 0] == pairs[:, 1]).all(1) | (pairs[:, 2] == pairs[:, 3]).all(1)
    return pairs[~pointlike]  # not lines to shapely; tested by themselves


def check_segments(segments_intersect):
    for pairs, units in ((degenerate_segments(), UNITS), (uniform(6, 10_000, 4), UNITS[:4])):
        expected = shapely.intersects(
            shapely.linestrings(pairs[:, :2]), shapely.linestrings(pairs[:, 2:])
        )
        for unit in units:
            found = segments_intersect(*np.moveaxis(pairs * unit, 1, 0))
            np.testing.assert_array_equal(found, expected)


def test_segments_like_shapely():
    check_segments(g.segments_intersect)


def test_segments_that_are_points():
    assert g.segments_intersect([1, 1], [1, 1], [0, 0], [2, 2])
    assert g.segments_intersect([1, 1], [1, 1], [1, 1], [1, 1])
    assert not g.segments_intersect([3, 3], [3, 3], [0, 0], [2, 2])
    assert not g.segments_intersect([1, 2], [1, 2], [0, 0], [2, 2])
    assert not g.segments_intersect([1, 1], [1, 1], [2, 2], [2, 2])


@given(points=st.lists(grid_points, min_size=4, max_size=4))
@settings(max_examples=500, deadline=None)
def test_segments_have_no_direction_and_no_order(points):
    p, q, r, s = points
    answer = g.segments_intersect(p, q, r, s)
    for other in [(q, p, r, s), (p, q, s, r), (r, s, p, q)]:
        assert g.segments_intersect(*other) == answer
    common = g.segment_intersection(p, q, r, s)
    assert (len(common) > 0) == answer
    for x in common:
        assert g.on_segment(x, p, q) and g.on_segment(x, r, s)


def test_common_part_like_shapely():
    for pair in degenerate_segments()[:4000]:
        common = g.segment_intersection(*pair)
        expected = shapely.LineString(pair[:2]).intersection(shapely.LineString(pair[2:]))
        kind = {0: "LineString", 1: "Point", 2: "LineString"}[len(common)]
        assert expected.geom_type == kind and expected.is_empty == (len(common) == 0)
        corners = shapely.get_coordinates(expected)
        corners = corners[np.lexsort(corners.T[::-1])]
        np.testing.assert_allclose(common, corners.reshape(-1, 2), atol=1e-12)


def nearly_in_a_row(n):
    """Four points within 1e-18 to 1e-13 of one line; in a third of the cases two have one place."""
    rng = np.random.default_rng(18)
    for i in range(n):
        start, along = rng.uniform(-1, 1, (2, 2))
        t = rng.uniform(-1, 1, 4)
        if i % 3 == 0:
            t[i % 2] = t[2 + i % 4 // 2]
        noise = rng.standard_normal((4, 2)) * 10.0 ** rng.integers(-18, -13)
        yield start + t[:, None] * along + noise


def test_segments_nearly_in_a_row():
    """The order changes no answer, and what two have in common lies on both."""
    asymmetric = empty = 0
    farthest = 0.0
    for p, q, r, s in nearly_in_a_row(1500):
        meet, relation = g.segments_intersect(p, q, r, s), g.line_relation(p, q, r, s)
        for other in [(q, p, r, s), (r, s, p, q), (s, r, q, p)]:
            asymmetric += g.segments_intersect(*other) != meet
            asymmetric += g.line_relation(*other) != relation
        common = g.segment_intersection(p, q, r, s)
        empty += common.shape[1:] != (2,) or (len(common) > 0) != meet
        if len(common):
            away = [g.distance_to_segment(common, *ends).max() for ends in ((p, q), (r, s))]
            farthest = max(farthest, *away)
    assert asymmetric == 0 and empty == 0 and farthest < 1e-13


def test_common_point_is_not_far_off_one_segment():
    p, q = (
        (0.6884444897044769, 0.0072980920721662035),
        (0.20760564887259206, -0.0037752021267517723),
    )
    r, s = (
        (0.20760564887259203, -0.0037752021267518183),
        (0.3678852624832203, -8.410406044578799e-05),
    )
    common = g.segment_intersection(p, q, r, s)
    assert (
        g.distance_to_segment(common, p, q).max()
        < 1e-15
        > g.distance_to_segment(common, r, s).max()
    )


def sides(p, q, r, s):
    return [g.orientation(*t) for t in ((p, q, r), (p, q, s), (r, s, p), (r, s, q))]


def boxes(p, q, r, s):
    low = np.maximum(np.minimum(p, q), np.minimum(r, s))
    return (low <= np.minimum(np.maximum(p, q), np.maximum(r, s))).all(-1)


def proper(p, q, r, s):
    a, b, c, d = sides(p, q, r, s)
    return (a * b < 0) & (c * d < 0)


def without_boxes(p, q, r, s):
    a, b, c, d = sides(p, q, r, s)
    return (a * b <= 0) & (c * d <= 0)


def one_line_only(p, q, r, s):
    a, b, _, _ = sides(p, q, r, s)
    return (a * b <= 0) & boxes(p, q, r, s)


FAULTY_SEGMENTS = {
    "touching does not count": proper,
    "collinear ones always meet": without_boxes,
    "boxes only": boxes,
    "one line only": one_line_only,
}


@pytest.mark.parametrize("fault", FAULTY_SEGMENTS)
def test_faulty_segments_are_rejected(fault):
    rejects(check_segments, FAULTY_SEGMENTS[fault])


def check_crossing_pairs(paths):
    lines = shapely.linestrings(paths)
    expected = [
        (i, j) for i in range(len(lines)) for j in range(i + 1, len(lines))
        if lines[i].intersects(lines[j])
    ]  # fmt: skip
    found = g.crossing_pairs(paths)
    assert found.shape == (len(found), 2) and [tuple(pair) for pair in found] == expected
    assert 0 < len(expected) < len(paths) * (len(paths) - 1) / 2


@pytest.mark.parametrize("points", [2, 3, 8, 30])
def test_crossing_paths_like_shapely(points):
    starts = 2 * uniform(9, 40, 1)
    check_crossing_pairs(starts + np.cumsum(uniform(8, 40, points), 1) / np.sqrt(points))


def test_crossings_of_couplings():
    x = np.array([[0, 0], [0, 1], [0, 2]])
    assert len(g.crossing_pairs(np.stack([x, np.add(x, [1, 0])], 1))) == 0
    assert g.crossing_pairs(np.stack([x, np.add(x[::-1], [1, 0])], 1)).tolist() == [
        [0, 1],
        [0, 2],
        [1, 2],
    ]
    assert g.crossing_pairs(np.zeros((1, 2, 2))).shape == (0, 2)
    # The optimal coupling never crosses: a crossing could be undone and would shorten the way.
    from scipy.optimize import linear_sum_assignment

    a, b = uniform(10, 2, 80)
    _, best = linear_sum_assignment(np.linalg.norm(a[:, None] - b, axis=-1))
    assert (
        len(g.crossing_pairs(np.stack([a, b[best]], 1)))
        == 0
        < len(g.crossing_pairs(np.stack([a, b], 1)))
    )
    # Two points that move on a line, seen with the time as a coordinate.
    t = np.linspace(0, 1, 9)
    line = np.stack([[t, 0 * t + 1], [t, 0 * t + 2]]).transpose(0, 2, 1)
    assert len(g.crossing_pairs(line)) == 0


# Polygons ----------------------------------------------------------------------------------------


def check_area(polygon_area):
    for seed in range(300):
        polygon = star_shaped(seed, 3 + seed % 20)
        expected = shapely.Polygon(polygon).area
        for unit in (1, 1e150, 1e-150):
            assert polygon_area(polygon * unit) == pytest.approx(expected * unit**2, rel=1e-12)
            assert polygon_area(polygon[::-1] * unit) == pytest.approx(-expected * unit**2)
        assert polygon_area(np.add(polygon, [1e8, -3e8])) == pytest.approx(expected, rel=1e-5)


def test_area():
    check_area(g.polygon_area)
    assert g.polygon_area(SQUARE) == 4 and g.polygon_area([[0, 0], [1, 1], [2, 2]]) == 0
    polygons = np.stack([star_shaped(seed) for seed in range(6)]).reshape(2, 3, 12, 2)
    areas = g.polygon_area(polygons)
    assert areas.shape == (2, 3) and areas[1, 2] == g.polygon_area(polygons[1, 2])
    # A ring that is run around twice, and an eight whose loops cancel.
    assert g.polygon_area(np.concatenate([SQUARE, SQUARE])) == 8
    assert g.polygon_area([[0, 0], [1, 1], [1, 0], [0, 1]]) == 0


def shoelace(polygon):
    x, y = np.asarray(polygon, float).T
    return (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2


FAULTY_AREAS = {
    "not relative to a corner": shoelace,  # cancels far from the origin
    "without sign": lambda p: abs(g.polygon_area(p)),
    "without half": lambda p: 2 * g.polygon_area(p),
    "clockwise": lambda p: -g.polygon_area(p),
    "of the hull": lambda p: g.polygon_area(g.convex_hull(p)) * np.sign(g.polygon_area(p)),
    "not closed": lambda p: shoelace(p) - g.cross(p[-1], p[0]) / 2,
}


@pytest.mark.parametrize("fault", FAULTY_AREAS)
def test_faulty_areas_are_rejected(fault):
    rejects(check_area, FAULTY_AREAS[fault])


def angle_sum(points, polygon):
    """The winding number by its definition: the angles under which the edges are seen."""
    a = polygon - points[:, None]
    b = np.roll(a, -1, 1)
    turns = np.arctan2(g.cross(a, b), g.dot(a, b)).sum(1) / (2 * np.pi)
    return np.rint(turns).astype(int)


def test_winding_number_is_the_sum_of_angles():
    points = uniform(11, 400)
    for seed in range(60):
        polygon = [star_shaped(seed), uniform(seed, 9), star_shaped(seed)[::-1]][seed % 3]
        winding = g.winding_number(points, polygon)
        np.testing.assert_array_equal(winding, angle_sum(points, polygon))
        np.testing.assert_array_equal(winding % 2, g.ray_crossings(points, polygon) % 2)
        nonzero = g.point_in_polygon(points, polygon, rule="nonzero")
        np.testing.assert_array_equal(nonzero, winding != 0)


def check_inside(point_in_polygon):
    """Against shapely off the boundary; a tiling counts each point, corners too, exactly once."""
    points = uniform(12, 150)
    for seed in range(100):
        polygon = star_shaped(seed, 3 + seed % 30)[:: 1 if seed % 2 else -1]
        expected = shapely.contains_xy(shapely.Polygon(polygon), points)
        np.testing.assert_array_equal(point_in_polygon(points, polygon), expected)
    nodes = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), -1).reshape(-1, 2)
    for unit in UNITS:
        fan = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
        inner = nodes[(nodes > 0).all(1) & (nodes < 4).all(1)]
        for centre in inner:
            triangles = [np.stack([a, b, centre]) for a, b in pairwise([*fan, fan[0]])]
            times = sum(point_in_polygon(inner * unit, t * unit).astype(int) for t in triangles)
            assert (times == 1).all()
    for polygon in (PENTAGRAM, np.array([[0, 0], [4, 4], [4, 0], [0, 4]]) / 4):
        crossed = angle_sum(points, polygon) % 2 == 1
        np.testing.assert_array_equal(point_in_polygon(points, polygon), crossed)


def test_points_in_polygons():
    check_inside(g.point_in_polygon)


def test_degenerate_points_like_shapely():
    """Points on corners, on edges and beside them: closed and open polygons are shapely's."""
    points = np.stack(np.meshgrid(np.arange(-1, 6.0), np.arange(-1, 6.0)), -1).reshape(-1, 2)
    points = np.concatenate([points, points + 0.5])
    tried = 0
    for corners in [*lattice(13, 250, 4), *lattice(13, 250, 5)]:
        shape = shapely.Polygon(corners)
        if not shape.is_valid:
            continue
        tried += 1
        for unit in (1, 1e150, 1e-150, 1e6):
            closed = g.point_in_polygon(points * unit, corners * unit, boundary=True)
            open_ = g.point_in_polygon(points * unit, corners * unit, boundary=False)
            np.testing.assert_array_equal(closed, shapely.intersects_xy(shape, points))
            np.testing.assert_array_equal(open_, shapely.contains_xy(shape, points))
        half_open = g.point_in_polygon(points, corners)
        assert (open_ <= half_open).all() and (half_open <= closed).all()
    assert tried * len(points) > 10_000


def test_half_open_rule():
    inside = g.point_in_polygon(
        [[0, 0], [2, 0], [2, 2], [0, 2], [1, 0], [2, 1], [1, 2], [0, 1]], SQUARE
    )
    assert inside.tolist() == [True, False, False, False, True, False, False, True]  # fmt: skip
    assert g.point_in_polygon([1, 1], [*SQUARE, SQUARE[0]]) and g.ray_crossings([1, 1], SQUARE) == 1
    assert g.point_in_polygon(np.ones((2, 3, 2)), SQUARE).shape == (2, 3)
    assert g.point_in_polygon(np.ones((0, 2)), SQUARE).shape == (0,)


def test_rules_for_a_pentagram():
    centre, tip = [0, 0], [0.9, 0]
    assert g.winding_number(centre, PENTAGRAM) == 2 and g.winding_number(tip, PENTAGRAM) == 1
    assert not g.point_in_polygon(centre, PENTAGRAM)
    assert g.point_in_polygon(centre, PENTAGRAM, rule="nonzero")
    assert g.point_in_polygon(tip, PENTAGRAM)


@given(data=st.data(), k=st.integers(0, 9), power=st.integers(-900, 900))
@settings(max_examples=200, deadline=None)
def test_inside_has_no_start_and_no_direction(data, k, power):
    corners = np.array(data.draw(st.lists(grid_points, min_size=3, max_size=9)), float)
    points = lattice(14, 40, high=9) / 2 - 2
    inside = g.point_in_polygon(points, corners)
    for other in (np.roll(corners, k, 0), corners[::-1], np.repeat(corners, 2, 0)):
        np.testing.assert_array_equal(g.point_in_polygon(points, other), inside)
    factor = math.ldexp(1, power)
    np.testing.assert_array_equal(g.point_in_polygon(points * factor, corners * factor), inside)


@given(st.lists(float_points, min_size=3, max_size=8), st.lists(float_points, min_size=1))
@settings(max_examples=200, deadline=None)
def test_what_rays_cross_closes(corners, points):
    """No point has a ray that crosses upwards and downwards unequally outside of the hull."""
    hull = shapely.MultiPoint(corners).convex_hull.buffer(1e-6)
    winding = g.winding_number(points, corners)
    outside = ~shapely.intersects_xy(hull, np.array(points))
    assert not winding[outside].any()


def ray(crosses):
    """Point in polygon with another rule for the crossing of an edge a–b by the ray from (x, y)."""

    def point_in_polygon(points, polygon):
        x, y = np.asarray(points, float).T
        inside = np.zeros(len(x), bool)
        for a, b in zip(polygon, np.roll(polygon, -1, 0), strict=True):
            inside ^= crosses(x, y, *a, *b)
        return inside

    return point_in_polygon


def left(x, y, ax, ay, bx, by):
    return (x - ax) * (by - ay) < (bx - ax) * (y - ay)


FAULTY_INSIDES = {
    "closed": ray(
        lambda x, y, ax, ay, bx, by: (y >= min(ay, by)) & (y <= max(ay, by))
        & ((left(x, y, ax, ay, bx, by)) ^ (by < ay))
    ),
    "open": ray(
        lambda x, y, ax, ay, bx, by: (y > min(ay, by)) & (y < max(ay, by))
        & ((left(x, y, ax, ay, bx, by)) ^ (by < ay))
    ),
    "direction forgotten": ray(
        lambda x, y, ax, ay, bx, by: ((ay > y) != (by > y)) & left(x, y, ax, ay, bx, by)
    ),
    "edges not taken upwards": ray(
        lambda x, y, ax, ay, bx, by: ((ay > y) != (by > y))
        & (left(x, y, ax, ay, bx, by) ^ (by < ay))
    ),
    "line, no ray": ray(lambda x, y, ax, ay, bx, by: (ay > y) != (by > y)),
    "upward edges only": ray(
        lambda x, y, ax, ay, bx, by: (ay <= y) & (y < by) & left(x, y, ax, ay, bx, by)
    ),
    "hull": lambda points, polygon: g.point_in_polygon(points, g.convex_hull(polygon)),
    "box": lambda points, polygon: ((points >= polygon.min(0)) & (points < polygon.max(0))).all(1),
    "boundary inside": lambda points, polygon: g.point_in_polygon(points, polygon, boundary=True),
    "boundary outside": lambda points, polygon: g.point_in_polygon(points, polygon, boundary=False),
    "nonzero": lambda points, polygon: g.point_in_polygon(points, polygon, rule="nonzero"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fault", FAULTY_INSIDES)
def test_faulty_insides_are_rejected(fault):
    rejects(check_inside, FAULTY_INSIDES[fault])


# The hull ----------------------------------------------------------------------------------------


def check_hull(convex_hull):
    clouds = [lattice(seed, 3 + seed % 12) for seed in range(500)]
    clouds += [lattice(seed, 8) * [1, 0] + [0, 2] for seed in range(50)]  # on one line
    clouds += [lattice(seed, 5)[[0, 1, 2, 0, 1, 2, 0]] for seed in range(50)]  # repeated
    clouds += [np.ones((4, 2)), np.array([[0, 0], [0, 0], [3, 1]])]
    for points in clouds[::-1]:
        expected = shapely.MultiPoint(points).convex_hull
        for unit in (1, 0.1, 1e150, 1e-150, (1e150, 1e-150)):
            hull = convex_hull(points * unit)
            corners = shapely.get_coordinates(expected)
            closed = expected.geom_type == "Polygon"
            assert len(hull) == len(corners) - closed
            np.testing.assert_array_equal(hull[0], min((points * unit).tolist()))
            assert {tuple(v) for v in hull} == {tuple(v) for v in corners * unit}
            if closed:
                assert g.polygon_area(hull) > 0
                before, after = np.roll(hull, 1, 0), np.roll(hull, -1, 0)
                assert (g.orientation(before, hull, after) == 1).all()


def test_hull_like_shapely():
    check_hull(g.convex_hull)


@pytest.mark.parametrize("cloud", ["normal", "uniform", "circle", "disc", "grid", "line", "arc"])
def test_hull_like_qhull(cloud):
    rng = np.random.default_rng(15)
    points = {
        "normal": rng.standard_normal((20_000, 2)),
        "uniform": rng.uniform(size=(20_000, 2)),
        "circle": g.rotate([1, 0], 1)
        * np.stack([np.cos(a := rng.uniform(0, 7, 3000)), np.sin(a)], 1),
        "disc": (d := rng.uniform(-1, 1, (20_000, 2)))[(d**2).sum(1) < 1],
        "grid": np.stack(np.meshgrid(np.arange(60) / 7, np.arange(60) / 3), -1).reshape(-1, 2),
        "line": np.arange(5000)[:, None] / 3 * [1, 0.3] + [0.1, 0.7],
        # So fine that three neighbours are collinear up to rounding, and yet together a curve.
        "arc": np.stack([a := np.linspace(0, 1e-3, 20_000), a**2], 1),
    }[cloud]
    hull = g.convex_hull(points)
    if cloud == "line":
        assert len(hull) == 2
        return
    assert g.polygon_area(hull) == pytest.approx(ConvexHull(points).volume, rel=1e-9)
    if cloud in ("normal", "uniform", "circle", "disc"):
        assert {tuple(v) for v in hull} == {tuple(v) for v in points[ConvexHull(points).vertices]}
    if cloud == "grid":
        assert len(hull) == 4


@given(points=st.lists(float_points, min_size=3, max_size=30))
@settings(max_examples=300, deadline=None)
def test_hull_contains_its_points_and_is_its_own_hull(points):
    points = np.array(points)
    hull = g.convex_hull(points)
    assume(len(hull) > 2)
    sides = g.orientation(hull[:, None], np.roll(hull, -1, 0)[:, None], points)
    assert (sides >= 0).all()
    np.testing.assert_array_equal(g.convex_hull(hull), hull)
    assert {tuple(v) for v in hull} <= {tuple(v) for v in points}


def rows(seed, n):
    """Rows of ten points, turned upright and moved: rounding disorders their x."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        row = np.stack([rng.uniform(size=10), np.zeros(10)], 1)
        upright = g.rotate(g.rotate(row, 0.3), np.pi / 2 - 0.3)
        yield upright + rng.uniform(0.5, 1, 2) * 10.0 ** rng.integers(0, 4)


def check_upright_rows(convex_hull):
    """The hull of a row is its two ends."""
    wrong = 0
    for row in rows(19, 200):
        for unit in (1.0, 1e150, 1e-150):
            hull = convex_hull(row * unit) / unit
            lost = np.ptp(row[:, 1]) - np.ptp(hull[:, 1])
            wrong += len(hull) != 2 or lost > 4 * np.spacing(np.abs(row).max())
    assert wrong == 0


def test_upright_rows_keep_their_ends():
    check_upright_rows(g.convex_hull)
    e = np.spacing(0.3)
    column = [[0.3, 1], [0.3 + e, 0], [0.3 + e, 3], [0.3 + 2 * e, 2]]
    np.testing.assert_array_equal(g.convex_hull(column), [[0.3 + e, 0], [0.3 + e, 3]])


def test_the_other_hull_of_the_checks_ends():
    """Gift wrapping went round forever where rounding lets three points be right of each other."""
    e = np.spacing(0.3)
    column = [[0.3, 1], [0.3 + e, 0], [0.3 + e, 3], [0.3 + 2 * e, 2], [0.3, 1.5]]
    (other,) = (each for each in hull.QUESTION.alternatives if "furthest" in each.name)
    assert len(other(np.array(column))) <= 5


def check_noisy_sides(convex_hull):
    """Clouds with a side in which rounding has disordered the points, against Qhull."""
    rng = np.random.default_rng(20)
    wrong = outside = 0
    for i in range(150):
        points = rng.uniform(size=(100, 2))
        points[: rng.integers(3, 60), 0] = 0
        angle = (np.pi / 2, np.pi, 0.3, np.pi / 4)[i % 4]
        points = g.rotate(g.rotate(points, angle), -angle if i % 2 else 0)
        points += rng.uniform(-1, 1, 2) * 10.0 ** rng.integers(-2, 5)
        unit = (1.0, 1e150, 1e-150)[i % 3]
        hull = convex_hull(points * unit) / unit
        size = np.abs(points).max()
        wrong += not abs(g.polygon_area(hull) - ConvexHull(points).volume) < 1e-14 * size
        wrong += not (np.abs(np.ptp(hull, 0) - np.ptp(points, 0)) < 1e-14 * size).all()
        side = g.orientation(hull[:, None], np.roll(hull, -1, 0)[:, None], points)
        outside += (side < 0).any()
    assert wrong == 0 and outside == 0


def test_noisy_sides_like_qhull():
    check_noisy_sides(g.convex_hull)


def test_no_point_is_certainly_outside_of_a_fine_arc():
    """Rounding that is forgiven point by point must not add up over a hundred thousand."""
    i = 1e-10 * np.arange(100_000)
    arc = np.stack([1 + i, 1 + i**2], 1)
    hull = g.convex_hull(arc)
    assert 50 < len(hull) < 500
    side = [g.orientation(p, q, arc) for p, q in pairwise([*hull, hull[0]])]
    assert (np.array(side) < 0).sum() == 0


def test_a_circle_whose_turns_are_all_uncertain():
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1) + 1e9
    hull = g.convex_hull(circle)
    assert 3 <= len(hull) < 20_000
    assert g.polygon_area(hull) == pytest.approx(ConvexHull(circle).volume, abs=1e-5)


def chain_hull(keep):
    """The monotone chain with another test of a corner."""

    def convex_hull(points):
        points = sorted({tuple(p) for p in points})
        if len(points) == 1:
            return np.array(points)
        ends = []
        for path in (points, points[::-1]):
            chain = []
            for p in path:
                while len(chain) > 1 and not keep(*map(np.array, (chain[-2], chain[-1], p))):
                    chain.pop()
                chain.append(p)
            ends += chain[:-1]
        return np.array(ends)

    return convex_hull


def naive_turn(p, q, r):
    u, v = q - p, r - p
    return u[0] * v[1] - u[1] * v[0]


FAULTY_HULLS = {
    "keeps what is collinear": chain_hull(lambda p, q, r: g.orientation(p, q, r) >= 0),
    "absolute epsilon": chain_hull(lambda p, q, r: naive_turn(p, q, r) > 1e-9),
    "no tolerance": chain_hull(lambda p, q, r: naive_turn(p, q, r) > 0),
    "clockwise": lambda points: g.convex_hull(points)[::-1],
    "starts elsewhere": lambda points: np.roll(g.convex_hull(points), 1, 0),
    "closed": lambda points: (h := g.convex_hull(points))[[*range(len(h)), 0]],
    "box": lambda points: np.unique(
        [[x, y] for x in np.sort(points[:, 0])[[0, -1]] for y in np.sort(points[:, 1])[[0, -1]]],
        axis=0,
    ),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fault", FAULTY_HULLS)
def test_faulty_hulls_are_rejected(fault):
    rejects(check_hull, FAULTY_HULLS[fault])


@pytest.mark.parametrize("check", [check_upright_rows, check_noisy_sides])
def test_a_hull_that_drops_what_is_uncertain_is_rejected(check):
    rejects(check, chain_hull(lambda p, q, r: g.orientation(p, q, r) > 0))


# Measures ----------------------------------------------------------------------------------------


def test_samples_of_a_polygon(generator):
    polygon = star_shaped(3)
    samples = g.sample_polygon(polygon, 20_000, generator)
    assert samples.shape == (20_000, 2) and g.fraction_inside(samples, polygon) == 1
    shape = shapely.Polygon(polygon)
    error = samples.std(0) / np.sqrt(len(samples))
    assert (np.abs(samples.mean(0) - [shape.centroid.x, shape.centroid.y]) < 4 * error).all()
    half = shapely.intersection(shape, shapely.box(-2, -2, 0, 2)).area / shape.area
    assert abs((samples[:, 0] < 0).mean() - half) < 4 * np.sqrt(half * (1 - half) / len(samples))
    again = torch.Generator().manual_seed(0)
    np.testing.assert_array_equal(g.sample_polygon(polygon, 20_000, again), samples)
    assert g.sample_polygon(polygon * 1e150, 0).shape == (0, 2)
    assert g.fraction_inside(g.sample_polygon(polygon * 1e-150, 50), polygon * 1e-150) == 1
    star = g.sample_polygon(PENTAGRAM, 2000, generator)
    assert (g.winding_number(star, PENTAGRAM) == 1).all()
    star = g.sample_polygon(PENTAGRAM, 2000, generator, rule="nonzero")
    assert set(g.winding_number(star, PENTAGRAM)) == {1, 2}


def test_fraction_and_coverage():
    points = np.array([[0.5, 0.5], [1.5, 0.5], [3.5, 0.5], [9, 9]])
    assert g.fraction_inside(points, SQUARE) == 0.5
    assert g.fraction_inside(points, SQUARE, np.add(SQUARE, [1, 0]), np.add(SQUARE, [2, 0])) == 0.75
    assert g.hull_coverage(SQUARE, points) == 0.5 and g.hull_coverage(SQUARE, SQUARE) == 1


def test_area_ratio_is_the_jacobian_determinant():
    def swirl(x):
        r2 = (x**2).sum(-1, keepdims=True)
        return g.rotate(x, 0.4) * (1 + r2) * [1, -0.5] + [3, 1]

    centres = uniform(16, 50)
    expected = [
        torch.linalg.det(
            torch.autograd.functional.jacobian(
                lambda x: (
                    (torch.tensor(g.rotation(0.4)) @ x * (1 + (x * x).sum()))
                    * torch.tensor([1, -0.5])
                ),
                torch.tensor(c),
            )
        ).item()
        for c in centres
    ]
    assert max(expected) < 0
    coarse, fine = (g.area_ratio(swirl, centres, side) for side in (1e-2, 1e-3))
    np.testing.assert_allclose(fine, expected, rtol=1e-5)
    order = np.abs(coarse - expected).max() / np.abs(fine - expected).max()
    assert 80 < order < 120  # O(side²)


# Errors ------------------------------------------------------------------------------------------

FAR_LINES = [(0, 0), (1e308, 0), (0, 1e308), (1e308, 0.99999e308)]
NAN = [[0, 0], [1, float("nan")], [1, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: g.polygon_area(NAN), "NaN or infinity in polygon"),
        (lambda: g.convex_hull([[0, 0], [1, np.inf], [2, 2]]), "NaN or infinity in points"),
        (lambda: g.point_in_polygon([0, np.nan], SQUARE), "NaN or infinity in points"),
        (lambda: g.point_in_polygon([0, 0], NAN), "NaN or infinity in polygon"),
        (lambda: g.segments_intersect([0, 0], [1, 1], [0, 1], [1, np.nan]), "NaN or infinity in s"),
        (lambda: g.convex_hull(SQUARE[:2]), "points must be at least 3 points, got 2"),
        (lambda: g.point_in_polygon([0, 0], SQUARE[:2]), "polygon must be at least 3 points"),
        (lambda: g.polygon_area(SQUARE[:2]), r"at least 3 corners, .*\(2, 2\)"),
        (lambda: g.point_in_polygon([0, 0, 0], SQUARE), r"points must have shape \(…, 2\), got"),
        (lambda: g.point_in_polygon([0, 0], SQUARE[None]), r"polygon must have shape \(N, 2\)"),
        (lambda: g.convex_hull(np.zeros((4, 3))), r"shape \(N, 2\), got \(4, 3\)"),
        (lambda: g.cross(1.0, [1, 2]), r"u must have shape \(…, 2\), got \(\)"),
        (lambda: g.dot(np.ones((3, 2)), np.ones((4, 2))), r"broadcast: u \(3, 2\), v \(4, 2\)"),
        (lambda: g.rotation(np.nan), "angle must be finite"),
        (lambda: g.point_in_polygon([0, 0], SQUARE, rule="odd"), "rule must be one of"),
        (lambda: g.on_line([0, 0], [1, 1], [1, 1]), "p and q are equal"),
        (lambda: g.line_relation([0, 0], [1, 1], [2, 2], [2, 2]), "r and s are equal"),
        (lambda: g.line_intersection([0, 0], [1, 1], [0, 1], [1, 2]), "1 of 1 .* parallel"),
        (lambda: g.segment_intersection(*np.ones((4, 5, 2))), "takes one pair"),
        (lambda: g.crossing_pairs(np.ones((3, 1, 2))), r"\(N, K, 2\) with K ≥ 2"),
        (lambda: g.polygon_area(SQUARE * 1e200), "larger than the largest number"),
        (lambda: g.sample_polygon(SQUARE, -1), "n must not be negative"),
        (lambda: g.sample_polygon([[0, 0], [1, 1], [2, 2]], 5), "fills almost nothing"),
        (lambda: g.fraction_inside(SQUARE), "at least one polygon"),
        (lambda: g.fraction_inside(np.empty((0, 2)), SQUARE), "at least 1 points, got 0"),
        (lambda: g.hull_coverage([[0, 0], [1, 1], [2, 2]], SQUARE), "lie on one line"),
        (lambda: g.area_ratio(lambda x: x[:1], SQUARE), "returned 1 points for 16"),
        (lambda: g.area_ratio(lambda x: x, SQUARE, side=0), "side must be positive"),
        (lambda: g.area_ratio(lambda x: x, [[1e16, 0]]), "lost in the rounding of a centre"),
        (lambda: g.line_intersection(*FAR_LINES), "cross farther away than the largest number"),
        (lambda: g.distance_to_segment([1.7e308, 0], [-1.7e308, 0], [-1.7e308, 1]), "a distance"),
    ],
)
def test_errors_say_what_was_given(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="real numbers"):
        g.convex_hull([["a", "b"]] * 3)
    with pytest.raises(TypeError, match="real numbers"):
        g.cross([1j, 0], [0, 1])
