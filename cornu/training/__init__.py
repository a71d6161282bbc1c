"""What compile decided, pure steps made from it, and the one loop that runs them."""
