"""What of orders and their money the API takes and gives."""
