"""Gene symbols that a spreadsheet has turned into dates: MARCH1, SEPT2, DEC1, OCT4 (Ziemann 2016)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
_FORMS = re.compile(
    rf"\d{{1,2}}[-/. ]({_MONTH})([-/. ]\d{{2,4}})?"  # 1-Mar, 1-Mar-23
    rf"|({_MONTH})[-/. ]\d{{1,2}}"  # Mar-01
    r"|(19|20)\d\d-\d\d-\d\d([ T]00:00(:00)?(\.0+)?)?"  # 2023-03-01 00:00:00
    r"|\d{1,2}[/.]\d{1,2}[/.](\d\d|(19|20)\d\d)",  # 3/1/2023
    re.IGNORECASE,
)


def date_names(names: Iterable[str]) -> list[str]:
    """The names that are dates by their form, in order."""
    return [name for name in names if name[:1].isalnum() and _FORMS.fullmatch(name)]
