"""Turn the values of one row into bytes if each is exactly a float, as fast as Python can.

For the widths people log most the loop over the values is written out: looping and unpacking cost
more than packing does. Wider rows take the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Pack = Callable[..., bytes]
PackFloats = Callable[[Pack, int, int, int, Any], bytes]
"""(pack, ids, step, timestamp_ms, values) -> payload; TypeError when a value is no float.

`values` is what `operator.itemgetter` gives: a tuple, but for one key the value itself.
"""


def pack_floats(width: int) -> PackFloats:
    """The fastest packer for rows of `width` values."""
    return _WRITTEN_OUT.get(width, _any)


def _any(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    for value in values:
        if value.__class__ is not float:
            raise TypeError
    return pack(ids, step, stamp, *values)


def _1(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    if values.__class__ is float:
        return pack(ids, step, stamp, values)
    raise TypeError


def _2(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b = values
    if a.__class__ is b.__class__ is float:
        return pack(ids, step, stamp, a, b)
    raise TypeError


def _3(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b, c = values
    if a.__class__ is b.__class__ is c.__class__ is float:
        return pack(ids, step, stamp, a, b, c)
    raise TypeError


def _4(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b, c, d = values
    if a.__class__ is b.__class__ is c.__class__ is d.__class__ is float:
        return pack(ids, step, stamp, a, b, c, d)
    raise TypeError


def _5(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b, c, d, e = values
    if a.__class__ is b.__class__ is c.__class__ is d.__class__ is e.__class__ is float:
        return pack(ids, step, stamp, a, b, c, d, e)
    raise TypeError


def _6(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b, c, d, e, f = values
    if (
        a.__class__
        is b.__class__
        is c.__class__
        is d.__class__
        is e.__class__
        is f.__class__
        is float
    ):
        return pack(ids, step, stamp, a, b, c, d, e, f)
    raise TypeError


def _7(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b, c, d, e, f, g = values
    if (
        a.__class__
        is b.__class__
        is c.__class__
        is d.__class__
        is e.__class__
        is f.__class__
        is g.__class__
        is float
    ):
        return pack(ids, step, stamp, a, b, c, d, e, f, g)
    raise TypeError


def _8(pack: Pack, ids: int, step: int, stamp: int, values: Any) -> bytes:
    a, b, c, d, e, f, g, h = values
    if (
        a.__class__
        is b.__class__
        is c.__class__
        is d.__class__
        is e.__class__
        is f.__class__
        is g.__class__
        is h.__class__
        is float
    ):
        return pack(ids, step, stamp, a, b, c, d, e, f, g, h)
    raise TypeError


_WRITTEN_OUT: dict[int, PackFloats] = {1: _1, 2: _2, 3: _3, 4: _4, 5: _5, 6: _6, 7: _7, 8: _8}
