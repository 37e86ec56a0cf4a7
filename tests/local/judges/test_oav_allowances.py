"""What oav may say of the simulator's traffic without being right."""

from dataclasses import replace

from local.judges.oav_allowances import Finding, allowance

DISK = "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d"
LAB = "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.DevTestLab/labs/l"
NEWER = Finding(DISK, "200", "response", "OBJECT_ADDITIONAL_PROPERTIES", "/properties/publicNetworkAccess", "")
MISSING = Finding(DISK, "404", "response", "INVALID_RESPONSE_CODE", "", "")


def test_a_newer_property_of_a_disk_is_allowed():
    assert allowance(NEWER)


def test_the_same_property_in_a_request_is_a_finding():
    assert not allowance(replace(NEWER, side="request"))


def test_a_property_that_azure_does_not_send_is_a_finding():
    assert not allowance(replace(NEWER, at="/properties/colour"))


def test_a_wrong_type_at_an_allowed_place_is_a_finding():
    assert not allowance(replace(NEWER, code="INVALID_TYPE"))


def test_a_404_of_compute_is_allowed_and_another_undefined_status_is_not():
    assert allowance(MISSING)
    assert not allowance(replace(MISSING, status="203"))


def test_nothing_is_allowed_in_devtest_labs():
    assert not allowance(replace(NEWER, path=LAB))
    assert not allowance(replace(MISSING, path=LAB))
