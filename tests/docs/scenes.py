"""What a page takes for granted where its commands begin: (page, heading, number of the block below it) → what is
made so before that block."""
import shutil

import yaml

import chart

# Plays where Headroom is installed in another way, in a cluster without our programs.
IN_SECOND_CLUSTER = {("docs/install.md", "With kubectl"), ("docs/operations/upgrade.md", "With kubectl")}


def deployment(name, namespace, replicas=None):
    spec = {"selector": {"matchLabels": {"app": name}}, "template": {
        "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": "main"}]}}}
    if replicas:
        spec["replicas"] = replicas
    return yaml.safe_dump({"apiVersion": "apps/v1", "kind": "Deployment",
                           "metadata": {"name": name, "namespace": namespace}, "spec": spec})


def autoscaler(name, namespace, least, most):
    return yaml.safe_dump({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
                 "minReplicas": least, "maxReplicas": most}})


def nothing_is_installed(world, _page):
    world.uninstalled()


def bare_namespace(world, name):
    world.installed()
    world.namespace(name)


def a_shop(world, _page):
    world.at_work()
    world.namespace("shop")
    world.apply(deployment("webhook-workers", "shop"))
    world.apply(autoscaler("webhook-workers", "shop", 10, 100))


def a_cluster_without_headroom(world, _page):
    world.region_of_second_cluster("pune")
    (world.folder / "pune.kubeconfig").unlink()  # the page makes it
    world.second_cluster().kubectl("delete", "namespace", chart.NAMESPACE, "--ignore-not-found")


def no_shop(world, _page):
    world.at_work()
    world.without_objects()


def a_shop_out_of_git(world, _page):
    bare_namespace(world, "shop")
    world.apply(deployment("web", "shop", replicas=3), "--server-side", "--field-manager=argocd-controller")


def git_drops_replicas(world, _page):
    world.apply(deployment("web", "shop"), "--server-side", "--field-manager=argocd-controller")


def an_autoscaler_in_git(world, _page):
    world.store("web-autoscaler.yaml", autoscaler("web", "shop", 2, 10))


def a_target(world, _page):
    objects = chart.load_all((chart.ROOT / "manifests/samples/one-region/20-festival.yaml").read_text(encoding="utf-8"))
    world.apply(yaml.safe_dump(chart.find(objects, "ScaleTarget", "web")), "--namespace", "shop")


def a_folder_of_production(world, _page):
    shutil.copytree(chart.ROOT / "manifests/samples/one-region", world.folder / "production", dirs_exist_ok=True)


def objects_that_alerts_name(world, _page):
    bare_namespace(world, "shop")
    folder = chart.ROOT / "manifests/samples/one-region"
    for path in sorted(folder.glob("*.yaml")):
        world.apply(path.read_text(encoding="utf-8"), "--namespace", "shop")
    world.apply(deployment("diwali", "shop"))
    world.apply("""
apiVersion: headroom.dev/v1alpha1
kind: ScaleTarget
metadata: {name: diwali, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: diwali}
  replicas: {max: 3}
  engine: {type: Advise}
---
apiVersion: headroom.dev/v1alpha1
kind: ScaleLimit
metadata: {name: diwali, namespace: shop}
spec:
  match: {resources: [{group: apps, version: v1, resource: deployments}]}
  total: {count: 100}
---
apiVersion: headroom.dev/v1alpha1
kind: Region
metadata: {name: local}
spec: {cluster: {type: Local}}
""")


def values_in_a_file(world, _page):
    world.store("values.yaml", "operator: {replicas: 2}")


def values_of(page):
    """What a block ```yaml of the page says that the chart needs."""
    block = next(block for block in page.blocks if block.language == "yaml" and block.text.startswith("webhook:"))
    return yaml.safe_load(block.text)


def values_of_the_page(world, page):
    world.installed(values_of(page))


def kubeconfigs_of(*regions):
    return {"secrets": [{"namespace": chart.NAMESPACE, "names": [f"{region}-kubeconfig" for region in regions]}]}


def three_regions(world, page):
    world.installed({**values_of(page), "operator": kubeconfigs_of("us-east-1", "eu-west-1", "ap-south-1")})
    world.region_of_second_cluster("us-east-1")


def bare(world, _page):
    world.installed()


CLONES = {"scaleKinds": [{"group": "postgresql.cnpg.io", "resource": "clusters"}]}


def databases(world, _page):
    world.installed({"operator": CLONES})


def two_regions_with_databases(world, _page):
    world.installed({"operator": {**CLONES, **kubeconfigs_of("chennai")}})
    world.region_of_second_cluster("chennai")


SCENES = {
    ("README.md", "Twenty lines", 0): a_shop,
    ("charts/headroom/README.md", "The Headroom chart", 0): nothing_is_installed,
    ("docs/install.md", "With Helm", 0): nothing_is_installed,
    ("docs/install.md", "Other clusters as regions", 0): a_cluster_without_headroom,
    ("docs/install.md", "The first schedule", 0): no_shop,
    ("docs/gitops.md", "Taking replicas out of Git: share, then drop", 0): a_shop_out_of_git,
    ("docs/gitops.md", "Taking replicas out of Git: share, then drop", 3): git_drops_replicas,
    ("docs/gitops.md", "Changing a size in Git", 0): an_autoscaler_in_git,
    ("docs/gitops.md", "Contested", 0): a_target,
    ("docs/gitops.md", "Checking in CI", 0): a_folder_of_production,
    ("docs/operations/alerts.md", "Alerts, and what to do", 0): objects_that_alerts_name,
    ("docs/operations/failure-modes.md", "The operator is down at the hour", 0): objects_that_alerts_name,
    ("docs/operations/upgrade.md", "Before", 0): objects_that_alerts_name,
    ("docs/operations/upgrade.md", "With Helm", 0): values_in_a_file,
    ("docs/systems/agents-12-month.md", "Apply it", 0): bare,
    ("docs/systems/agents-6-month.md", "Apply it", 0): three_regions,
    ("docs/systems/depository.md", "Apply it", 0): values_of_the_page,
    ("docs/systems/model-registry.md", "Apply it", 0): databases,
    ("docs/systems/whatsapp-erp.md", "Apply it", 0): two_regions_with_databases,
}
