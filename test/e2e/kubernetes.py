#!/usr/bin/env python3
"""The manifests have no field that Kubernetes or KEDA does not know, fit each other, and are hardened.

usage: kubernetes.py ROOT PENSTOCK [unittest arguments]

kubernetes.schema.json says which fields there are (scripts/make-kubernetes-schema).
"""
import copy
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

try:
    import jsonschema
    import yaml
except ImportError:
    jsonschema = yaml = None

root, penstock = map(os.path.abspath, sys.argv[1:3])
FOLDER = os.path.join(root, "deploy/kubernetes")
SCHEMA = os.path.join(root, "test/e2e/kubernetes.schema.json")
METRICS = os.path.join(root, "test/unit/data/metrics.prom")
MAPS = ("annotations", "data", "labels", "limits", "matchLabels", "requests")


def read(path):
    with open(path) as file:
        return file.read()


def objects_in(value, path=()):
    """Every object of a document, with where it is."""
    if isinstance(value, dict):
        yield path, value
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(each, (dict, list)):
            yield from objects_in(each, (*path, key))


def has_keys_of_its_own(kind, path):
    return (path[-1:] and path[-1] in MAPS or path[-3:-2] == ("triggers",) and path[-1] == "metadata"
            or (kind, path) == ("Service", ("spec", "selector")))


@unittest.skipIf(yaml is None and os.environ.get("CI") != "true",
                 "PyYAML or jsonschema is not installed (packages python3-yaml, python3-jsonschema)")
class Kubernetes(unittest.TestCase):
    def setUp(self):
        self.kustomization = yaml.safe_load(read(os.path.join(FOLDER, "kustomization.yaml")))
        self.documents = [document for name in self.kustomization["resources"]
                          for document in yaml.safe_load_all(read(os.path.join(FOLDER, name)))]
        self.by_name = {(each["kind"], each["metadata"]["name"]): each for each in self.documents}
        self.deployments = [each for each in self.documents if each["kind"] == "Deployment"]
        schema = json.loads(read(SCHEMA))
        self.schemas = {kind: jsonschema.Draft7Validator({"$ref": each["$ref"],
                                                          "definitions": schema["definitions"]})
                        for kind, each in schema["properties"].items()}

    def faults_in(self, document):
        return [f"{list(error.absolute_path)}: {error.message}"
                for error in self.schemas[document["kind"]].iter_errors(document)]

    def test_every_field_is_known_and_of_its_type(self):
        for name, document in self.by_name.items():
            self.assertEqual(self.faults_in(document), [], name)
        self.assertEqual(len(self.by_name), len(self.documents))

    def test_an_unknown_field_is_refused_wherever_it_is(self):
        tried = 0
        for document in self.documents:
            for path, _ in objects_in(document):
                if has_keys_of_its_own(document["kind"], path):
                    continue
                changed = copy.deepcopy(document)
                place = changed
                for key in path:
                    place = place[key]
                place["colour"] = "blue"
                tried += 1
                self.assertNotEqual(self.faults_in(changed), [], (document["kind"], path))
        self.assertGreater(tried, 100)

    def test_the_kustomization_has_every_file(self):
        files = {os.path.basename(each) for each in glob.glob(FOLDER + "/*.yaml")}
        self.assertEqual(set(self.kustomization["resources"]) | {"kustomization.yaml"}, files)
        self.assertLessEqual(set(self.kustomization), {
            "apiVersion", "kind", "namespace", "labels", "resources", "configMapGenerator", "images"})
        maps = {each["name"]: each["envs"] for each in self.kustomization["configMapGenerator"]}
        for envs in maps.values():
            for env in envs:
                for line in read(os.path.join(FOLDER, env)).splitlines():
                    self.assertRegex(line, r"^(#|[A-Z_0-9]+=)")
        images = {each["name"] for each in self.kustomization["images"]}
        for deployment in self.deployments:
            for container in deployment["spec"]["template"]["spec"]["containers"]:
                self.assertIn(container["image"], images)
                for source in container["envFrom"]:
                    if "configMapRef" in source:
                        self.assertIn(source["configMapRef"]["name"], maps)

    @unittest.skipIf(shutil.which("kubectl") is None, "kubectl is not installed; Debian has none this young")
    def test_kustomize_builds_what_the_schema_permits(self):
        ran = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        built = list(yaml.safe_load_all(ran.stdout))
        self.assertEqual(len(built), len(self.documents) + 1)
        for document in built:
            self.assertEqual(self.faults_in(document), [], document["metadata"]["name"])

    def test_pods_have_no_privileges_and_bounded_memory(self):
        self.assertEqual(len(self.deployments), 2)
        for deployment in self.deployments:
            pod = deployment["spec"]["template"]["spec"]
            self.assertIs(pod["automountServiceAccountToken"], False)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            for container in pod["containers"]:
                self.assertEqual(container["securityContext"], {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]}})
                self.assertIn("memory", container["resources"]["limits"])
                self.assertIn("cpu", container["resources"]["requests"])
                self.assertIn("/tmp", [each["mountPath"] for each in container["volumeMounts"]])

    def test_pods_are_given_the_time_to_drain(self):
        worker = self.by_name["Deployment", "penstock-worker"]["spec"]["template"]["spec"]
        arguments = worker["containers"][0]["args"]
        drain_s = int(arguments[arguments.index("--drain-timeout") + 1])
        self.assertGreater(worker["terminationGracePeriodSeconds"], drain_s + 10)

    def test_programs_know_their_options(self):
        for deployment in self.deployments:
            container, = deployment["spec"]["template"]["spec"]["containers"]
            known = subprocess.run([penstock, container["args"][0], "--help"], capture_output=True,
                                   text=True, check=True).stdout
            for option in container["args"]:
                if option.startswith("--"):
                    self.assertRegex(known, rf"[ ,]{option}[ ,]")

    def test_what_is_selected_is_there(self):
        pods = {each["metadata"]["name"]: each["spec"]["template"] for each in self.deployments}
        labels = {name: pod["metadata"]["labels"] for name, pod in pods.items()}
        for deployment in self.deployments:
            self.assertEqual(deployment["spec"]["selector"]["matchLabels"],
                             labels[deployment["metadata"]["name"]])
        for kind in ("PodDisruptionBudget", "NetworkPolicy"):
            for name in labels:
                spec = self.by_name[kind, name]["spec"]
                selector = spec["selector" if kind == "PodDisruptionBudget" else "podSelector"]
                self.assertEqual(selector["matchLabels"], labels[name])
        service = self.by_name["Service", "penstock"]["spec"]
        self.assertEqual(service["selector"], labels["penstock-front"])
        ports = [port["name"] for port in pods["penstock-front"]["spec"]["containers"][0]["ports"]]
        self.assertIn(service["ports"][0]["targetPort"], ports)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertIn(pods["penstock-front"]["spec"]["containers"][0][probe]["httpGet"]["port"], ports)

    def test_workers_are_scaled_by_what_is_told(self):
        scaled = self.by_name["ScaledObject", "penstock-worker"]["spec"]
        self.assertIn(("Deployment", scaled["scaleTargetRef"]["name"]), self.by_name)
        self.assertEqual((scaled["minReplicaCount"], scaled["maxReplicaCount"]), (0, 20))
        # Replicas in the manifest would be set back by every apply.
        self.assertNotIn("replicas", self.by_name["Deployment", "penstock-worker"]["spec"])
        trigger, = scaled["triggers"]
        told = set(re.findall(r"(?m)^(\w+)(?:\{| )", read(METRICS)))
        for metric in re.findall(r"penstock_\w+", trigger["metadata"]["query"]):
            self.assertIn(metric, told)
        self.assertEqual(trigger["metadata"]["ignoreNullValues"], "false")
        arguments = self.by_name["Deployment", "penstock-worker"]["spec"]["template"]["spec"][
            "containers"][0]["args"]
        self.assertEqual(trigger["metadata"]["threshold"],
                         arguments[arguments.index("--concurrency") + 1])

    def test_the_image_is_pinned_and_not_roots(self):
        dockerfile = read(os.path.join(FOLDER, "Dockerfile"))
        for base in re.findall(r"(?m)^FROM (\S+)", dockerfile):
            self.assertRegex(base, r"^debian:13-slim$")
        self.assertRegex(dockerfile.split("FROM ")[-1], r"\nUSER [1-9]\d*:[1-9]\d*\n")
        for source in re.findall(r"(?m)^COPY (?!--from)(\S+)", dockerfile):
            self.assertTrue(os.path.exists(os.path.join(root, source)), source)
        for script in re.findall(r"\bscripts/[\w-]+", dockerfile):
            self.assertTrue(os.path.exists(os.path.join(root, script)), script)

    def test_the_image_gets_the_libraries_of_the_program(self):
        ran = subprocess.run([os.path.join(root, "scripts/runtime-packages"), penstock],
                             capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        packages = ran.stdout.split()
        self.assertEqual(packages, sorted(set(packages)))
        for name in ("libc6", "libcurl4", "libpq5"):
            self.assertTrue(any(each.startswith(name) for each in packages), ran.stdout)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
