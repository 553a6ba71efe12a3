"""The example configurations, as the real server reads them."""

from support import DEPLOY, check, config_problem, finish, text

FILES = [("examples", "embedded.toml"), ("examples", "cluster.toml"), ("image", "cofferd.toml")]
# What a mistake in a file must lead to; without it, "is valid" would mean nothing.
MISTAKES = [
    ("an unknown option", "data_dir =", "data_folder =", "unknown option data_folder"),
    ("an unknown section", "[listener]", "[listeners]", "unknown option listeners.address"),
    ("a port that is none", "port = 8200", "port = 82000", "listener.port"),
    ("a node that is not listed", 'node = "node-1"', 'node = "node-9"', "node-9"),
    ("a broken list of nodes", "node-2=https", "node-2:https", "cluster.nodes"),
    ("a missing file of the cluster", 'ca_file = "/etc/coffer/cluster-ca.pem"', "", "cluster.ca_file"),
    ("shares in a cluster", 'type = "auto"', 'type = "shamir"', "seal.type"),
    ("a level that is none", "[seal]", '[log]\nlevel = "loud"\n[seal]', "log.level"),
]


def main():
    for file in FILES:
        check("valid: " + "/".join(file), config_problem(text(*file)))
    cluster = text("examples", "cluster.toml")
    for name, old, new, words in MISTAKES:
        assert old in cluster, f"{DEPLOY}: {old}"
        said = config_problem(cluster.replace(old, new, 1))
        check("refused: " + name, [] if words in said else f"it says: {said or 'valid'}")
    said = config_problem(cluster, {"COFFER_LISTENER_PORT": "x"})
    check("refused: a variable", [] if "COFFER_LISTENER_PORT" in said else said)
    finish()


main()
