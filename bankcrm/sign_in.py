"""Who is signed in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from bankcrm.models import User


class StaffBackend(ModelBackend):
    """Name and password, and the user of a session together with the branch: every page asks for both."""

    def get_user(self, user_id: Any) -> User | None:
        user = User.objects.select_related("branch").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
