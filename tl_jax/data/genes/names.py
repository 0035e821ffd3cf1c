"""What kind of gene names a table has, and the current human symbols they mean.

Nothing is resolved by guessing: a name that means several genes is left as it is and counted. docs/genes.md has the
rules and what they gain on real tables.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tl_jax.data.genes.table import Lookup, lookup, symbols
from tl_jax.errors import InputError

GIVEN, AUTO, UNKNOWN = "given", "auto", "unknown"
KINDS = ("symbol", "ensembl", "entrez", "symbol_entrez", "mouse_symbol", "mouse_ensembl")
GENE_IDS = (GIVEN, AUTO, *KINDS)

# Of the names, so many must be known before a table is said to be of a kind.
RECOGNISED = 0.3

FORMS = {
    # A symbol behind the id changes nothing; the copy of a gene on chromosome Y (_PAR_Y) is no second value of it.
    "ensembl": re.compile(r"(ENSG\d{11})(?:\.\d+)?(?!_PAR_Y)(?:[_|]\S+)?"),
    "mouse_ensembl": re.compile(r"(ENSMUSG\d{11})(?:\.\d+)?"),
    "entrez": re.compile(r"(\d+)(?:\.0)?"),
    "symbol_entrez": re.compile(r"([^\s|]+)(?:\|| \()(\d+)\)?"),
}

# Excel takes MARCH1 and MARC1 for the first of March, which it shows and saves in one of these ways.
_DATES = (
    re.compile(r"(?P<day>\d{1,2})-(?P<month>[A-Za-z]{3})(?:-\d{2,4})?"),
    re.compile(r"(?P<month>[A-Za-z]{3})-(?P<day>\d{1,2})"),
    re.compile(r"\d{4}-(?P<month>\d{2})-(?P<day>\d{2})(?: 00:00:00)?"),
)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# Beginnings of gene names that are read as a month, beside the month's own three letters.
LONG_MONTHS = {"MAR": ("MARCH", "MARC"), "SEP": ("SEPT", "SEP")}
_ORF = re.compile(r"C(\d+|X|Y)ORF(\d+)")

# A name's fate. KEPT ones bear the name they came with.
CURRENT, RENAMED, DATE, WRITTEN = "current", "renamed", "date", "spelling"
BY_ID, VERSION, ORTHOLOG = "by id", "version", "ortholog"
AMBIGUOUS, TAKEN, NOT_FOUND = "ambiguous", "taken", "not found"
KEPT = (CURRENT, AMBIGUOUS, TAKEN, NOT_FOUND)
BY_NAME = (RENAMED, DATE, WRITTEN)


@dataclass(frozen=True)
class GeneNames:
    """The gene names of a table and what became of them.

    given: (genes,) names of the table. names: (genes,) names to use; several may be alike, where columns fall on one
    gene. kind: of the table, "unknown" where no kind fits. asked: gene_ids. fates: (genes,) one of "current" (a current
    symbol already), "renamed" (previous symbol or alias), "date" (Excel's), "spelling" (HLA.A, C1ORF112), "by id",
    "version" (an id that the package does not know, without its version), "ortholog", "ambiguous" (several genes),
    "taken" (another column has its gene, so it stays), "not found".
    """

    given: tuple[str, ...]
    names: tuple[str, ...]
    fates: tuple[str, ...]
    kind: str
    asked: str

    @cached_property
    def count(self) -> Counter:
        """{fate: number of names}."""
        return Counter(self.fates)

    def examples(self, *fates: str) -> list[str]:
        """Names of some fates, sorted: "OLD -> NEW", or the name where it was left."""
        found = zip(self.given, self.names, self.fates, strict=True)
        return sorted(g if g == n else f"{g} -> {n}" for g, n, fate in found if fate in fates)

    @property
    def changed(self) -> int:
        """How many names are not those of the table."""
        return sum(given != name for given, name in zip(self.given, self.names, strict=True))

    @cached_property
    def together(self) -> dict[str, list[str]]:
        """{gene: names of the table that fall on it} where there are several, sorted."""
        groups: dict[str, list[str]] = {}
        for given, name in zip(self.given, self.names, strict=True):
            groups.setdefault(name, []).append(given)
        return {name: sorted(group) for name, group in sorted(groups.items()) if len(group) > 1}


def kind_of(names: Iterable[str]) -> str:
    """The kind (one of KINDS) of most names, "unknown" where under 30 % of them are known as any kind."""
    names = list(dict.fromkeys(map(str, names)))
    for kind, form in FORMS.items():
        if 2 * sum(bool(form.fullmatch(name)) for name in names) > len(names):
            found = sum(fate not in (NOT_FOUND, VERSION) for _, fate in _meanings(names, kind))
            return kind if found >= RECOGNISED * len(names) else UNKNOWN
    if 2 * sum(name in symbols() for name in names) > len(names):
        return "symbol"  # without the tables of old names and of mouse genes, which take half a second to sort out
    share = {kind: sum(name in lookup(kind) for name in names) for kind in ("symbol", "mouse_symbol")}
    best = max(share, key=share.get)
    return best if names and share[best] >= RECOGNISED * len(names) else UNKNOWN


def translate(names: Iterable[str], gene_ids: str = AUTO) -> GeneNames:
    """Current human symbols of gene names, whatever their order.

    gene_ids: a kind of KINDS, "auto" to recognise it, "given" to leave all names. A current symbol stays. An alias
    stays where it means several genes ("ambiguous"), or where another column has its gene too ("taken"), so that no
    two columns fall together by an alias; ids of one gene do. ValueError for another gene_ids.
    """
    if gene_ids not in GENE_IDS:
        raise ValueError(f"gene_ids is '{gene_ids}'; there are: {', '.join(GENE_IDS)}")
    given = tuple(map(str, names))
    if gene_ids == GIVEN:
        return GeneNames(given, given, (NOT_FOUND,) * len(given), UNKNOWN, gene_ids)
    kind = kind_of(given) if gene_ids == AUTO else gene_ids
    if kind == UNKNOWN:
        return GeneNames(given, given, (NOT_FOUND,) * len(given), kind, gene_ids)
    new, fates = _give_way(given, *zip(*_meanings(given, kind), strict=True)) if given else ((), ())
    return GeneNames(given, tuple(new), tuple(fates), kind, gene_ids)


def match_names(given: Iterable[str], wanted: Iterable[str], gene_ids: str = AUTO) -> GeneNames:
    """Names of a table as a model knows them (`wanted`), whatever names the model was trained with.

    A name that the model has stays. Another becomes the model's name for its gene where both sides have one name for
    that gene. ValueError for another gene_ids.
    """
    found, wanted = translate(given, gene_ids), list(dict.fromkeys(map(str, wanted)))
    if gene_ids == GIVEN:
        return found
    exact = set(found.given) & set(wanted)
    theirs, sides = translate(wanted), Counter(found.names)
    called: dict[str, list[str]] = {}
    for name, gene in zip(wanted, theirs.names, strict=True):
        called.setdefault(gene, []).append(name)
    names = []
    for name, gene in zip(found.given, found.names, strict=True):
        own = called.get(gene, [])
        fits = name not in exact and len(own) == 1 and own[0] not in exact and sides[gene] == 1
        names.append(own[0] if fits else name)
    return replace(found, names=tuple(names))


def _give_way(given: Sequence[str], new: Sequence[str], fates: Sequence[str]) -> tuple[list[str], list[str]]:
    """A name stays where its gene is the name of another column, or what another column's alias means as well.

    Columns whose ids mean one gene are left together: they are one gene beyond doubt.
    """
    new, fates, before = list(new), list(fates), -1
    while before != fates.count(TAKEN):
        before = fates.count(TAKEN)
        borne = {name for name, fate in zip(new, fates, strict=True) if fate in KEPT}
        claims = Counter(new)
        for i, fate in enumerate(fates):
            if fate not in KEPT and (new[i] in borne or (fate in BY_NAME and claims[new[i]] > 1)):
                new[i], fates[i] = given[i], TAKEN
    return new, fates


def _meanings(names: Iterable[str], kind: str) -> list[tuple[str, str]]:
    """(symbol, fate) of each name by itself."""
    if kind == "symbol":
        known = lookup("symbol")
        return [_symbol(name, known) for name in names]
    if kind == "symbol_entrez":
        return [_symbol_entrez(name, lookup("symbol"), lookup("entrez")) for name in names]
    known, form = lookup(kind), FORMS.get(kind)
    fate = ORTHOLOG if kind.startswith("mouse") else BY_ID
    return [_by(name, form.fullmatch(name) if form else (name, name), known, fate) for name in names]


def _by(name: str, match, known: Lookup, fate: str) -> tuple[str, str]:
    """By an id; match: its form, whose first group is the id."""
    if not match:
        return name, NOT_FOUND
    if match[1] in known.one:
        return known.one[match[1]], fate
    if match[1] in known.several:
        return name, AMBIGUOUS
    return (name, NOT_FOUND) if match[1] == name else (match[1], VERSION)


def _symbol(name: str, known: Lookup) -> tuple[str, str]:
    if name in known.one:
        return known.one[name], CURRENT if known.one[name] == name else RENAMED
    if name in known.several:
        return name, AMBIGUOUS
    if is_date(name):
        genes = _genes_of_date(name, known)
        return (genes.pop(), DATE) if len(genes) == 1 else (name, AMBIGUOUS if genes else NOT_FOUND)
    # R writes HLA.A for HLA-A; capitals throughout turn C1orf112 into C1ORF112.
    dashed = name.replace(".", "-")
    if dashed in symbols():
        return dashed, WRITTEN
    written = _ORF.sub(r"C\1orf\2", name) if _ORF.fullmatch(name) else ""
    return (known.one[written], WRITTEN) if written in known.one else (name, NOT_FOUND)


def _symbol_entrez(name: str, known: Lookup, entrez: Lookup) -> tuple[str, str]:
    """TP53 (7157): the id decides, unless its symbol is that of another gene."""
    match = FORMS["symbol_entrez"].fullmatch(name)
    if not match or match[2] not in entrez.one:
        return name, NOT_FOUND
    gene = entrez.one[match[2]]
    return (gene, BY_ID) if known.one.get(match[1], gene) == gene else (name, AMBIGUOUS)


def is_date(name: str) -> bool:
    """Whether a name is what Excel makes of a gene such as MARCH1 or SEPT2: '1-Mar', 'Sep-02', '2024-03-01'."""
    return bool(_day(name))


def _day(name: str) -> tuple[str, int] | None:
    """(month in capitals, number) of a date; the gene's number is the day."""
    match = next(filter(None, (form.fullmatch(name) for form in _DATES)), None)
    if not match:
        return None
    month, day = match["month"].upper(), int(match["day"])
    if month.isdigit():
        month = MONTHS[int(month) - 1] if 1 <= int(month) <= 12 else ""
    return (month, day) if month in MONTHS and 1 <= day <= 31 else None


def _genes_of_date(name: str, known: Lookup) -> set[str]:
    """Every gene that a date may have been."""
    month, number = _day(name)
    genes = set()
    for stem in LONG_MONTHS.get(month, (month,)):
        once = f"{stem}{number}"
        genes |= {known.one[once]} if once in known.one else set(known.several.get(once, ()))
    return genes


def check_kind(found: GeneNames, path) -> None:
    """InputError where names are not of the kind that the cohort file says."""
    known = len(found.given) - found.count[NOT_FOUND] - found.count[VERSION]
    if found.asked in KINDS and known < RECOGNISED * len(found.given):
        likely = kind_of(found.given)
        remedy = "write gene_ids = 'given'" if likely in (UNKNOWN, found.asked) else f"they look like '{likely}'"
        first = ", ".join(f"'{name}'" for name in found.given[:3])
        raise InputError(
            f"{path}: gene_ids is '{found.asked}', and {known} of its {len(found.given)} names are known as such "
            f"(first: {first}); {remedy}"
        )
