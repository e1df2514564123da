"""The primer: a small world of true facts and plain English in which a model of a few million weights can converse."""
