"""What is asked of an API server, and what of it is not allowed, by its audit log."""
import json

import yaml

import chart

OF_HEADROOM = {"level": "Metadata", "userGroups": [f"system:serviceaccounts:{chart.NAMESPACE}"]}


class Audit:
    """Files are kept in `folder`; `flags` are those with which the API server has to be started."""

    def __init__(self, folder, rule=OF_HEADROOM):
        """`rule`: of an audit policy; what it does not choose is not in the log."""
        self._log = folder / "audit.log"
        policy = folder / "policy.yaml"
        policy.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
                                          "omitStages": ["RequestReceived"], "rules": [rule, {"level": "None"}]}))
        self.flags = (f"--audit-policy-file={policy}", f"--audit-log-path={self._log}")

    def requests(self):
        """(account, event) of each."""
        for line in self._log.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            yield event["user"]["username"].rpartition(":")[2], event

    def refused(self):
        """Each once: "headroom-operator patch /apis/...": by RBAC, which admission comes after."""
        return sorted({f"{account} {event['verb']} {event['requestURI'].partition('?')[0]}"
                       for account, event in self.requests()
                       if event.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"})
