// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <proximal/lm/distributed/communicator.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace proximal::lm {

/// The texts of all processes, in their order; any bytes, of any length. Two collectives.
inline std::vector<std::string> gather_text(std::string_view text, communicator& world) {
    if (world.world_size() == 1) return {std::string(text)};
    auto const lengths = world.all_gather(at::full({}, static_cast<std::int64_t>(text.size()), at::kLong));
    auto const longest = lengths.max().item<std::int64_t>();
    if (longest == 0) return std::vector<std::string>(static_cast<std::size_t>(world.world_size()));
    at::Tensor const padded = at::zeros({longest}, at::kByte);
    std::ranges::copy(text, static_cast<char*>(padded.mutable_data_ptr()));
    auto const all = world.all_gather(padded).contiguous();  // [world, longest]
    std::vector<std::string> texts;
    for (std::int64_t rank = 0; rank < world.world_size(); ++rank)
        texts.emplace_back(reinterpret_cast<char const*>(all.const_data_ptr<std::uint8_t>()) + rank * longest,
                           lengths[rank].item<std::int64_t>());
    return texts;
}

/// The text of process `root`, on all.
inline std::string share_text(std::string_view text, communicator& world, std::int64_t root = 0) {
    return gather_text(world.rank() == root ? text : std::string_view(), world)[static_cast<std::size_t>(root)];
}

/// The lines of all processes, each once, in the order in which the first process that has one has it.
inline std::vector<std::string> gather_names(std::vector<std::string> const& names, communicator& world) {
    std::string lines;
    for (auto const& name : names) lines += name + '\n';
    std::vector<std::string> all;
    for (auto const& text : gather_text(lines, world))
        for (std::size_t at = 0; at < text.size();) {
            auto const end = text.find('\n', at);
            auto name = text.substr(at, end - at);
            if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(std::move(name));
            at = end + 1;
        }
    return all;
}

}  // namespace proximal::lm
