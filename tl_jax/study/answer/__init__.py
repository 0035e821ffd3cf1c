"""From two tables to an answer: a cohort drafted and checked, one study for each drug, an overview of them."""
