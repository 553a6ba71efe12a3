#!/usr/bin/env python3
"""Two tenants through unmodified hvac. Address, token and CA come from the environment.

Prints `ok NAME` or `FAIL NAME: reason` per check.
"""

import os
import sys

import hvac
from hvac import exceptions

FAILED = 0


def check(name, action, expected=None):
    """Runs the action; with an expected exception class the action has to raise it."""
    global FAILED
    try:
        result = action()
    except Exception as error:  # every surprise is a failed check, and the rest still runs
        if expected is not None and isinstance(error, expected):
            print(f"ok hvac: {name}")
            return None
        FAILED += 1
        print(f"FAIL hvac: {name}: {type(error).__name__}: {error}".replace("\n", " "))
        return None
    if expected is not None or result is False:
        FAILED += 1
        print(f"FAIL hvac: {name}: {'no ' + expected.__name__ if expected else 'not so'}")
        return None
    print(f"ok hvac: {name}")
    return result


def client(namespace, token):
    return hvac.Client(
        url=os.environ["VAULT_ADDR"], verify=os.environ["VAULT_CACERT"], token=token, namespace=namespace
    )


def tenant(name, root_token):
    """The life of one secret in a namespace; returns a token that may only read it."""
    admin = client(name, root_token)
    kv = admin.secrets.kv.v2
    at = {"path": "team/api", "mount_point": "kv"}

    check(f"authenticated in {name}", admin.is_authenticated)
    check(f"enable kv v2 in {name}",
          lambda: admin.sys.enable_secrets_engine("kv", path="kv", options={"version": "2"}))
    check(f"write in {name}",
          lambda: kv.create_or_update_secret(secret={"key": name, "n": 1}, cas=0, **at)["data"]["version"] == 1)
    check(f"stale cas in {name}",
          lambda: kv.create_or_update_secret(secret={"key": "x"}, cas=0, **at), exceptions.InvalidRequest)
    check(f"read in {name}",
          lambda: kv.read_secret_version(raise_on_deleted_version=True, **at)["data"]["data"] == {"key": name, "n": 1})
    check(f"patch in {name}", lambda: kv.patch(secret={"n": 2}, **at)["data"]["version"] == 2)
    check(f"list in {name}",
          lambda: kv.list_secrets(path="team", mount_point="kv")["data"]["keys"] == ["api"])
    check(f"delete in {name}", lambda: kv.delete_latest_version_of_secret(**at).status_code == 204)
    check(f"deleted in {name}",
          lambda: kv.read_secret_version(raise_on_deleted_version=True, **at), exceptions.InvalidPath)
    check(f"undelete in {name}", lambda: kv.undelete_secret_versions(versions=[2], **at).status_code == 204)
    check(f"undeleted in {name}",
          lambda: kv.read_secret_version(raise_on_deleted_version=True, **at)["data"]["data"]["n"] == 2)
    check(f"destroy in {name}", lambda: kv.destroy_secret_versions(versions=[1], **at).status_code == 204)
    check(f"custom metadata in {name}",
          lambda: kv.update_metadata(custom_metadata={"owner": name}, **at).status_code == 204)

    def destroyed_and_described():
        data = kv.read_secret_metadata(**at)["data"]
        return data["versions"]["1"]["destroyed"] is True and data["custom_metadata"] == {"owner": name}

    check(f"metadata in {name}", destroyed_and_described)
    check(f"policy in {name}", lambda: admin.sys.create_or_update_acl_policy(
        name="reader", policy='path "kv/data/team/*" { capabilities = ["read"] }'))
    token = check(f"token in {name}", lambda: admin.auth.token.create(policies=["reader"], ttl="1h"))
    return token["auth"]["client_token"] if token else None


def main():
    root_token = os.environ["VAULT_TOKEN"]
    root = client(None, root_token)
    tokens = {}
    for name in ("green", "yellow"):
        check(f"create namespace {name}", lambda name=name: root.sys.create_namespace(name))
        tokens[name] = tenant(name, root_token)
    for name, other in (("green", "yellow"), ("yellow", "green")):
        if tokens[name] is None:
            continue
        read = {"path": "team/api", "mount_point": "kv", "raise_on_deleted_version": True}
        check(f"token of {name} reads at home",
              lambda: client(name, tokens[name]).secrets.kv.v2.read_secret_version(**read)["data"]["data"]["key"] == name)
        check(f"token of {name} is refused in {other}",
              lambda: client(other, tokens[name]).secrets.kv.v2.read_secret_version(**read), exceptions.Forbidden)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
