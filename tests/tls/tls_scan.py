#!/usr/bin/env python3
"""Only TLS 1.2 and 1.3 with forward secrecy and authenticated encryption, and none of the old holes."""

import os
import sys

from sslyze import (ScanCommand, ScanCommandAttemptStatusEnum, Scanner, ServerNetworkLocation,
                    ServerScanRequest)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

from live_server import Checks, Server, end_on_signals, work_folder  # noqa: E402

C = ScanCommand
REFUSED = [C.SSL_2_0_CIPHER_SUITES, C.SSL_3_0_CIPHER_SUITES, C.TLS_1_0_CIPHER_SUITES,
           C.TLS_1_1_CIPHER_SUITES]
OFFERED = {
    C.TLS_1_2_CIPHER_SUITES: {
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
    C.TLS_1_3_CIPHER_SUITES: {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256",
                              "TLS_CHACHA20_POLY1305_SHA256"},
}
CURVES = {"X25519", "secp256r1", "secp384r1"}
# Command -> (member of its result, what it must be).
HOLES = {
    C.TLS_COMPRESSION: ("supports_compression", False),
    C.TLS_1_3_EARLY_DATA: ("supports_early_data", False),
    C.HEARTBLEED: ("is_vulnerable_to_heartbleed", False),
    C.OPENSSL_CCS_INJECTION: ("is_vulnerable_to_ccs_injection", False),
    C.TLS_FALLBACK_SCSV: ("supports_fallback_scsv", True),
    C.SESSION_RENEGOTIATION: ("is_vulnerable_to_client_renegotiation_dos", False),
    C.TLS_EXTENDED_MASTER_SECRET: ("supports_ems_extension", True),
}


def scan(server):
    """{command: its result, or the reason why there is none}."""
    scanner = Scanner()
    location = ServerNetworkLocation(server.host, server.port)
    commands = {*REFUSED, *OFFERED, *HOLES, C.ELLIPTIC_CURVES, C.ROBOT}
    scanner.queue_scans([ServerScanRequest(server_location=location, scan_commands=commands)])
    result = next(iter(scanner.get_results()))
    found = {}
    for command in commands:
        attempt = getattr(result.scan_result, command.value) if result.scan_result else None
        done = attempt and attempt.status == ScanCommandAttemptStatusEnum.COMPLETED
        found[command] = attempt.result if done else None
    return found


def names(suites):
    return {one.cipher_suite.name for one in suites}


def main():
    end_on_signals()
    checks = Checks()
    folder = work_folder("tls-scan")
    server = Server(folder)
    server.start()
    found = scan(server)
    missing = [command.value for command, result in found.items() if result is None]
    checks.check("every scan came to an end", missing)
    if missing:
        return checks.finish(folder)
    for command in REFUSED:
        accepted = names(found[command].accepted_cipher_suites)
        checks.check(f"{command.value}: nothing", sorted(accepted))
    for command, allowed in OFFERED.items():
        accepted = names(found[command].accepted_cipher_suites)
        checks.check(f"{command.value}: forward secrecy and AEAD alone", sorted(accepted - allowed))
        checks.check(f"{command.value}: offered", [] if accepted else ["nothing"])
    curves = {one.name for one in found[C.ELLIPTIC_CURVES].supported_curves or []}
    checks.check("curves", [] if curves and curves <= CURVES else sorted(curves))
    for command, (member, wanted) in HOLES.items():
        value = getattr(found[command], member)
        checks.check(f"{command.value}: {member} is {wanted}", [] if value == wanted else [value])
    robot = found[C.ROBOT].robot_result.value
    checks.check("robot", [] if robot.startswith("NOT_VULNERABLE") else [robot])
    checks.check("the server lives", [] if server.root().call("GET", "sys/health").status == 200
                 else [server.messages()])
    server.stop()
    return checks.finish(folder)


sys.exit(main())
