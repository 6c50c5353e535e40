"""File sizes in words, in decimal units everywhere: kB of 1,000 bytes and MB of 1,000,000, as in file managers and
browsers."""

from __future__ import annotations


def describe_size(size: int) -> str:
    """Return ``size``, a number of bytes, in words: 600 bytes, 612 kB, 4.1 MB, 300 MB, 4.3 GB."""
    if size < 1000:
        return f"{size} bytes"
    if size < 999_500:
        return f"{size / 1000:.0f} kB"
    divisor, unit = (1e6, "MB") if size < 999_500_000 else (1e9, "GB")
    amount = size / divisor
    return f"{amount:.1f} {unit}" if amount < 99.95 else f"{amount:,.0f} {unit}"
