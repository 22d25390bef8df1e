"""What sizes were, at every revision of the objects that hold them, and who wrote them."""
import collections
import datetime

from history import History

LISTS = {"deployments": "/apis/apps/v1/deployments",
         "horizontalpodautoscalers": "/apis/autoscaling/v2/horizontalpodautoscalers"}
FIELDS = {"deployments": "replicas", "horizontalpodautoscalers": "minReplicas"}
# For the audit log: writes of them.
WRITES = {"level": "Metadata", "verbs": ["patch", "update"],
          "resources": [{"group": "apps", "resources": ["deployments", "deployments/scale"]},
                        {"group": "autoscaling", "resources": ["horizontalpodautoscalers"]}]}


Sized = collections.namedtuple("Sized", "size owners")


def sizes_of(api, resource):
    """The history of that resource's sizes in all namespaces, and of the field managers that own them."""
    def of_interest(item):
        field = FIELDS[resource]
        return Sized(item["spec"].get(field), {entry["manager"] for entry in item["metadata"]["managedFields"]
                                               if f"f:{field}" in entry["fieldsV1"].get("f:spec", ())})
    return History(api, LISTS[resource], of_interest)


def writes_of(manager, audit):
    """(resource, namespace, name) → when that field manager sent a write, as time.time()."""
    found = collections.defaultdict(list)
    for _, event in audit.requests():
        thing = event["objectRef"]
        if f"fieldManager={manager}" in event["requestURI"].partition("?")[2].split("&"):
            at = datetime.datetime.fromisoformat(event["requestReceivedTimestamp"])
            found[(thing["resource"], thing["namespace"], thing["name"])].append(at.timestamp())
    return found
