"""Neural networks: nn.Modules only."""
