"""What stands among the genes of a table and is none: counters' special rows, clinical columns, measures of quality."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tl_jax.data.genes.table import symbols

# HTSeq, STAR, featureCounts, samtools; spike-ins of ERCC and SIRV; sums that a spreadsheet adds.
SPECIAL = re.compile(
    r"_{1,2}(no_feature|ambiguous|too_low_aqual|not_aligned|alignment_not_unique)|n_(unmapped|multimapping|nofeature"
    r"|ambiguous)|unassigned_\w+|\*|assigned|(no|too)_(feature|low_aqual)|ambiguous|not_aligned|alignment_not_unique"
    r"|ercc[-_.]\d{5}|sirv\d{1,3}|(grand|sub)?[-_. ]?totals?([-_. ](counts?|reads|umis?))?|sum",
    re.IGNORECASE,
)
_CLINICAL = re.compile(
    r"(patient|sample|tumou?r|cell|donor|clinical|pathologic\w*|ajcc|who|mean|median|total|num(ber)?|n|log\d*|prior|pre|post"
    r"|is|has|library|lib|days|months|years|percent|pct|at|of|to|in|the|a|diagnosis|last|initial)"
)
_NO_GENE = re.compile(
    r"age|sex|gender|race|ethnicity|stage|grade|status|survival|os|pfs|dfs|efs|rfs|event|censor\w*|followup|vital|death"
    r"|weight|height|bmi|smok\w+|karnofsky|kps|ecog|batch|plate|well|lane|run|passage|replicate|purity|ploidy|rin|dv200"
    r"|library_?size|librarysize|lib|counts?|reads|umis?|ncount|nfeature|features?|genes?_?detected|mito(chondri\w+)?|mt|mapped"
    r"|mapping|depth|coverage|rate|viability|auc|aac|ic\d\d|lnic\d\d|response|dose|time|year|day|month|id|cosmic|treatment"
    r"|diagnosis|idh|methylation|mgmt_?(status|methylation)|msi|tmb|size|volume|score|date|cluster|pc\d+|umap\d*|tsne\d*"
    r"|gleason|psa|ki[-_]?67|karyotype|blasts?|hemoglobin|bilirubin|label|target|outcome|quality|rrna|gc|dup\w*"
)
# Beside the counts of featureCounts and of annotated tables.
ABOUT_GENES = re.compile(
    r"chr(om(osome)?)?|seqnames?|start|end|strand|length|gene_?length|width|biotype|gene_?(bio)?type|description|gene_?title"
    r"|entrez(_?gene)?(_?id)?|ensembl(_?gene)?(_?id)?|hgnc(_?id)?|gene_?id|gene_?name|symbol|probe(_?id)?|exons?|gc",
    re.IGNORECASE,
)


def special_rows(names: Iterable[str]) -> list[str]:
    """Names of rows in which a counter sums what belongs to no gene."""
    return [name for name in names if SPECIAL.fullmatch(name)]


def no_genes(names: Iterable[str]) -> list[str]:
    """Names that are no genes: special rows, and clinical or technical words that are no current symbol."""
    known = symbols()
    return [n for n in names if n not in known and (SPECIAL.fullmatch(n) or _is_clinical(n))]


def _is_clinical(name: str) -> bool:
    """Whether a name consists of clinical or technical words."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).casefold()
    if _NO_GENE.fullmatch(text):
        return True
    words = [w for w in re.split(r"[^a-z0-9]+", text) if w]
    return any(map(_NO_GENE.fullmatch, words)) and all(_NO_GENE.fullmatch(w) or _CLINICAL.fullmatch(w) for w in words)
