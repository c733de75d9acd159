"""What every operation of the API shares and no app has to know: its errors, types, lists, limits, and how it reads a request."""
