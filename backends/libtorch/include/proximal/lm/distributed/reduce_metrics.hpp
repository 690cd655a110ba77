// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <cstring>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/run/metrics.hpp>
#include <set>
#include <string>
#include <vector>

namespace proximal::lm {

/// Each number becomes its mean over the processes that have it, as TRL gathers (a mean of the processes' means). A
/// name that a process did not measure, since all its groups were flat, say, comes from the others.
///
/// Three collectives whatever was measured: none depends on what one process alone knows.
inline run::metrics reduce_metrics(run::metrics const& measured, communicator& world) {
    if (world.world_size() == 1) return measured;
    std::string lines;
    for (auto const& [name, value] : measured) lines += name + '\n';
    at::Tensor longest = at::full({}, static_cast<std::int64_t>(lines.size()), at::kLong);
    world.all_reduce_max(longest);
    at::Tensor const padded = at::zeros({longest.item<std::int64_t>()}, at::kByte);
    std::memcpy(padded.mutable_data_ptr(), lines.data(), lines.size());
    auto const all = world.all_gather(padded).contiguous();  // [world, bytes]
    std::vector<std::string> names;                          // in the order of the first process that has each
    std::set<std::string> known;
    std::string name;
    for (std::int64_t i = 0; i < all.numel(); ++i) {
        auto const c = static_cast<char>(all.const_data_ptr<std::uint8_t>()[i]);
        if (c != '\n' && c != '\0') name += c;
        else if (!name.empty() && known.insert(name).second) names.push_back(name);
        if (c == '\n' || c == '\0') name.clear();
    }
    at::Tensor sums = at::zeros({2, static_cast<std::int64_t>(names.size())}, at::kDouble);  // values, and how many
    auto* const at = sums.mutable_data_ptr<double>();
    for (std::size_t i = 0; i < names.size(); ++i)
        if (auto const* const value = measured.find(names[i])) at[i] = *value, at[names.size() + i] = 1.0;
    world.all_reduce_sum(sums);
    auto const* const of_all = sums.const_data_ptr<double>();
    run::metrics result;
    for (std::size_t i = 0; i < names.size(); ++i) result.set(names[i], of_all[i] / of_all[names.size() + i]);
    return result;
}

}  // namespace proximal::lm
