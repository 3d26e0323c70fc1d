"""Use cases of case work: the plan, its agreement, the sharing."""
