"""What runs the statements."""
