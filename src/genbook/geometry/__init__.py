"""Computational geometry of toy data: exact answers about points in the plane.

The module of the chapter ``geometry``, one file for each of its parts: vectors and the side of a
line (``vectors``), lines and segments (``segments``), polygons and hulls (``polygons``), and what
the later chapters do with them (``measures``, ``raster``). Plain NumPy in float64, vectorised over
points: a point has the shape ``(2,)`` and any leading dimensions broadcast.

Two rules hold throughout.

* *Which side?* is answered from the sign of a determinant, and for lines and segments that sign
  counts only where no rounding of the coordinates could change it; see :func:`orientation`. A
  point in a polygon is decided by the plain sign instead: yes or no, without a third answer. No
  number is compared with an absolute epsilon, so scaling a figure by 1e150 or by 1e-150 changes no
  answer.
* *How near?* is answered by a distance relative to the size of the figure; see :func:`on_line`.
"""

from __future__ import annotations

from genbook.geometry.measures import (
    area_ratio,
    fraction_inside,
    hull_coverage,
    sample_polygon,
)
from genbook.geometry.polygons import (
    Rule,
    convex_hull,
    on_boundary,
    point_in_polygon,
    polygon_area,
    ray_crossings,
    winding_number,
)
from genbook.geometry.raster import coverage, outline
from genbook.geometry.segments import (
    crossing_pairs,
    line_intersection,
    line_relation,
    segment_intersection,
    segments_intersect,
)
from genbook.geometry.vectors import (
    Array,
    cross,
    distance_to_segment,
    dot,
    on_line,
    on_segment,
    orientation,
    rotate,
    rotation,
)

__all__ = [
    "Array",
    "Rule",
    "area_ratio",
    "convex_hull",
    "coverage",
    "cross",
    "crossing_pairs",
    "distance_to_segment",
    "dot",
    "fraction_inside",
    "hull_coverage",
    "line_intersection",
    "line_relation",
    "on_boundary",
    "on_line",
    "on_segment",
    "orientation",
    "outline",
    "point_in_polygon",
    "polygon_area",
    "ray_crossings",
    "rotate",
    "rotation",
    "sample_polygon",
    "segment_intersection",
    "segments_intersect",
    "winding_number",
]
