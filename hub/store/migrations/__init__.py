"""How the tables came to be, step by step; steps that were released are never edited."""
