"""The world of these tests: a factory lab with two golden VMs, a lab in another subscription, one that is denied."""

from typing import Any

ONE, TWO = "aaaa0000-0000-0000-0000-000000000001", "bbbb0000-0000-0000-0000-000000000002"
FACTORY = f"/subscriptions/{ONE}/resourceGroups/rg-factory/providers/Microsoft.DevTestLab/labs/factory"
GOLDEN = "00000001-0000-4000-8000-000000000001"
MASTERS = "imagefactoryvhds"


def compute(name: str) -> str:
    return f"/subscriptions/{ONE}/resourceGroups/rg-{name}/providers/Microsoft.Compute/virtualMachines/{name}"


def world(**behave: Any) -> dict[str, Any]:
    manifest = {"name": f"{GOLDEN}.json", "text": '{"imageName": "x"}', "encoding": "utf-16"}
    return {
        "factoryLab": FACTORY,
        "behave": {"copySeconds": 0.4, "imageSeconds": 0.4, **behave},
        "subscriptions": [
            {
                "id": ONE,
                "labs": [
                    {"name": "factory", "rg": "rg-factory", "location": "westeurope", "storage": "stfactory"},
                    {"name": "Lab-A", "rg": "rg-lab-a", "location": "westeurope", "storage": "sta"},
                    {
                        "name": "closed",
                        "rg": "rg-closed",
                        "location": "westeurope",
                        "storage": "stclosed",
                        "denied": True,
                    },
                ],
                "vms": [
                    {
                        "lab": "factory",
                        "rg": "rg-factory",
                        "name": "ready",
                        "tags": {"ImagePath": "Win2016\\Datacenter.json"},
                        "osType": "Windows",
                        "notes": "Golden Image: ready",
                        "computeId": compute("ready"),
                        "artifacts": [
                            {"artifactId": "windows-sysprep", "installTime": "2026-11-01T12:00:00Z"},
                        ],
                    },
                    {
                        "lab": "factory",
                        "rg": "rg-factory",
                        "name": "busy",
                        "osType": "Linux",
                        "computeId": compute("busy"),
                    },
                    {"lab": "factory", "rg": "rg-factory", "name": "lost", "computeId": compute("lost")},
                ],
                "images": [
                    {
                        "lab": "Lab-A",
                        "rg": "rg-lab-a",
                        "name": "Old-Image",
                        "tags": {"ImagePath": "Win2012\\Old.json"},
                        "creationDate": "2026-11-01T00:00:00Z",
                        "state": "Succeeded",
                    }
                ],
                "compute": [
                    {
                        "rg": "rg-ready",
                        "name": "ready",
                        "osDisk": "ready-os",
                        "powerState": "VM deallocated",
                        "statuses": [],
                    },
                    {"rg": "rg-busy", "name": "busy", "osDisk": "busy-os", "powerState": "VM running", "statuses": []},
                ],
                "disks": [
                    {"rg": "rg-busy", "name": "private", "networkAccessPolicy": "DenyAll"},
                    {"rg": "rg-busy", "name": "shared", "sas": True},
                ],
            },
            {"id": TWO, "labs": [{"name": "lab-b", "rg": "rg-lab-b", "location": "northeurope", "storage": "stb"}]},
            {"id": "cccc0000-0000-0000-0000-000000000003", "denied": True},
        ],
        "storage": [
            {
                "account": "stfactory",
                "rg": "rg-factory",
                "subscription": ONE,
                "containers": [
                    {
                        "name": MASTERS,
                        "blobs": [
                            manifest,
                            {
                                "name": f"{GOLDEN}.vhd",
                                "vhd": {"sizeGb": 1, "seed": "golden"},
                                "metadata": {"mark": "one"},
                            },
                            {"name": "text.vhd", "text": "no disk"},
                        ],
                    }
                ],
            },
            {"account": "sta", "containers": [{"name": MASTERS, "blobs": []}]},
            {"account": "stb", "rg": "rg-shared", "subscription": TWO, "containers": [{"name": MASTERS, "blobs": []}]},
        ],
    }
