"""The journey's steps, in four chapters: arrival, planning, sharing, change."""
