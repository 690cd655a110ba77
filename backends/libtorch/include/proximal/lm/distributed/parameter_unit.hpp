// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/Allocator.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/parameter_bucket.hpp>
#include <proximal/lm/model/parameter.hpp>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Parameters that are needed at the same time, of which each process keeps a slice: a layer's, with --sharding zero3.
///
/// The parameters stay the tensors that they are; their memory is there only while somebody holds the unit. hold()
/// gathers it from all processes, and the last release() gives it back. They begin as process 0's. What autograd saved
/// of a parameter reads the memory that is there when backward runs, so that has to be held too. All processes hold and
/// release alike.
class parameter_unit {
   public:
    parameter_unit(std::vector<named_tensor> const& parameters, std::shared_ptr<communicator> world)
        : world_(std::move(world)) {
        at::NoGradGuard const no_gradient;
        std::int64_t filled = 0;
        for (auto const& parameter : parameters) {
            members_.push_back({parameter, filled});
            filled += parameter.tensor.numel();
        }
        auto const processes = world_->world_size();
        padded_ = (filled + processes - 1) / processes * processes;
        auto const options = parameters.front().tensor.options().requires_grad(false);
        flat_ = at::zeros({padded_}, options);
        for (auto const& member : members_) {
            at::Tensor const place =
                flat_.narrow(0, member.at, member.of.tensor.numel()).view(member.of.tensor.sizes());
            place.copy_(member.of.tensor);
            at::Tensor own = member.of.tensor;
            own.set_data(place);
        }
        if (processes > 1) world_->broadcast(flat_, 0);
        shard_ = at::empty({padded_ / processes}, options);
        keep();
        free();
    }
    parameter_unit(parameter_unit const&) = delete;
    parameter_unit& operator=(parameter_unit const&) = delete;

    /// Begins to gather what somebody will hold next.
    void prepare() {
        if (is_whole()) return;
        at::NoGradGuard const no_gradient;
        allocate();
        under_way_ = world_->start_all_gather(shard_, flat_.view({world_->world_size(), -1}));
    }
    /// Makes the parameters whole, for whoever computes with them.
    void hold() {
        if (holders_++ > 0) return;
        prepare();
        under_way_.wait();
    }
    /// Gives their memory back, when nobody else holds them.
    void release() {
        if (holders_ > 0 && --holders_ == 0) free();
    }
    /// The same, whoever held them: after a backward pass, of which no part needs them any more.
    void let_go() {
        under_way_.wait();
        holders_ = 0;
        free();
    }
    /// Takes what whole parameters were changed to into this process's slice.
    void keep() {
        at::NoGradGuard const no_gradient;
        shard_.copy_(flat_.view({world_->world_size(), -1})[world_->rank()]);
    }
    /// Whether its memory is there.
    bool is_whole() const { return flat_.storage().nbytes() > 0; }

    std::vector<parameter_bucket::member> const& members() const { return members_; }
    /// This process's slice, [padded / processes]; it always is there.
    at::Tensor const& shard() const { return shard_; }
    /// Elements of all slices.
    std::int64_t padded() const { return padded_; }

   private:
    void allocate() {
        auto* const storage = flat_.storage().unsafeGetStorageImpl();
        auto const bytes = static_cast<std::size_t>(padded_) * flat_.element_size();
        storage->set_data_ptr_noswap(c10::GetAllocator(flat_.device().type())->allocate(bytes));
        storage->set_nbytes(bytes);
    }
    void free() {
        auto* const storage = flat_.storage().unsafeGetStorageImpl();
        storage->set_data_ptr_noswap(at::DataPtr(nullptr, flat_.device()));
        storage->set_nbytes(0);
    }

    std::shared_ptr<communicator> world_;
    std::vector<parameter_bucket::member> members_;
    std::int64_t padded_ = 0, holders_ = 0;
    at::Tensor flat_, shard_;
    pending under_way_;
};

/// Units in the order in which a model needs them.
using parameter_units = std::vector<std::shared_ptr<parameter_unit>>;

/// Holds units as long as it lives; with `changes` what they became is kept.
class whole_parameters {
   public:
    explicit whole_parameters(parameter_units units, bool changes = false)
        : units_(std::move(units)), changes_(changes) {
        for (auto const& unit : units_) unit->hold();
    }
    whole_parameters(whole_parameters const&) = delete;
    whole_parameters& operator=(whole_parameters const&) = delete;
    ~whole_parameters() {
        for (auto const& unit : units_) {
            if (changes_) unit->keep();
            unit->release();
        }
    }

   private:
    parameter_units units_;
    bool changes_;
};

}  // namespace proximal::lm
