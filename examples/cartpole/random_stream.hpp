// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace cartpole {

/// What random numbers are for. Each purpose has a stream of its own, so that one more draw here moves nothing there.
enum class purpose : std::uint32_t { network, carts, actions, order, stopping, evaluation };

/// Random numbers that a seed and a purpose fix on every machine: the standard fixes mt19937_64, but not what its
/// distributions make of it.
class random_stream {
   public:
    random_stream(std::uint64_t seed, purpose of) {
        std::seed_seq mixed{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                            static_cast<std::uint32_t>(of)};
        engine_.seed(mixed);
    }

    /// Uniform in [low, high).
    double uniform(double low = 0.0, double high = 1.0) {
        return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
    }

    /// Each order equally likely, but for a bias of size / 2^64.
    template <class T>
    void shuffle(std::vector<T>& items) {
        for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[engine_() % i]);
    }

   private:
    std::mt19937_64 engine_;
};

}  // namespace cartpole
