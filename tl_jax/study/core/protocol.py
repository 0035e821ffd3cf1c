"""What the held-out rows may lend to preprocessing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """What the held-out rows may lend to preprocessing.

    expression_from: rows whose statistics scale the held-out rows: "train", "own" (the held-out rows
    themselves) or "all". response_from: rows whose range scales the response: "train" or "all".
    """

    name: str
    expression_from: str
    response_from: str


PUBLISHED = "as_published"
PROTOCOLS = {
    "honest": Protocol("honest", "train", "train"),
    # Ju et al. 2025: the test fold is scaled by itself, the response by all samples before the split.
    PUBLISHED: Protocol(PUBLISHED, "own", "all"),
    # For targets with a batch shift: expression of all samples, labels of none held out.
    "transductive": Protocol("transductive", "all", "train"),
}
