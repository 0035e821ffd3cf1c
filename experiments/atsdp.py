"""A sensitivity score for every single cell, with networks of multi-head attention beside the plain ones.

python -m experiments.atsdp --embedded --attention=A1 --truth=sensitive
"""

from __future__ import annotations

from experiments._cell_groups import ATTENTION_STUDY
from experiments._command import Script
from experiments.scdeal import work

main = Script(__doc__, ATTENTION_STUDY, work)

if __name__ == "__main__":
    main.run()
