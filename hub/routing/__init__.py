"""The carrier: outbox relay, bell, retry, dead letters. The only room that imports kombu."""
