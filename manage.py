#!/usr/bin/env python
"""Django's command line; starts the embedded servers first where the environment names none."""

import os
import sys

from bankcrm import embedded

WITHOUT_DATABASE = {
    "help",
    "version",
    "collectstatic",
    "makemessages",
    "compilemessages",
}

ONLY_TOLD = {"--help", "-h", "--version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankcrm.settings")
    from django.core.management import execute_from_command_line

    if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_DATABASE and ONLY_TOLD.isdisjoint(sys.argv):
        try:
            embedded.ensure_started()
        except embedded.EmbeddedError as error:
            sys.exit(str(error))
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
