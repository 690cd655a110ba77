// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace proximal::run {

/// The processes that train together. Passed in, never global: the one place that multi-process training will touch.
class communicator {
   public:
    virtual ~communicator() = default;
    virtual int rank() const = 0;        // this process, in [0, world_size)
    virtual int world_size() const = 0;  // how many there are
    /// Each number becomes its sum over all processes. All processes call it with the same count, in the same order.
    virtual void all_reduce_sum(std::span<double> numbers) = 0;
    /// Waits until every process is here.
    virtual void barrier() = 0;

    /// Whether this process is the one that writes and reports.
    bool is_main() const { return rank() == 0; }
};

/// One process on its own.
class single_process final : public communicator {
   public:
    int rank() const override { return 0; }
    int world_size() const override { return 1; }
    void all_reduce_sum(std::span<double>) override {}
    void barrier() override {}
};

}  // namespace proximal::run
