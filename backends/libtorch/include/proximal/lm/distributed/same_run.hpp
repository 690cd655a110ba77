// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_text.hpp>
#include <stdexcept>
#include <string>

namespace proximal::lm {

/// What a run was told and given: flags and other names, with texts.
using run_identity = std::map<std::string, std::string>;

/// Refuses processes that were told or given different things: std::invalid_argument, on all of them, which names the
/// first thing that differs, with both texts.
inline void refuse_differences(run_identity const& own, communicator& world) {
    if (world.world_size() == 1) return;
    auto const all = gather_text(nlohmann::json(own).dump(), world);
    for (std::size_t rank = 1; rank < all.size(); ++rank) {
        if (all[rank] == all[0]) continue;
        auto const ours = nlohmann::json::parse(all[0]).get<run_identity>();
        auto theirs = nlohmann::json::parse(all[rank]).get<run_identity>();
        auto const text_in = [](run_identity const& identity, std::string const& name) {
            auto const found = identity.find(name);
            return found == identity.end() ? std::string("absent") : found->second;
        };
        auto names = ours;
        names.insert(theirs.begin(), theirs.end());
        for (auto const& [name, text] : names)
            if (auto const here = text_in(ours, name), there = text_in(theirs, name); here != there)
                throw std::invalid_argument(
                    fmt::format("{} is {} on process 0 and {} on process {}: start all processes with the same command "
                                "and the same files",
                                name, here, there, rank));
    }
}

}  // namespace proximal::lm
