"""Section on words: the words of the field, and the names of arms, that stand somewhere on the page, a line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tl_jax.evaluation.predictors.plain_words import words_of
from tl_jax.report.blocks import Block, Cell, Column, Figure, Part, Section, Table, Text, Tree, table

ANCHOR = "words"
# {word: (pattern by which a page uses it, what it means)}
TERMS = {
    "arm": ("arms?", "one way to predict that the study tried: a network, or a baseline."),
    "baseline": ("baselines?", "a simple method that any network must beat to be worth its trouble."),
    "source": ("sources?", "a large public data set to learn from first, such as a drug's response in cell lines."),
    "target": ("target", "the small data set that is to be predicted."),
    "intermediate": ("intermediate", "a data set between source and target, learned from on the way."),
    "transfer": ("transfers?|transferred", "learning on the target that starts from what a source has taught."),
    "negative transfer": ("negative transfer", "learning from the source made the predictions worse."),
    "fold, repeat": (
        "folds?|repeats",
        "samples are dealt into folds; each is predicted by models of the others; a repeat deals anew.",
    ),
    "inner folds": (
        "inner folds",
        "folds within the training samples, by which a model is chosen without the held-out ones.",
    ),
    "pooled": ("pooled|Pooled", "all folds of a repeat together, in place of one number a fold."),
    "honest": ("honest", "held-out samples lend nothing to training, not even their scaling."),
    "as_published": ("as_published", "held-out samples are scaled by themselves, as in the published code: too good."),
    "transductive": ("transductive", "training may see the expression of held-out samples, never their response."),
    "Spearman": ("Spearman", "rank correlation of forecast and observed: 1 the same order, 0 none, -1 turned round."),
    "Pearson": ("Pearson", "correlation along a straight line, from -1 to 1."),
    "RMSE, MAE": ("RMSE|MAE", "size of a usual error, in the unit of the response; RMSE counts large ones more."),
    "R2": ("R2", "share of the spread explained; below 0 is worse than telling everybody the mean."),
    "AUC": ("AUC", "area under the curve of survival over dose: low is sensitive."),
    "AUROC": ("AUROC", "chance that a sensitive or active one is ranked before another: 0.5 is guessing, 1 is right."),
    "average precision": ("average precision", "mean share of right ones among those ranked first."),
    "MCC": ("MCC", "agreement of calls with the truth: 1 all right, 0 guessing, -1 all wrong."),
    "F1": ("F1", "mean of how many calls are right and how many true ones were called."),
    "AMI, ARI": ("AMI|ARI", "agreement of two ways of grouping; 0 is chance, 1 is the same."),
    "Brier score, ECE": (
        "Brier|ECE|calibration error",
        "how far probabilities are from what happens; 0 is best.",
    ),
    "95 % interval": ("95 % interval", "values that the data leave open; if it holds 0, no difference is shown."),
    "BCa, Fisher": ("BCa|Fisher", "two ways to make an interval over samples."),
    "p": ("p", "how often chance alone would give as much; small is strong."),
    "p after Holm, p for all arms": (
        "p after Holm|Holm|p for all arms|all corrections",
        "p made larger for having asked several questions, and for earlier looks at the samples; below .05 counts.",
    ),
    "influence test": ("influence test", "asks how much each sample moves a difference; its unit is the sample."),
    "reference": ("reference", "the arm that all others are held against, fixed before the run."),
    "corrected test": (
        "corrected test|corrected t",
        "a test that counts that training samples of repeated folds are mostly the same.",
    ),
    "naive test": ("naive", "a test that takes repeats for new samples, and finds differences where there are none."),
    "equivalent": ("equivalent", "so near to each other that it does not matter."),
    "win rate": ("win rate", "share of folds in which the arm did better."),
    "Cliff's delta": ("Cliff's delta", "how seldom two sets of folds overlap: 1 never, 0 wholly."),
    "gene set": ("gene sets?", "genes that belong together, such as those of a pathway, from a file of yours."),
    "permuted": ("[Pp]ermuted|permutations", "responses shuffled among samples, to see what comes of nothing."),
    "bootstrap": ("[Bb]ootstraps?", "samples drawn with return, to see how much a result hangs on them."),
    "jackknife+, CV+": ("jackknife\\+|CV\\+", "intervals from the errors on samples that were left out."),
    "checkpoint": ("[Cc]heckpoints?", "a trained model as it was kept, with its whole history."),
    "fingerprint": ("fingerprints?", "of data: a number that changes with any value; of a compound: its pieces."),
    "leak": ("[Ll]eaks?", "knowledge of held-out samples that reaches training and makes results too good."),
    "logme, h_score, cka": ("logme|LogME|h_score|cka|CKA", "how well what a source has learned fits the responses."),
    "mmd, coral": ("mmd|MMD|coral|CORAL", "how far apart the expression of two data sets lies."),
    "Tanimoto": ("Tanimoto", "how alike two compounds are, from 0 to 1."),
    "scaffold": ("scaffolds?", "the ring skeleton of a compound."),
    "Jaccard": ("Jaccard", "shared members over all members of two lists."),
    "pseudotime": ("[Pp]seudotime", "place of a cell along a course from one state to another."),
    "null": ("nulls?", "the same analysis on data in which there is nothing to find."),
}  # fmt: skip


def glossary(shown: Iterable[Section]) -> list[Section]:
    """The section on the words of these sections; none where they use none."""
    text = "\n".join(told for section in shown for block in section.blocks for told in words_in(block))
    rows = [(word, what) for word, (pattern, what) in TERMS.items() if _used(pattern, text)]
    arms = arms_in(text)
    if not rows:
        return []
    blocks = [table("Words", (Column("word"), Column("what it means")), rows)]
    if arms:
        columns = (Column("name"), Column("in words"))
        blocks.append(table("Names of arms", columns, [(arm, words_of(arm)) for arm in arms]))
    return [Section("Words", ANCHOR, (Part("Words of the field and names of arms", tuple(blocks), folded=True),))]


def arms_in(text: str) -> list[str]:
    """The arms that a text names; "mean" is a word of its own."""
    names = dict.fromkeys(name.rstrip(".:-") for name in re.findall(r"[A-Za-z][\w:.-]*", text))
    return [name for name in names if name != "mean" and words_of(name)]


def _used(pattern: str, text: str) -> bool:
    return re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", text) is not None


def words_in(block: Block) -> Iterator[str]:
    """Everything that a block says."""
    if isinstance(block, Text):
        yield from ("".join(map(str, line)) for line in block.lines)
    elif isinstance(block, Table):
        yield from (block.title, *(column.heading for column in block.columns))
        yield from (str(cell.value if isinstance(cell, Cell) else cell) for row in block.rows for cell in row)
    elif isinstance(block, Figure):
        yield from (block.label, block.caption)
    elif isinstance(block, Part):
        yield block.title
        for one in block.blocks:
            yield from words_in(one)
    elif isinstance(block, Tree):
        for node in block.roots:
            yield from ("".join(map(str, line)) for line in node.lines)
            yield from words_in(Tree(node.children))
