// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <utility>

namespace proximal::lm {

/// A collective under way. Its tensors may be touched again once wait() has returned.
class pending {
   public:
    pending() = default;
    explicit pending(std::function<void()> wait) : wait_(std::move(wait)) {}
    /// Waits for the end; a second call does nothing.
    void wait() {
        if (auto const wait = std::exchange(wait_, {})) wait();
    }

   private:
    std::function<void()> wait_;
};

/// The processes that train together. Passed in, never global: the one place that multi-process training touches.
///
/// Every process calls the same operations in the same order, with tensors of the same shape and dtype, whatever it
/// holds itself: no call hangs on a condition that only one of them can see.
class communicator {
   public:
    virtual ~communicator() = default;
    virtual std::int64_t rank() const = 0;        // this process, in [0, world_size)
    virtual std::int64_t world_size() const = 0;  // how many there are

    /// Each element becomes its sum over all processes, in place.
    virtual void all_reduce_sum(at::Tensor& x) = 0;
    /// Each element becomes the largest over all processes, in place.
    virtual void all_reduce_max(at::Tensor& x) = 0;
    /// The tensors of all processes, stacked along a new first dimension: [world_size, ...].
    virtual at::Tensor all_gather(at::Tensor const& x) = 0;
    /// The sum over all processes of x [world_size, ...], of which each process gets its own slice.
    virtual at::Tensor reduce_scatter_sum(at::Tensor const& x) = 0;
    /// x becomes that of process `root`, in place.
    virtual void broadcast(at::Tensor& x, std::int64_t root) = 0;
    /// Waits until every process is here.
    virtual void barrier() = 0;

    /// reduce_scatter_sum and all_gather that go on beside what the process computes meanwhile: of contiguous tensors
    /// that live until the end, `into` [...] and [world_size, ...].
    virtual pending start_reduce_scatter_sum(at::Tensor const& x, at::Tensor into) {
        into.copy_(reduce_scatter_sum(x));
        return {};
    }
    virtual pending start_all_gather(at::Tensor const& x, at::Tensor into) {
        into.copy_(all_gather(x));
        return {};
    }

    /// Told how far the run is, for whoever must say it when this process is gone.
    virtual void at_update(std::int64_t /*update*/) {}

    /// Whether this process is the one that writes and reports.
    bool is_main() const { return rank() == 0; }
};

/// One process on its own.
class single_process final : public communicator {
   public:
    std::int64_t rank() const override { return 0; }
    std::int64_t world_size() const override { return 1; }
    void all_reduce_sum(at::Tensor&) override {}
    void all_reduce_max(at::Tensor&) override {}
    at::Tensor all_gather(at::Tensor const& x) override { return x.unsqueeze(0); }
    at::Tensor reduce_scatter_sum(at::Tensor const& x) override { return x.select(0, 0); }
    void broadcast(at::Tensor&, std::int64_t) override {}
    void barrier() override {}
};

}  // namespace proximal::lm
