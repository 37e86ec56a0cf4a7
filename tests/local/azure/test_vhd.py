"""VHDs from seeds, their footers and digests."""

import pytest

from local.azure.vhd import Digest, fixed_footer, is_fixed_footer, seeded_digest, vhd_blocks, vhd_length


def test_a_vhd_is_whole_mebibytes_and_a_footer():
    assert vhd_length(1) == 1024**3 + 512
    assert vhd_length(127) == 136365212160
    assert vhd_length(0.0000001) == 1024**2 + 512


@pytest.mark.parametrize("size_gb", [0.001, 1, 2, 30, 127, 2048])
def test_the_last_block_is_a_sound_footer(size_gb):
    length = vhd_length(size_gb)
    *disk, (offset, footer) = vhd_blocks("seed", length)
    assert offset == length - 512
    assert is_fixed_footer(footer, length)
    assert all(at + len(data) <= offset for at, data in disk)


def test_a_footer_is_broken_by_one_bit_or_another_length():
    footer = fixed_footer(1024**3, "seed")
    assert not is_fixed_footer(footer[:100] + b"\x01" + footer[101:], 1024**3 + 512)
    assert not is_fixed_footer(footer, 2 * 1024**3 + 512)
    assert not is_fixed_footer(bytes(512), 512)


def test_equal_seeds_make_equal_disks_and_others_do_not():
    length = vhd_length(1)
    assert seeded_digest("a", length) == seeded_digest("a", length)
    assert len({seeded_digest("a", length), seeded_digest("b", length), seeded_digest("a", vhd_length(2))}) == 3


def test_a_digest_does_not_depend_on_how_ranges_are_split():
    data = b"\x01" * 512 + bytes(512) + b"\x02" * 512
    whole, parts = Digest(4096), Digest(4096)
    whole.add(512, data)
    parts.add(512, data[:512])
    parts.add(1536, data[1024:])
    assert whole.hexdigest() == parts.hexdigest()
    zeros = Digest(4096)
    zeros.add(0, bytes(4096))
    assert zeros.hexdigest() == Digest(4096).hexdigest() != Digest(8192).hexdigest()
