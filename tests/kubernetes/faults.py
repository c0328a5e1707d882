"""What would be wrong with manifests that their schemas take. Each check yields a sentence for each fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from tests.kubernetes.manifests import Document, Pod, find_pods, name

PORT: Final = 8080
PINNED: Final = re.compile(r"[\w./-]+(?=[:@])(:(?!latest\b|main\b|master\b)[\w.-]*\d[\w.-]*)?(@sha256:[0-9a-f]{64})?")
REFERENCE: Final = re.compile(r"\$\((\w+)\)")
SECRET: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|SALT)$")
WITHOUT_NAMESPACE: Final = {"Namespace"}


def find_faults(documents: list[Document], placeholders: Iterable[str] = ()) -> list[str]:
    """All faults. `placeholders`: names that kustomize puts an image for."""
    pods = list(find_pods(documents))
    of_documents: tuple[Callable[[list[Document], list[Pod]], Iterator[str]], ...] = (
        find_lost_selectors,
        find_other_ports,
        find_secrets,
        find_wide_roles,
        find_lost_claims,
    )
    return [
        *(fault for check in of_documents for fault in check(documents, pods)),
        *(fault for pod in pods for fault in find_faults_of_pod(pod, placeholders)),
    ]


def find_faults_of_pod(pod: Pod, placeholders: Iterable[str] = (), *, writes: bool = False) -> Iterator[str]:
    """`writes`: its program writes beside itself, so that its root cannot be read-only."""
    spec = pod.spec
    context = spec.get("securityContext", {})
    if pod.whole and not (context.get("runAsNonRoot") and context.get("runAsUser")):
        yield f"{pod.owner} may run as root"
    if pod.whole and context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield f"{pod.owner} has no seccomp profile"
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        yield f"{pod.owner} shares the host's"
    if any("hostPath" in volume for volume in spec.get("volumes", [])):
        yield f"{pod.owner} mounts the host's files"
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    for container in spec["containers"]:
        if container["image"] not in placeholders and not PINNED.fullmatch(container["image"]):
            yield f"{pod.owner}: {container['image']} is not pinned"
        lost = {mount["name"] for mount in container.get("volumeMounts", [])} - volumes
        if pod.whole and lost:
            yield f"{pod.owner} mounts {lost}, which it does not have"
        yield from _find_faults_of_container(pod, container, writes=writes)


def _find_faults_of_container(pod: Pod, container: Document, *, writes: bool) -> Iterator[str]:
    context = container.get("securityContext", {})
    if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
        yield f"{pod.owner} may gain privileges"
    if context.get("capabilities") != {"drop": ["ALL"]}:
        yield f"{pod.owner} keeps capabilities"
    if not writes and context.get("readOnlyRootFilesystem") is not True:
        yield f"{pod.owner} may write to its root"
    yield from _find_lost_references(pod, container)
    for kind in ("requests", "limits"):
        if missing := {"cpu", "memory"} - set(container.get("resources", {}).get(kind, {})):
            yield f"{pod.owner} has no {kind} of {missing}"
    probes = {"startupProbe", "readinessProbe", "livenessProbe"} if pod.long_lived else set()
    yield from (f"{pod.owner} has no {probe}" for probe in probes - set(container))
    shown = [variable["name"] for variable in container.get("env", []) if "value" in variable]
    yield from (f"{pod.owner} has {variable} in the open" for variable in shown if SECRET.search(variable))


def _find_lost_references(pod: Pod, container: Document) -> Iterator[str]:
    """A variable may refer to those before it, an argument to all; what is not known stays as it is written."""
    known: set[str] = set()
    for variable in container.get("env", []):
        for lost in set(REFERENCE.findall(variable.get("value", ""))) - known:
            yield f"{pod.owner}: {variable['name']} refers to {lost}, which is not before it"
        known.add(variable["name"])
    for word in (*container.get("command", []), *container.get("args", [])):
        for lost in set(REFERENCE.findall(word)) - known:
            yield f"{pod.owner}: {word} refers to {lost}, which is not there"


def _selects(selector: Document, labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def find_lost_selectors(documents: list[Document], pods: list[Pod]) -> Iterator[str]:
    servers = [pod for pod in pods if pod.long_lived]
    for document in documents:
        match document["kind"]:
            case "Deployment" | "PodDisruptionBudget" | "NetworkPolicy":
                spec = document["spec"]
                selector = (spec.get("podSelector") or spec.get("selector") or {}).get("matchLabels", {})
            case "Service":
                selector = document["spec"]["selector"]
            case _:
                continue
        own = [pod for pod in servers if document["kind"] != "Deployment" or pod.owner == name(document)]
        if selector and not any(_selects(selector, pod.labels) for pod in own):
            yield f"{name(document)} selects nothing"


def find_other_ports(documents: list[Document], pods: list[Pod]) -> Iterator[str]:
    for pod in pods:
        ports = {port["name"]: port["containerPort"] for c in pod.spec["containers"] for port in c.get("ports", [])}
        if pod.long_lived and ports != {"http": PORT}:
            yield f"{pod.owner} listens elsewhere: {ports}"
    for document in documents:
        if document["kind"] == "Service":
            ports = {port["targetPort"]: port["port"] for port in document["spec"]["ports"]}
            if ports != {"http": PORT}:
                yield f"{name(document)} is elsewhere: {ports}"


def find_secrets(documents: list[Document], pods: list[Pod]) -> Iterator[str]:
    for document in documents:
        if document["kind"] == "Secret":
            yield f"{name(document)} is in the repository"


def find_wide_roles(documents: list[Document], pods: list[Pod]) -> Iterator[str]:
    for document in documents:
        if document["kind"].startswith("Cluster"):
            yield f"{name(document)} is wider than a namespace"
        for rule in document.get("rules", []):
            if "*" in (*rule["verbs"], *rule["resources"], *rule["apiGroups"]) or "secrets" in rule["resources"]:
                yield f"{name(document)} may do too much"


def find_lost_claims(documents: list[Document], pods: list[Pod]) -> Iterator[str]:
    claims = {document["metadata"]["name"] for document in documents if document["kind"] == "PersistentVolumeClaim"}
    for pod in pods:
        wanted = [volume.get("persistentVolumeClaim") for volume in pod.spec.get("volumes", [])]
        for claim in wanted:
            if claim and claim["claimName"] not in claims:
                yield f"{pod.owner} wants the volume {claim['claimName']}, which is nowhere"


def find_without_namespace(documents: list[Document]) -> Iterator[str]:
    for document in documents:
        if document["kind"] not in WITHOUT_NAMESPACE and not document["metadata"].get("namespace"):
            yield f"{name(document)} has no namespace"


def find_open(documents: list[Document]) -> Iterator[str]:
    """Namespaces in which pods may talk although no policy says so."""
    workloads = {"Deployment", "CronWorkflow", "ResourceQuota"}
    namespaces = {document["metadata"]["namespace"] for document in documents if document["kind"] in workloads}
    policies = [document for document in documents if document["kind"] == "NetworkPolicy"]
    for namespace in namespaces:
        for direction in ("Ingress", "Egress"):
            if not any(
                policy["metadata"]["namespace"] == namespace
                and policy["spec"]["podSelector"] == {}
                and direction in policy["spec"]["policyTypes"]
                for policy in policies
            ):
                yield f"{namespace} has no policy for {direction} of all pods"
