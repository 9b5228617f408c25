# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the simulator from the command line: ``python -m drs_simulator --scenario FILE.yml``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from drs_simulator.checks import ScenarioError
from drs_simulator.scenario import load_scenario
from drs_simulator.server import Server
from drs_simulator.simulator import Address, run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drs_simulator", description=__doc__)
    parser.add_argument("--scenario", type=Path, required=True, help="YAML or JSON file, see the README")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate of a private authority")
    parser.add_argument("--ready-file", type=Path, help="where to write the line that is printed once it listens")
    parser.add_argument("--stop-after", type=float, default=900, metavar="SECONDS", help="end by itself, default 900")
    return parser.parse_args()


def _write_atomically(path: Path, line: str) -> None:
    """Whoever waits for the file must never read half of it."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_text(line + "\n", encoding="utf-8")
    unfinished.replace(path)


def main() -> int:
    arguments = _arguments()

    def announce(server: Server, address: Address) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stopping.set)
        line = json.dumps(
            {
                "endpoint": address.endpoint + server.service.scenario.prefix,
                "auth_url": address.auth_url,
                "control": address.control,
                "ca_path": address.ca_path,
                "pid": os.getpid(),
            }
        )
        # The file first: whoever reads the line may rely on it.
        if arguments.ready_file is not None:
            _write_atomically(arguments.ready_file, line)
        print(line, flush=True)

    try:
        scenario = load_scenario(arguments.scenario)
        asyncio.run(
            run(
                scenario,
                announce,
                host=arguments.host,
                port=arguments.port,
                tls=arguments.tls,
                stop_after=arguments.stop_after,
            )
        )
    except (ScenarioError, OSError) as error:
        print(f"drs_simulator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
