"""The repository: sealed versions, identity links, outbox, holdings, audit. The only room that speaks SQL."""
