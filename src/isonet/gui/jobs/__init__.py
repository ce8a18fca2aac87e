"""Commands that run detached from the interface, and what is known of them."""
