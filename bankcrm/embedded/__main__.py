"""``python -m bankcrm.embedded start|stop|status|remove``."""

import argparse
import sys

from bankcrm import embedded


def main() -> int:
    """Run one command; 1 when it fails or, for ``status``, when a server is stopped."""
    parser = argparse.ArgumentParser(prog="python -m bankcrm.embedded", description=embedded.__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "remove"])
    command = parser.parse_args().command
    try:
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
    return 1 if command == "status" and stopped else 0


if __name__ == "__main__":
    sys.exit(main())
