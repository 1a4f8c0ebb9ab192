"""The API of customers: everything the customer pages show, read only, masked, and of customers in sight alone."""
