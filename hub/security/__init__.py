"""Keys, seals and tokens: the only room that imports cryptography."""
