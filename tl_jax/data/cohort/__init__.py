"""A cohort: its file, its tables, its genes matched by name, its simulator."""
