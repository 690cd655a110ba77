// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/model/parameter.hpp>
#include <string>
#include <vector>

namespace proximal::lm {

/// Parameters of one dtype and device laid end to end, padded to a multiple of the processes and cut into as many equal
/// slices, one a process.
struct parameter_bucket {
    /// A parameter and where it begins in the bucket.
    struct member {
        named_tensor of;
        std::int64_t at;
    };
    /// What this process owns of a parameter: its elements [begin, end), which begin at `at` in this process's slice.
    struct piece {
        named_tensor of;
        std::int64_t begin, end, at;
        at::Tensor owned{};  // those elements, [end - begin]

        std::int64_t size() const { return end - begin; }
        /// "weight[128:512]": so the piece is called in what is saved of its state.
        std::string name() const { return of.name + "[" + std::to_string(begin) + ":" + std::to_string(end) + "]"; }
    };

    std::vector<member> members;
    std::vector<piece> pieces;  // of this process
    std::int64_t processes = 1, padded = 0;
    bool stays_sharded = false;  // its parameters are a parameter_unit's, gathered when they are needed

    std::size_t arrived = 0;           // members whose gradient is whole
    at::Tensor staging{}, arriving{};  // [processes, slice] and [slice]: what is under way
    at::Tensor reduced{};              // [slice], the average gradient so far
    pending under_way{};

    /// The elements of a slice.
    std::int64_t slice() const { return padded / processes; }
};

/// Finds the pieces of a process in a filled bucket.
inline void cut(parameter_bucket& bucket, std::int64_t processes, std::int64_t rank) {
    bucket.processes = processes;
    auto const first = rank * bucket.slice(), last = first + bucket.slice();
    for (auto const& member : bucket.members) {
        auto const begin = std::max(first, member.at), end = std::min(last, member.at + member.of.tensor.numel());
        if (begin < end) bucket.pieces.push_back({member.of, begin - member.at, end - member.at, begin - first});
    }
}

/// Cuts parameters into buckets of some `bytes`, the last parameters first: backward reaches them in that order.
inline std::vector<parameter_bucket> make_buckets(std::vector<named_tensor> const& parameters, std::int64_t processes,
                                                  std::int64_t rank, std::int64_t bytes) {
    std::vector<parameter_bucket> buckets;
    std::int64_t filled = 0;  // elements of the bucket that is being filled
    for (auto parameter = parameters.rbegin(); parameter != parameters.rend(); ++parameter) {
        auto const& x = parameter->tensor;
        auto const fits = [&] {
            auto const& first = buckets.back().members.front().of.tensor;
            return first.scalar_type() == x.scalar_type() && first.device() == x.device() &&
                   (filled + x.numel()) * static_cast<std::int64_t>(x.element_size()) <= bytes;
        };
        if (buckets.empty() || !fits()) buckets.emplace_back(), filled = 0;
        buckets.back().members.push_back({*parameter, filled});
        filled += x.numel();
        buckets.back().padded = filled;
    }
    for (auto& bucket : buckets) {
        bucket.padded = (bucket.padded + processes - 1) / processes * processes;
        cut(bucket, processes, rank);
    }
    return buckets;
}

}  // namespace proximal::lm
