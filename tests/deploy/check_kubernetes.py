"""The plain YAML that lies in deploy/kubernetes: against Kubernetes' schemas and our own rules."""

from manifests import problems, schema_problems
from support import check, finish, text

VERSIONS = ["1.25", "1.30", "1.37"]  # the oldest that the chart takes, ..., the newest known schema
# A mistake in the manifests -> the rule that must notice it.
MISTAKES = [
    ("an unknown option", "auto_init = true", "auto_innit = true", "options: "),
    ("another port in the configuration", "port = 8200", "port = 8300", "ports: "),
    ("another port of the container", "containerPort: 8201", "containerPort: 8301", "cluster: "),
    ("a path on no volume", "/etc/coffer/pin/pin", "/etc/pin", "paths: "),
    ("another user", "runAsUser: 10001", "runAsUser: 10002", "security: user"),
    ("a writable root", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "security: "),
    ("a label that no pod has", "app.kubernetes.io/name: coffer\n    app.kubernetes.io/instance: coffer\n"
     "  ports:", "app: coffer\n  ports:", "selectors: "),
    ("a missing node", "replicas: 3", "replicas: 2", "cluster: "),
    ("another first name", 'dns-names: "${POD_NAME},', 'dns-names: "', "cluster: names"),
    ("too little time", "terminationGracePeriodSeconds: 40", "terminationGracePeriodSeconds: 30",
     "timing: "),
    ("a variable that is no option", "name: COFFER_CLUSTER_NODE", "name: COFFER_CLUSTER_NAME",
     "options: no option"),
    ("variables of services", "enableServiceLinks: false", "enableServiceLinks: true", "options: "),
]


def main():
    for name in ("cluster", "embedded"):
        source = text("kubernetes", f"{name}.yaml")
        for version in VERSIONS:
            check(f"{name}.yaml: Kubernetes {version} takes it", schema_problems(source, version))
        check(f"{name}.yaml: keeps our rules", problems(source))
    source = text("kubernetes", "cluster.yaml")
    said = schema_problems(source.replace("runAsNonRoot", "runAsNobody"), "1.30")
    check("an unknown field would be refused", [] if "runAsNobody" in str(said) else said or "no")
    for name, old, new, words in MISTAKES:
        assert old in source, f"cluster.yaml has no {old}"
        found = problems(source.replace(old, new))
        check(f"noticed: {name}", [] if any(one.startswith(words) for one in found) else
              found or "no rule notices it")
    finish()


main()
