"""`agentslo bench` measures real processes, and verifies what each passed on."""

import json

from service_parts import command


def test_bench_measures_and_verifies_ours_and_the_relay():
    done = command(
        *("bench", "--json", "--rounds", "1", "--batch", "50", "--mix", "1", "--spans", "2000"),
        *("--peer", "relay,rotel", "--rotel", "/nowhere/rotel-agent", "--ack", "forwarded"),
    )
    assert done.returncode == 0, done.stderr
    (cell,) = json.loads(done.stdout)["cells"]
    ours, relay, rotel = cell["rows"]
    assert ours["cpu_us_per_span"]["median"] > relay["cpu_us_per_span"]["median"] > 0
    assert ours["rounds"][0]["marked"] == 1_200
    assert relay["rounds"][0]["forwarded_bytes_ratio"] == 1.0
    assert rotel["trouble"].startswith("does not start")
