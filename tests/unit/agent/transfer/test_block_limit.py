"""A blob has at most 50,000 blocks, whatever chunk size was asked for."""

from __future__ import annotations

import pytest

from migrate_agent.transfer.blocks import MAX_BLOCKS, block_bytes_for, block_sizes

MIB, GIB = 1 << 20, 1 << 30


def test_200_gib_in_chunks_of_one_mib_get_larger_blocks():
    block_bytes = block_bytes_for(200 * GIB, MIB)
    assert block_bytes == 5 * MIB
    assert len(block_sizes(200 * GIB, block_bytes)) == 40_960


@pytest.mark.parametrize("chunk_mib", [1, 8, 256])
def test_just_as_many_blocks_as_a_blob_may_have(chunk_mib):
    size = MAX_BLOCKS * chunk_mib * MIB
    assert block_bytes_for(size, chunk_mib * MIB) == chunk_mib * MIB
    assert len(block_sizes(size, chunk_mib * MIB)) == MAX_BLOCKS


@pytest.mark.parametrize("chunk_mib", [1, 8, 256])
def test_one_byte_more_makes_the_blocks_a_mib_larger(chunk_mib):
    size = MAX_BLOCKS * chunk_mib * MIB + 1
    block_bytes = block_bytes_for(size, chunk_mib * MIB)
    assert block_bytes == (chunk_mib + 1) * MIB
    sizes = block_sizes(size, block_bytes)
    assert sum(sizes) == size
    assert len(sizes) <= MAX_BLOCKS
