"""Gene names: the offline table of genes and how a name finds its gene."""
