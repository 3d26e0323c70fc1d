"""What an adapter is written against: the contract, manifests, the registry."""
