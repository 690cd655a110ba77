// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <proximal/lm/distributed/communicator.hpp>
#include <vector>

namespace proximal::lm {

/// The rows of all processes, in the processes' order: x [rows, ...] to [Σ rows, ...]. They may hold different numbers
/// of rows; the other dimensions agree. Two collectives.
inline at::Tensor gather_rows(at::Tensor const& x, communicator& world) {
    if (world.world_size() == 1) return x;
    auto const counts = world.all_gather(at::full({}, x.size(0), at::kLong));  // [world]
    auto const longest = counts.max().item<std::int64_t>();
    auto shape = x.sizes().vec();
    shape[0] = longest;
    at::Tensor const padded = at::zeros(shape, x.options().requires_grad(false));
    padded.narrow(0, 0, x.size(0)).copy_(x.detach());
    auto const all = world.all_gather(padded);  // [world, longest, ...]
    std::vector<at::Tensor> pieces;
    for (std::int64_t rank = 0; rank < world.world_size(); ++rank)
        pieces.push_back(all[rank].narrow(0, 0, counts[rank].item<std::int64_t>()));
    return at::cat(pieces);
}

/// Whether the processes share rows out: fewer than there are processes each of them takes whole.
inline bool is_shared_out(std::int64_t rows, communicator const& world) {
    return world.world_size() > 1 && rows >= world.world_size();
}
/// Rows of a whole that a process takes: [first, first + count).
struct row_share {
    std::int64_t first, count;
};
/// Those of this process: where rows are shared out, one more for the first ones if they do not divide.
inline row_share share_of(std::int64_t rows, communicator const& world) {
    if (!is_shared_out(rows, world)) return {0, rows};
    auto const each = rows / world.world_size(), more = rows % world.world_size(), rank = world.rank();
    return {rank * each + std::min(rank, more), each + (rank < more ? 1 : 0)};
}

}  // namespace proximal::lm
