"""All source drugs as one source, judged on every drug of a target."""
