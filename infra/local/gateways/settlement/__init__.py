"""What the gateways pay and report for what they really charged."""
