"""Training feed-forward networks: the data they see, and the loop that shows it to them."""
