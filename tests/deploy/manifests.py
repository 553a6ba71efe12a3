"""The rules that every set of our manifests must keep, rendered with whatever values."""

import re
import tomllib

import kubernetes_validate

from support import (STOP_SECONDS, config_problem, documents, image_user, toml_paths,
                     unknown_variables)

POD_SECONDS_MAX = 600  # longer than that no start may take


class Manifests:
    """One rendered set."""

    def __init__(self, source):
        self.source = source
        self.all = documents(source)
        self.set = self.one("StatefulSet")
        self.template = self.set["spec"]["template"]
        self.pod = self.template["spec"]
        self.container = self.pod["containers"][0]
        self.environment = {one["name"]: one.get("value") for one in self.container["env"]}
        self.toml = self.one("ConfigMap")["data"]["cofferd.toml"]
        self.config = tomllib.loads(self.toml)
        self.clustered = self.config["store"]["engine"] == "kafka"

    def kinds(self, kind):
        return [one for one in self.all if one["kind"] == kind]

    def one(self, kind):
        found = self.kinds(kind)
        assert len(found) == 1, f"{len(found)} {kind}"
        return found[0]

    def members(self):
        """(id, host of the API, port, host of the peers, port) of each node."""
        entries = self.config["cluster"]["nodes"].split()
        return [re.fullmatch(r"([^=]+)=https://([^:]+):(\d+)=([^:]+):(\d+)", one).groups()
                for one in entries]

    def ports(self):
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def pod_names(self):
        return [f"{self.set['metadata']['name']}-{i}" for i in range(self.set["spec"]["replicas"])]


MONITOR = "monitoring.coreos.com/v1"  # of the Prometheus operator: Kubernetes has no schema of it


def schema_problems(source, version):
    """What kubernetes-validate says, with unknown fields refused."""
    problems = []
    for one in documents(source):
        if one["apiVersion"] == MONITOR:
            continue
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(step) for step in error.path)
            problems.append(f"{one['kind']}: {place}: {error.message[:400]}")
    return problems


def option_problems(m):
    """The configuration as the server reads it in the first pod."""
    environment = {name: (value or "").replace("$(POD_NAME)", m.pod_names()[0])
                   for name, value in m.environment.items()}
    problems = [f"no option {name}" for name in unknown_variables(environment)]
    problems += [one for one in [config_problem(m.toml, environment)] if one]
    if m.pod.get("enableServiceLinks") is not False:
        problems.append("variables of services would be read as options")
    return problems


def path_problems(m):
    """Every path is on a volume, every mount has its volume, every volume is mounted."""
    mounts = m.container["volumeMounts"]
    volumes = {one["name"] for one in m.pod["volumes"]}
    volumes |= {one["metadata"]["name"] for one in m.set["spec"]["volumeClaimTemplates"]}
    problems = [f"{one['mountPath']} has no volume" for one in mounts if one["name"] not in volumes]
    problems += [f"volume {name} is not mounted" for name in volumes
                 if name not in {one["name"] for one in mounts}]
    places = tuple(one["mountPath"] for one in mounts) + ("/usr/lib/softhsm/",)
    paths = toml_paths(m.toml) + [m.environment.get("SOFTHSM2_CONF") or places[0]]
    problems += [f"{path} is on no volume" for path in paths if not path.startswith(places)]
    argument = m.container["args"][m.container["args"].index("--config") + 1]
    if argument != "/etc/coffer/config/cofferd.toml":
        problems.append(f"--config {argument}")
    return problems


def port_problems(m):
    ports = m.ports()
    problems = []
    if ports["api"] != m.config["listener"]["port"]:
        problems.append("the API's port is not the listener's")
    for service in m.kinds("Service"):
        problems += [f"{service['metadata']['name']}: {port['targetPort']}"
                     for port in service["spec"]["ports"] if port["targetPort"] not in ports]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        request = m.container[probe]["httpGet"]
        if request["port"] != "api" or request["scheme"] != "HTTPS":
            problems.append(probe)
    for policy in m.kinds("NetworkPolicy"):
        open_ports = {p["port"] for rule in policy["spec"]["ingress"] for p in rule["ports"]}
        if open_ports != set(ports.values()):
            problems.append(f"the network policy lets in {open_ports}")
    return problems


def selector_problems(m):
    """Each selector finds the pods, and nothing that an update changes is in one."""
    labels = m.template["metadata"]["labels"].items()
    selectors = [one["spec"]["selector"] for one in m.kinds("Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in
                  m.kinds("PodDisruptionBudget") + [m.set]]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in m.kinds("NetworkPolicy")]
    selectors += [one["labelSelector"]["matchLabels"]
                  for one in m.pod.get("topologySpreadConstraints", [])]
    problems = [f"{one} does not find the pods" for one in selectors if not one.items() <= labels]
    problems += ["the version is in a selector" for one in selectors if "version" in str(one)]
    names = [one["metadata"]["name"] for one in m.kinds("Service")
             if one["spec"].get("clusterIP") == "None"]
    if names != [m.set["spec"]["serviceName"]]:
        problems.append(f"serviceName is not {names}")
    if m.one("ServiceAccount")["metadata"]["name"] != m.pod["serviceAccountName"]:
        problems.append("serviceAccountName")
    return problems


def cluster_problems(m):
    """The nodes are the pods, under the names that the headless service gives them."""
    if not m.clustered:
        return [] if m.set["spec"]["replicas"] == 1 and "cluster" not in m.config else "not alone"
    name = m.set["metadata"]["name"]
    space = m.set["metadata"]["namespace"]
    domain = f"{m.set['spec']['serviceName']}.{space}.svc."
    problems = [] if [one[0] for one in m.members()] == m.pod_names() else ["nodes are not the pods"]
    for node, api_host, api_port, peer_host, peer_port in m.members():
        for host in (api_host, peer_host):
            if not host.startswith(f"{node}.{domain}"):
                problems.append(host)
        if (int(api_port), int(peer_port)) != (m.ports()["api"], m.ports()["peer"]):
            problems.append(f"ports of {node}")
    if m.environment.get("COFFER_CLUSTER_NODE") != "$(POD_NAME)":
        problems.append("COFFER_CLUSTER_NODE")
    tls = next(one for one in m.pod["volumes"] if one["name"] == "tls")
    if "csi" in tls:
        names = tls["csi"]["volumeAttributes"]["csi.cert-manager.io/dns-names"].split(",")
        if names[0] != "${POD_NAME}" or f"{name}.{space}.svc" not in names:
            problems.append(f"names of the certificate: {names}")
    elif len(tls["secret"]["items"]) != 3 * len(m.pod_names()):
        problems.append("items of the certificates' Secret")
    if m.one("PodDisruptionBudget")["spec"] != {
            "maxUnavailable": 1, "selector": m.set["spec"]["selector"]}:
        problems.append("PodDisruptionBudget")
    return problems


def security_problems(m):
    """The restricted Pod Security Standard, and more."""
    user, group = (int(number) for number in image_user().split(":"))
    pod, own = m.pod["securityContext"], m.container["securityContext"]
    rules = [
        (pod["runAsNonRoot"] is True, "runAsNonRoot"),
        ((pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (user, group, group), "user"),
        (pod["seccompProfile"] == {"type": "RuntimeDefault"}, "seccompProfile"),
        (own["allowPrivilegeEscalation"] is False, "allowPrivilegeEscalation"),
        (own["readOnlyRootFilesystem"] is True, "readOnlyRootFilesystem"),
        (own["privileged"] is False, "privileged"),
        (own["capabilities"] == {"drop": ["ALL"]}, "capabilities"),
        (m.pod["automountServiceAccountToken"] is False, "automountServiceAccountToken"),
        (not any(m.pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")), "host"),
        (not any("hostPath" in volume for volume in m.pod["volumes"]), "hostPath"),
        (all(volume["secret"]["defaultMode"] == 0o440 for volume in m.pod["volumes"]
             if "secret" in volume), "defaultMode"),
        ("memory" in m.container["resources"]["limits"], "limits.memory"),
        ({"cpu", "memory"} <= set(m.container["resources"]["requests"]), "requests"),
        (not m.kinds("Secret"), "a Secret in the chart")]
    return [what for holds, what in rules if not holds]


def timing_problems(m):
    """The pod is left enough time to hand over, and to start."""
    pause = int(m.container["lifecycle"]["preStop"]["exec"]["command"][1])
    start = m.container["startupProbe"]
    allowed = start["periodSeconds"] * start["failureThreshold"]
    problems = []
    if m.pod["terminationGracePeriodSeconds"] < pause + STOP_SECONDS:
        problems.append("terminationGracePeriodSeconds")
    if not 60 <= allowed <= POD_SECONDS_MAX:
        problems.append(f"the start may take {allowed} s")
    return problems


# Fields of a ServiceMonitor's endpoint that we use, of the operator's API reference.
ENDPOINT = {"port", "scheme", "path", "params", "interval", "authorization", "tlsConfig"}


def monitor_problems(m):
    """It finds one Service, each of its pods once, and asks for the format that there is."""
    problems = []
    for monitor in (one for one in m.all if one["apiVersion"] == MONITOR):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        found = [one for one in m.kinds("Service") if wanted <= one["metadata"]["labels"].items()]
        if len(found) != 1 or found[0]["spec"].get("clusterIP") != "None":
            problems.append(f"it finds {[one['metadata']['name'] for one in found]}")
            continue
        names = {port["name"] for port in found[0]["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            problems += [f"unknown field {one}" for one in endpoint.keys() - ENDPOINT]
            if endpoint["port"] not in names or endpoint["scheme"] != "https":
                problems.append("the endpoint's port")
            if (endpoint["path"], endpoint["params"]) != ("/v1/sys/metrics",
                                                          {"format": ["prometheus"]}):
                problems.append("the endpoint's path")
            is_open = m.config.get("telemetry", {}).get("unauthenticated_metrics_access", False)
            if not is_open and "authorization" not in endpoint:
                problems.append("nobody would let it in")
    return problems


RULES = [("options", option_problems), ("paths", path_problems), ("ports", port_problems),
         ("selectors", selector_problems), ("cluster", cluster_problems),
         ("security", security_problems), ("timing", timing_problems),
         ("monitors", monitor_problems)]


def problems(source):
    """Of all rules, each with the rule's name in front."""
    m = Manifests(source)
    return [f"{name}: {one}" for name, rule in RULES
            for found in [rule(m)] for one in ([found] if isinstance(found, str) else found)]
