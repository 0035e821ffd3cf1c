"""Gene symbols that a spreadsheet has turned into dates: MARCH1, SEPT2, DEC1, OCT4 (Ziemann 2016)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
# How German, French, Spanish, Italian and Dutch spreadsheets call March, May, September, October and December.
_ABROAD = "m\u00e4r|mrz|mars|mai|okt|ott|dez|d\u00e9c|dic|mrt"
_FORMS = re.compile(
    rf"\d{{1,2}}(\. |[-/. ])({_MONTH}|{_ABROAD})\.?([-/. ]\d{{2,4}})?"  # 1-Mar, 1-Mar-23, 1. Mrz
    rf"|({_MONTH})[-/. ]\d{{1,2}}"  # Mar-01
    r"|(19|20)\d\d[-/]\d\d[-/]\d\d([ T]00:00(:00)?(\.0+)?)?"  # 2023-03-01 00:00:00
    r"|\d{1,2}[/.]\d{1,2}[/.](\d\d|(19|20)\d\d)",  # 3/1/2023
    re.IGNORECASE,
)
_SERIAL = re.compile(r"(3[6-9]|4\d|5[0-4])\d{3}(\.0)?")  # days since 1900: the years 1998 to 2048
FEW = 0.5  # share of numbers among names from which they are ids of Entrez and no dates


def date_names(names: Iterable[str]) -> list[str]:
    """The names that are dates by their form, in order, or the days that a spreadsheet counts (44256: 2021-03-01)."""
    names = list(names)
    serials = {name for name in names if _SERIAL.fullmatch(name)}
    numbers = sum(name.replace(".", "").isdecimal() for name in names) if serials else 0
    serials = serials if numbers < FEW * len(names) else set()
    return [name for name in names if name in serials or (name[:1].isalnum() and _FORMS.fullmatch(name))]
