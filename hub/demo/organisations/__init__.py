"""Five organisations that speak their real protocols on loopback: hospital, GP, social service, home care,
case manager.

They know nothing of the hub's inside. Whatever any of them receives goes into the mailbag as raw bytes.
"""
