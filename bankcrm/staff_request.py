"""Another name of ``policy.SignedIn``, for views that hold no other reference to the registry."""

from bankcrm.policy import SignedIn as StaffRequest

__all__ = ["StaffRequest"]
