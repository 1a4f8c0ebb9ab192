"""``python -m bankcrm.embedded start|stop|status|remove``; ``stop --all`` ends the demo or loop on them as well."""

import argparse
import sys

from bankcrm import embedded
from bankcrm.embedded import claims


def main() -> int:
    """Run one command; 1 when it fails or, for ``status``, when a server is stopped."""
    parser = argparse.ArgumentParser(prog="python -m bankcrm.embedded", description=embedded.__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "remove"])
    parser.add_argument(
        "--all",
        action="store_true",
        help="with stop and remove: first end whatever serves or makes a bank here",
    )
    asked = parser.parse_args()
    command = asked.command
    try:
        if asked.all and command in ("stop", "remove"):
            claims.stop()
        if command == "start":
            embedded.ensure_started()
        elif command == "stop":
            embedded.stop()
        elif command == "remove":
            embedded.remove()
            return 0
    except embedded.EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1
    state = embedded.status()
    for server, facts in state.items():
        print(f"{server}: " + " · ".join(f"{name} {value}" for name, value in facts.items()))
    stopped = any(facts["state"] == "stopped" for facts in state.values())
    for each in claims.holders():
        print(f"{each.role} {each.database}: pid {each.pid} · port {each.port or '-'}")
    return 1 if command == "status" and stopped else 0


if __name__ == "__main__":
    sys.exit(main())
