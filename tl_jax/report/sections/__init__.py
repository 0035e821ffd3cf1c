"""The sections of a report, a subject a file, as blocks without markup: `all_of(folder)` gives them all."""

from tl_jax.report.sections.registry import all_of, answer_words, report_of, verdict_words

__all__ = ["all_of", "answer_words", "report_of", "verdict_words"]
