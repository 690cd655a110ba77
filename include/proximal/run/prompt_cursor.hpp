// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace proximal::run {

/// A permutation of 0..n-1 that depends on the engine's state alone, on every platform.
///
/// Source: Fisher and Yates; Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2P. std::shuffle is not
/// used: its result differs between standard libraries.
inline std::vector<std::int64_t> random_permutation(std::int64_t n, std::mt19937_64& engine) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    for (std::uint64_t i = order.size(); i > 1; --i) {
        std::uint64_t const bound = i, limit = UINT64_MAX - UINT64_MAX % bound;
        std::uint64_t draw = engine();
        while (draw >= limit) draw = engine();
        std::swap(order[i - 1], order[draw % bound]);
    }
    return order;
}

/// An order in which rows of nearly equal length stand together: of every 50 batches' worth the longest first, the
/// longest of all at the very front, where it shows at once whether memory suffices.
/// Source: transformers 4.45, get_length_grouped_indices.
inline std::vector<std::int64_t> grouped_by_length(std::vector<std::int64_t> order,
                                                   std::vector<std::int64_t> const& lengths, std::int64_t batch) {
    auto const longer = [&](std::int64_t a, std::int64_t b) {
        return lengths[static_cast<std::size_t>(a)] > lengths[static_cast<std::size_t>(b)];
    };
    std::int64_t const n = std::ssize(order),
                       group = std::min(50 * batch, std::max<std::int64_t>(1, n / (4 * batch)) * batch);
    for (std::int64_t from = 0; from < n; from += group)
        std::stable_sort(order.begin() + from, order.begin() + std::min(from + group, n), longer);
    if (n > 0)
        std::iter_swap(order.begin(),
                       std::max_element(order.begin(), order.end(), [&](auto a, auto b) { return longer(b, a); }));
    return order;
}

/// Walks over the rows of a data set in batches: each pass in a new order, a last short batch left out (TRL's loader).
///
/// It has a stream of its own, so that sampling never changes the order of the data. With `lengths`, one for each row,
/// rows of nearly equal length come together (`--group_by_length`). Throws std::invalid_argument
/// where the data hold less than one batch.
class prompt_cursor {
   public:
    prompt_cursor(std::int64_t rows, std::int64_t batch, std::uint64_t seed, std::vector<std::int64_t> lengths = {})
        : rows_(rows), batch_(batch), engine_(seed), lengths_(std::move(lengths)) {
        if (batch < 1 || rows < batch)
            throw std::invalid_argument("the data hold " + std::to_string(rows) + " rows, fewer than one batch of " +
                                        std::to_string(batch) + ": give more data or lower the batch size");
    }

    /// The rows of the next batch.
    std::vector<std::int64_t> next() {
        if (order_.empty() || at_ + batch_ > rows_) {
            order_ = random_permutation(rows_, engine_);
            if (!lengths_.empty()) order_ = grouped_by_length(std::move(order_), lengths_, batch_);
            at_ = 0;
        }
        auto const first = order_.begin() + at_;
        at_ += batch_;
        taken_ += batch_;
        return {first, first + batch_};
    }
    /// How many times the data were passed over so far.
    double epochs() const { return static_cast<double>(taken_) / static_cast<double>(rows_); }

    /// Writes or reads where it stands, its order and its stream.
    template <class Archive>
    void visit_state(Archive& archive) {
        archive("at", at_);
        archive("taken", taken_);
        archive("order", order_);
        archive("engine", engine_);
    }

   private:
    std::int64_t rows_, batch_, at_ = 0, taken_ = 0;
    std::mt19937_64 engine_;
    std::vector<std::int64_t> order_, lengths_;
};

}  // namespace proximal::run
