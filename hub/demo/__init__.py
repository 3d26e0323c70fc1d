"""The simulated organisations and the journey; they speak to the hub only from outside."""
