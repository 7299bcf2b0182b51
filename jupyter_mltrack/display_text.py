"""Text that came from anywhere, made safe and legible for a terminal or a page.

Names of runs, metrics and experiments come from other people's code and servers. What goes to
a terminal must not move its cursor, what goes to a page must not become markup, and neither may
turn the reading direction of what stands beside it. Numbers and times get their short form here.
"""

from __future__ import annotations

import math
import unicodedata

_LOWER_IS_BETTER = ("loss", "error", "err", "mse", "mae", "rmse", "mape", "perplexity", "nll")
_SPANS = (("day", "d", 86_400), ("hour", "h", 3600), ("minute", "min", 60), ("second", "s", 1))


def clean(text: str) -> str:
    """The text on one line, with control, direction and invisible characters shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        code = ord(character)
        if code < 0x100:
            return f"\\x{code:02x}"
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    wide = 0
    for character in text:
        if unicodedata.combining(character):
            continue
        wide += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return wide


def shorten(text: str, limit: int) -> str:
    """The text in at most `limit` columns; what is left out is marked by an ellipsis."""
    if width(text) <= limit:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > limit - 1:
            break
        kept += character
    return kept + "…"


def number(value: float) -> str:
    """Four significant digits; whole numbers up to a million whole."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 1_000_000:
        return str(int(value))
    return f"{value:.4g}"


def duration(milliseconds: int) -> str:
    """`06:58`, `1:02:03`, `2 d 01:00:00`; never negative."""
    seconds = max(0, milliseconds) // 1000
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02d}:{minutes:02d}:{seconds:02d}"
    if hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    return f"{minutes:02d}:{seconds:02d}"


def span(milliseconds: int) -> str:
    """How long in words that follow `last` or `each`: `hour`, `15 minutes`, `1 h 30 min`."""
    left = max(1, round(milliseconds / 1000))
    parts = []
    for word, short, seconds in _SPANS:
        count, left = divmod(left, seconds)
        if count:
            parts.append((count, word, short))
    if len(parts) > 1:
        return " ".join(f"{count} {short}" for count, _, short in parts[:2])
    count, word, _ = parts[0]
    return word if count == 1 else f"{count} {word}s"


def ago(then_ms: int, now_ms: int) -> str:
    """How long ago in words: `now`, `2 min ago`, `3 h ago`, `5 d ago`, then the date."""
    seconds = max(0, now_ms - then_ms) // 1000
    if seconds < 10:
        return "now"
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600} h ago"
    if seconds < 30 * 86_400:
        return f"{seconds // 86_400} d ago"
    from datetime import UTC, datetime

    return datetime.fromtimestamp(then_ms / 1000, UTC).strftime("%Y-%m-%d")


def lower_is_better(metric: str) -> bool:
    """Whether a smaller value of a metric of this name is the better one (`loss`, `val_error`)."""
    words = metric.lower().replace("/", "_").replace(".", "_").replace("-", "_").split("_")
    return any(word in _LOWER_IS_BETTER or word.endswith("loss") for word in words)
