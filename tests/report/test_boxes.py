"""Boxes lie where the regions lie, and their tags stay inside the picture."""

import pytest

from report.boxes import boxes, region_id
from report.diagnosis import PictureRegion


def region(x: int, y: int, width: int, height: int, tag: str = "words") -> PictureRegion:
    return PictureRegion(tag=tag, x=x, y=y, width=width, height=height)


def test_a_box_is_in_per_cent_of_the_picture_with_a_little_air() -> None:
    (box,) = boxes((region(104, 204, 192, 92),), 1000, 500, "/pages/0/screenshot")
    assert (box.left, box.top, box.width, box.height) == (10.0, 40.0, 20.0, 20.0)
    assert box.id == region_id("/pages/0/screenshot", region(104, 204, 192, 92))
    assert box.id == "/pages/0/screenshot/xywh=104,204,192,92"


@pytest.mark.parametrize(
    ("y", "height", "side"), [(240, 100, "above"), (10, 100, "below"), (0, 500, "inside"), (400, 100, "above")]
)
def test_a_tag_stands_where_it_has_room(y: int, height: int, side: str) -> None:
    assert boxes((region(0, y, 100, height),), 1000, 500, "")[0].tag_side == side


def test_a_tag_on_the_right_ends_with_its_box() -> None:
    assert [box.tag_end for box in boxes((region(0, 0, 9, 9), region(800, 0, 9, 9)), 1000, 500, "")] == [False, True]


def test_each_tag_is_given_once() -> None:
    found = boxes((region(0, 0, 9, 9), region(50, 0, 9, 9), region(90, 0, 9, 9, "code")), 1000, 500, "")
    assert [box.tag for box in found] == ["words", "", "code"]


def test_what_lies_outside_is_left_out_and_what_reaches_out_is_cut() -> None:
    (box,) = boxes((region(0, 600, 9, 9), region(990, 490, 900, 900), region(2000, 0, 9, 9)), 1000, 500, "")
    assert box.left + box.width == 100
    assert box.top + box.height == 100
