// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/gather_text.hpp>
#include <proximal/run/metrics.hpp>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Each number becomes its mean over the processes that have it, as TRL gathers (a mean of the processes' means). A
/// name that a process did not measure, since all its groups were flat, say, comes from the others.
///
/// Three collectives whatever was measured: none depends on what one process alone knows.
inline run::metrics reduce_metrics(run::metrics const& measured, communicator& world) {
    if (world.world_size() == 1) return measured;
    std::vector<std::string> own;
    for (auto const& [name, value] : measured) own.push_back(name);
    auto const names = gather_names(own, world);
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

/// The unbiased variance of the numbers of all processes, as TRL takes it of what it gathered; NaN of fewer than two.
inline double variance_over(std::vector<double> const& own, communicator& world) {
    auto const sum = [&](auto const& of) {
        at::Tensor both = at::zeros({2}, at::kDouble);
        auto* const at = both.mutable_data_ptr<double>();
        for (double const x : own) at[0] += of(x), at[1] += 1.0;
        world.all_reduce_sum(both);
        return std::pair{both[0].item<double>(), both[1].item<double>()};
    };
    auto const [total, count] = sum([](double x) { return x; });
    auto const [squares, again] = sum([mean = total / count](double x) { return (x - mean) * (x - mean); });
    return squares / (again - 1.0);
}

}  // namespace proximal::lm
