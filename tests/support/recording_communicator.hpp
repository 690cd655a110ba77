// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <proximal/lm/distributed/communicator.hpp>
#include <string>
#include <vector>

namespace support {

/// One process of a world of which the others do what it does: it writes down every collective, and the bytes that this
/// process would send.
class recording_communicator : public proximal::lm::communicator {
   public:
    struct call {
        std::string operation;
        std::int64_t sent;  // bytes
    };
    recording_communicator(std::int64_t rank, std::int64_t world_size) : rank_(rank), world_size_(world_size) {}
    std::vector<call> calls;

    std::int64_t sent(std::string const& operation) const {
        std::int64_t total = 0;
        for (auto const& c : calls)
            if (c.operation == operation) total += c.sent;
        return total;
    }

    std::int64_t rank() const override { return rank_; }
    std::int64_t world_size() const override { return world_size_; }
    void all_reduce_sum(at::Tensor& x) override {
        note("all_reduce", 2 * bytes(x) * (world_size_ - 1) / world_size_);
        x.mul_(world_size_);
    }
    void all_reduce_max(at::Tensor& x) override { note("all_reduce", 2 * bytes(x) * (world_size_ - 1) / world_size_); }
    at::Tensor all_gather(at::Tensor const& x) override {
        note("all_gather", bytes(x) * (world_size_ - 1));
        auto shape = x.sizes().vec();
        shape.insert(shape.begin(), world_size_);
        return x.unsqueeze(0).expand(shape).contiguous();
    }
    at::Tensor reduce_scatter_sum(at::Tensor const& x) override {
        note("reduce_scatter", bytes(x) / world_size_ * (world_size_ - 1));
        return x[rank_] * world_size_;
    }
    void broadcast(at::Tensor&, std::int64_t) override {}
    void barrier() override {}

   private:
    static std::int64_t bytes(at::Tensor const& x) { return static_cast<std::int64_t>(x.nbytes()); }
    void note(char const* operation, std::int64_t sent) { calls.push_back({operation, sent}); }

    std::int64_t rank_, world_size_;
};

}  // namespace support
