"""A bank whose truth is known."""

from customers.sample_bank.bank import Bank, NotEmpty, load
from customers.sample_bank.creation import create

__all__ = ["Bank", "NotEmpty", "create", "load"]
