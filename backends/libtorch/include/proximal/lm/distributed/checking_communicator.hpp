// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Asks, before every collective, whether all processes make the same call: the same operation on a tensor of the same
/// dtype and shape, the n-th of the run on each. Else it throws std::logic_error, on all of them, that says who calls
/// what; without it such processes wait for each other, or mix up numbers. It doubles the collectives: for debugging
/// (TORCH_DISTRIBUTED_DEBUG=DETAIL).
class checking_communicator final : public communicator {
   public:
    explicit checking_communicator(std::shared_ptr<communicator> of) : of_(std::move(of)) {}

    std::int64_t rank() const override { return of_->rank(); }
    std::int64_t world_size() const override { return of_->world_size(); }
    void all_reduce_sum(at::Tensor& x) override { check("all_reduce_sum", x), of_->all_reduce_sum(x); }
    void all_reduce_max(at::Tensor& x) override { check("all_reduce_max", x), of_->all_reduce_max(x); }
    at::Tensor all_gather(at::Tensor const& x) override { return check("all_gather", x), of_->all_gather(x); }
    at::Tensor reduce_scatter_sum(at::Tensor const& x) override {
        return check("reduce_scatter_sum", x), of_->reduce_scatter_sum(x);
    }
    void broadcast(at::Tensor& x, std::int64_t root) override { check("broadcast", x), of_->broadcast(x, root); }
    void barrier() override { check("barrier", {}), of_->barrier(); }
    pending start_reduce_scatter_sum(at::Tensor const& x, at::Tensor into) override {
        return check("start_reduce_scatter_sum", x), of_->start_reduce_scatter_sum(x, std::move(into));
    }
    pending start_all_gather(at::Tensor const& x, at::Tensor into) override {
        return check("start_all_gather", x), of_->start_all_gather(x, std::move(into));
    }
    void at_update(std::int64_t update) override { of_->at_update(update); }

   private:
    static constexpr std::size_t longest = 96;  // of a call's description, in bytes

    void check(std::string_view operation, at::Tensor const& x) {
        auto call = fmt::format("{} #{}", operation, ++calls_);
        if (x.defined()) call += fmt::format(" of {} {}", c10::toString(x.scalar_type()), c10::str(x.sizes()));
        call.resize(longest, '\0');
        at::Tensor const own = at::empty({static_cast<std::int64_t>(longest)}, at::kByte);
        std::copy(call.begin(), call.end(), own.mutable_data_ptr<std::uint8_t>());
        auto const all = of_->all_gather(own).contiguous();
        std::vector<std::string> calls;
        for (std::int64_t rank = 0; rank < world_size(); ++rank)
            calls.emplace_back(reinterpret_cast<char const*>(all.const_data_ptr<std::uint8_t>()) + rank * longest);
        for (std::size_t rank = 1; rank < calls.size(); ++rank)
            if (calls[rank] != calls[0])
                throw std::logic_error(fmt::format("the processes are out of step: process 0 calls {}, process {} {}",
                                                   calls[0], rank, calls[rank]));
    }

    std::shared_ptr<communicator> of_;
    std::int64_t calls_ = 0;
};

}  // namespace proximal::lm
