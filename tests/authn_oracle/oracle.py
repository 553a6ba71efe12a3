"""Tokens of every algorithm, signed by one Python library, judged by another and by Coffer.

usage: oracle.py VERIFY_LINES [COUNT]
joserfc signs COUNT random tokens an algorithm; PyJWT and VERIFY_LINES must take each of them. Then
each is changed once (a character, a swapped segment, a cut) and both must refuse it; only where the
change is another base64url spelling of the same bytes may PyJWT, which reads leniently, take it. A
seed in ORACLE_SEED repeats a run.
"""

import base64
import json
import os
import random
import subprocess
import sys

import jwt
from joserfc import jwk, jws

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS)


def make_keys():
    keys = {}
    for algorithm in ALGORITHMS:
        options = {"kid": "key-" + algorithm}
        if algorithm.startswith(("RS", "PS")):
            key = jwk.RSAKey.generate_key(2048, options)
        elif algorithm == "EdDSA":
            key = jwk.OKPKey.generate_key("Ed25519", options)
        else:
            key = jwk.ECKey.generate_key(CURVES[algorithm], options)
        keys[algorithm] = key
    return keys


def text(rng):
    return "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xa0, 0x2000), 0x1f511]))
                   for _ in range(rng.randrange(0, 24)))


def value(rng, depth=0):
    kind = rng.randrange(7 if depth < 3 else 5)
    if kind == 0:
        return rng.randrange(-10**12, 10**12)
    if kind == 1:
        return rng.choice([True, False, None])
    if kind == 2:
        return rng.random() * 10 ** rng.randrange(-5, 20)
    if kind in (3, 4):
        return text(rng)
    if kind == 5:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {text(rng): value(rng, depth + 1) for _ in range(rng.randrange(4))}


def sign(rng, key, algorithm):
    claims = {"c%d" % i: value(rng) for i in range(rng.randrange(1, 8))}
    payload = json.dumps(claims, ensure_ascii=rng.random() < 0.5,
                         separators=rng.choice([(",", ":"), (", ", ": ")]))
    header = {"alg": algorithm}
    if rng.random() < 0.8:
        header["kid"] = key.kid
    if rng.random() < 0.5:
        header["typ"] = rng.choice(["JWT", "at+jwt"])
    return jws.serialize_compact(header, payload, key, registry=REGISTRY)


def mutate(rng, token, other):
    """A token that differs and must not verify."""
    while True:
        kind = rng.randrange(6)
        if kind <= 1:
            at = rng.randrange(len(token))
            changed = token[:at] + rng.choice(ALPHABET + ".=+/ ") + token[at + 1:]
        elif kind == 2:
            at = rng.randrange(len(token))
            changed = token[:at] + token[at + 1:]
        elif kind == 3:
            at = rng.randrange(len(token) + 1)
            changed = token[:at] + rng.choice(ALPHABET + ".=") + token[at:]
        elif kind == 4:
            parts, others = token.split("."), other.split(".")
            index = rng.randrange(3)
            parts[index] = others[index]
            changed = ".".join(parts)
        else:
            changed = token[:rng.randrange(len(token))]
        # Two tokens may share a header, or a claim set: such a swap changes nothing.
        if changed not in (token, other) and "\n" not in changed:
            return changed


def lenient_bytes(token):
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]


def pyjwt_takes(token, keys):
    """PyJWT with the key that the header names, or else every key of the algorithm."""
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header["alg"]
        if algorithm not in ALGORITHMS or not isinstance(header.get("kid", ""), str):
            return False
    except Exception:
        return False
    for name, key in keys.items():
        if header.get("kid", key.kid) != key.kid:
            continue
        try:
            jwt.decode(token, key.public, algorithms=[algorithm], options={
                "verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False,
                "verify_iss": False, "verify_sub": False, "verify_jti": False})
            return True
        except Exception:
            pass
    return False


class Public:
    """A public key with its JWK, which PyJWT writes: joserfc leaves out a coordinate's leading zero."""

    def __init__(self, key):
        self.kid = key.kid
        self.public = key.public_key
        writer = jwt.get_algorithm_by_name(key.kid.removeprefix("key-"))
        self.jwk = dict(writer.to_jwk(self.public, as_dict=True), kid=self.kid)


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300
    seed = int(os.environ.get("ORACLE_SEED", random.randrange(2**32)))
    rng = random.Random(seed)
    print("seed", seed)
    keys = make_keys()
    publics = {name: Public(key) for name, key in keys.items()}
    good = {name: [sign(rng, key, name) for _ in range(count)] for name, key in keys.items()}
    everyone = [token for tokens in good.values() for token in tokens]
    bad = {name: [mutate(rng, token, rng.choice(everyone)) for token in tokens]
           for name, tokens in good.items()}
    key_set = json.dumps({"keys": [key.jwk for key in publics.values()]})
    lines = [key_set] + everyone + [token for tokens in bad.values() for token in tokens]
    answered = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True,
                              text=True, check=True).stdout.splitlines()
    assert len(answered) == len(lines) - 1, "an answer a token"
    answers = iter(answered)
    for name, tokens in good.items():
        wrong = [(token, answer) for token, answer in zip(tokens, answers) if answer != "ok"]
        wrong += [(token, "PyJWT refuses") for token in tokens if not pyjwt_takes(token, publics)]
        report(f"{name}: {len(tokens)} signed tokens are taken", wrong)
    faults = {}
    for name, tokens in bad.items():
        wrong = []
        for original, token, answer in zip(good[name], tokens, answers):
            faults[answer] = faults.get(answer, 0) + 1
            if answer == "ok":
                wrong.append((token, "Coffer takes it"))
            if pyjwt_takes(token, publics) and lenient_bytes(token) != lenient_bytes(original):
                wrong.append((token, "PyJWT takes it"))
        report(f"{name}: {len(tokens)} changed tokens are refused", wrong)
    print("refusals:", ", ".join(f"{fault} {n}" for fault, n in sorted(faults.items())))


def report(name, wrong):
    if wrong:
        print(f"FAIL {name}: {len(wrong)} differ, such as {wrong[0]}")
    else:
        print("ok", name)


main()
