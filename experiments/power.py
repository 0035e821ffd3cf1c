"""How often a study of so many samples finds a gain, before it is run.

python -m experiments.power --n=22 --gain=.2
"""

from __future__ import annotations

from experiments._command import Script
from experiments._declared import FLAGS, group, integer, number, text, texts
from tl_jax.errors import InputError

DESIGN = group(
    "design",
    integer("n", None, "samples of the target"),
    number("gain", None, "true gain in Spearman per fold over ridge on the target's genes; default: several"),
    text(
        "question", "all", "arms (is an arm better than ridge?), source (are the source's labels used?), targets, all"
    ),
    texts("targets", ["5", "8", "12"], "numbers of independent targets, for the question of that name"),
    number("power", 0.8, "share of studies in which a gain shall be found"),
)
USUAL = (0.05, 0.1, 0.15, 0.2, 0.3)


def work() -> None:
    from experiments._lists import distinct, numbers
    from tl_jax.evaluation.statistics.power import QUESTIONS, TARGETS, numbers_of_targets, origins

    if FLAGS.n is None:
        raise InputError("--n is missing: the samples of the target, such as --n=22")
    for name, low, high in (("gain", 0, 1), ("power", 0.05, 1)):
        value = FLAGS[name].value
        if value is not None and not low < value < high:
            raise InputError(f"--{name}={value:g}: must lie between {low:g} and {high:g}")
    asked = list(QUESTIONS) if FLAGS.question == "all" else [FLAGS.question]
    gains = USUAL if FLAGS.gain is None else (FLAGS.gain,)
    counts = distinct(numbers("targets"))
    lines = []
    for question in asked:
        if question not in QUESTIONS:
            raise InputError(f"--question={question}: there are: {', '.join(QUESTIONS)}, all")
        lines += [QUESTIONS[question][0].upper() + QUESTIONS[question][1:]]
        for targets in counts if question == TARGETS else (None,):
            lines += design(question, FLAGS.n, targets, gains, FLAGS.power, one=len(asked) == 1)
        lines += [f"  measured by: {'; '.join(origins(question))}", ""]
    print(f"Shares of studies with p <= .05, {FLAGS.n} samples{' of each target' if asked == [TARGETS] else ''}\n")
    print("\n".join(lines).rstrip())
    if FLAGS.question in ("all", TARGETS):
        print(f"Drugs on the same samples are not independent targets; measured for {numbers_of_targets()} targets.")


def design(question: str, n: int, targets: int | None, gains, power: float, one: bool) -> list[str]:
    """The lines of one design; what was not measured is said, and refused where nothing else was asked."""
    from tl_jax.evaluation.statistics.power import curve, detectable_words

    lead = "  " if targets is None else f"  {targets} targets: "
    try:
        found = curve(question, n, targets)
    except InputError as error:
        if one:
            raise
        return [f"{lead}{error}"]
    top = found.gains[-1]
    shares = ", ".join(f"{gain:.2f}: {'at least ' if gain > top else ''}{found.at(gain):.0%}" for gain in gains)
    return [f"{lead}a gain of {shares}", f"  {detectable_words(n, power, question, targets)}"]


main = Script(__doc__, (DESIGN,), work)

if __name__ == "__main__":
    main.run()
