// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/parameter_bucket.hpp>
#include <proximal/lm/distributed/parameter_unit.hpp>
#include <proximal/lm/train/optimizer.hpp>
#include <proximal/run/sharding_stage.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// What each process keeps whole, and what it keeps a slice of (`--sharding`).
enum class sharding {
    none,   // everything whole
    zero1,  // a slice of the optimizer's state
    zero2,  // and of the gradients
    zero3   // and of the layers' parameters: see sharded_backbone
};

/// The mode that --sharding names. Throws std::invalid_argument for another word.
inline sharding sharding_named(std::string const& name) { return static_cast<sharding>(run::sharding_stage(name)); }

/// An optimizer of many processes: gradients are averaged bucket by bucket while backward still runs, and its state and
/// the gradients may be shared out among the processes.
///
/// Parameters lie end to end in buckets, the last layers' first, as backward reaches them. Each process owns a slice of
/// every bucket: it gets the slice's average gradient (reduce-scatter), moves the slice's parameters by `make`'s
/// optimizer and sends them to all (all-gather). With sharding::none gradients are gathered instead and each process
/// moves everything. With zero2 a bucket is reduced and freed after every backward pass; else gradients gather up until
/// the last before a step. What is sent is the same in all modes: 2 (W - 1) / W of the parameters' bytes a step, for
/// zero2 (W - 1) / W more for each further backward pass of a step.
///
/// The sums are taken slice by slice in the processes' order, so none, zero1 and zero2 agree to the bit where one
/// backward pass makes a step; with several, zero2 adds up in another order. zero3 cuts other slices, and differs in
/// the last bits.
/// Parameters of a parameter_unit (zero3) are not sent after a step: each process moves its slice, and the unit gathers
/// them when they are needed.
/// A parameter that no backward pass reached moves by a gradient of zeros.
/// Source: Rajbhandari et al., ZeRO: Memory Optimizations Toward Training Trillion Parameter Models (2020), arXiv
/// 1910.02054; buckets as in Li et al., PyTorch Distributed (2020), arXiv 2006.15704.
class distributed_optimizer final : public optimizer {
   public:
    /// Makes the optimizer that moves this process's part of the parameters.
    using maker = std::function<std::shared_ptr<optimizer>(std::vector<named_tensor>)>;

    distributed_optimizer(std::vector<named_tensor> const& parameters, std::shared_ptr<communicator> world,
                          sharding mode, std::int64_t bucket_bytes, maker const& make, parameter_units units = {})
        : optimizer(parameters), world_(std::move(world)), mode_(mode), units_(std::move(units)) {
        fill_buckets(bucket_bytes);
        std::vector<named_tensor> pieces;
        for (auto const& bucket : buckets_)
            for (auto const& piece : bucket.pieces) pieces.push_back({piece.name(), piece.of.kind, piece.owned});
        inner_ = make(mode_ == sharding::none ? parameters : pieces);
        listen();
    }
    distributed_optimizer(distributed_optimizer const&) = delete;
    distributed_optimizer& operator=(distributed_optimizer const&) = delete;
    ~distributed_optimizer() override {
        for (auto const& parameter : parameters())
            torch::autograd::impl::set_post_acc_grad_hooks(parameter.tensor, nullptr);
    }

    bool is_sharded() const override { return mode_ != sharding::none && world_->world_size() > 1; }

    void begin_backward(bool last) override {
        is_reducing_ = last || mode_ >= sharding::zero2;
        for (auto& bucket : buckets_) bucket.arrived = 0;
        next_ = 0;
    }
    void end_backward() override {
        if (!std::exchange(is_reducing_, false)) return;
        at::NoGradGuard const no_gradient;
        while (next_ < buckets_.size()) send_next();
        for (auto i = next_ - std::min(next_, under_way_at_most); i < next_; ++i) finish(buckets_[i]);
        for (auto const& unit : units_) unit->let_go();
        has_reduced_ = true;
    }
    /// What end_backward() has not averaged already: gradients that were put there without a backward pass.
    void average_gradients(communicator&) override {
        at::NoGradGuard const no_gradient;
        if (!std::exchange(has_reduced_, false)) {
            begin_backward(true);
            end_backward();
            has_reduced_ = false;
        }
        if (mode_ == sharding::none) {
            for (auto& bucket : buckets_) gather_gradients(bucket);
            return;
        }
        for (auto& bucket : buckets_)
            for (auto& piece : bucket.pieces)
                piece.owned.mutable_grad() = bucket.reduced.narrow(0, piece.at, piece.size());
    }
    void zero_grad() const override {
        optimizer::zero_grad();
        inner_->zero_grad();
        for (auto& bucket : buckets_) bucket.reduced.reset();
        has_reduced_ = false;
    }
    std::vector<at::Tensor> gradients() const override { return inner_->gradients(); }
    /// Of own pieces: the same in every mode.
    unread_norms norms() const override {
        unread_norms result;
        std::vector<at::Tensor> gradients;
        for (auto const& bucket : buckets_)
            for (auto const& piece : bucket.pieces) {
                auto const& gradient = mode_ == sharding::none ? piece.of.tensor.grad() : piece.owned.grad();
                if (!gradient.defined()) continue;
                gradients.push_back(
                    mode_ == sharding::none ? gradient.reshape({-1}).narrow(0, piece.begin, piece.size()) : gradient);
                result.models.push_back(model_of(piece.of.name));
            }
        if (!gradients.empty()) result.norms = at::stack(at::_foreach_norm(gradients));
        return result;
    }
    void step(double learning_rate) override {
        at::NoGradGuard const no_gradient;
        is_torn_ = true;
        inner_->step(learning_rate);
        if (is_sharded()) send_parameters();
        is_torn_ = false;
    }
    bool is_torn() const override { return is_torn_; }
    void visit_state(run::state_archive& archive) override { inner_->visit_state(archive); }

   private:
    void send_parameters() {
        parameter_bucket* ahead = nullptr;  // one ahead: two buckets of memory, not all
        for (auto& bucket : buckets_) {
            if (bucket.stays_sharded) continue;
            start_gathering(bucket);
            if (ahead != nullptr) finish_gathering(*ahead);
            ahead = &bucket;
        }
        if (ahead != nullptr) finish_gathering(*ahead);
    }
    /// Parameters of a unit make a bucket as the unit lays them out; the others fill buckets between those.
    void fill_buckets(std::int64_t bytes) {
        auto const rank = world_->rank(), processes = world_->world_size();
        std::map<at::TensorImpl const*, std::pair<parameter_unit const*, std::int64_t>> in_unit;
        for (auto const& unit : units_)
            for (auto const& member : unit->members())
                in_unit[member.of.tensor.unsafeGetTensorImpl()] = {unit.get(), member.at};
        std::vector<named_tensor> others;  // in the parameters' order
        auto const fill = [&] {
            for (auto& bucket : make_buckets(others, processes, rank, bytes)) {
                for (auto& piece : bucket.pieces)
                    piece.owned = piece.of.tensor.detach().view({-1}).narrow(0, piece.begin, piece.size());
                buckets_.push_back(std::move(bucket));
            }
            others.clear();
        };
        std::map<parameter_unit const*, std::size_t> of_unit;
        for (auto parameter = parameters().rbegin(); parameter != parameters().rend(); ++parameter) {
            auto const found = in_unit.find(parameter->tensor.unsafeGetTensorImpl());
            if (found == in_unit.end()) {
                others.insert(others.begin(), *parameter);
                continue;
            }
            auto const [unit, at] = found->second;
            if (!of_unit.contains(unit)) {
                fill();
                of_unit[unit] = buckets_.size();
                buckets_.emplace_back();
                buckets_.back().padded = unit->padded();
                buckets_.back().stays_sharded = true;
            }
            buckets_[of_unit[unit]].members.push_back({*parameter, at});
        }
        fill();
        for (auto const& [unit, index] : of_unit) {
            cut(buckets_[index], processes, rank);
            for (auto& piece : buckets_[index].pieces) piece.owned = unit->shard().narrow(0, piece.at, piece.size());
        }
    }
    void sum_squares(std::map<std::string, double>& squares) const override {
        for (auto const& parameter : parameters())
            squares[model_of(parameter.name)] += 0.0;  // one name each everywhere
        at::Tensor all = at::zeros({static_cast<std::int64_t>(squares.size())}, at::kDouble);
        auto* next = all.mutable_data_ptr<double>();
        for (auto const& [model, square] : squares) *next++ = square;
        world_->all_reduce_sum(all);
        next = all.mutable_data_ptr<double>();
        for (auto& [model, square] : squares) square = *next++;
    }

    /// Counts a bucket's gradients as they become whole, and sends the bucket off when it has all of them.
    class on_gradient final : public torch::autograd::PostAccumulateGradHook {
       public:
        on_gradient(distributed_optimizer& self, std::size_t bucket) : self_(self), bucket_(bucket) {}
        void operator()(at::Tensor const&) override { self_.arrived(bucket_); }

       private:
        distributed_optimizer& self_;
        std::size_t bucket_;
    };
    void listen() {
        for (std::size_t i = 0; i < buckets_.size(); ++i)
            for (auto const& member : buckets_[i].members)
                torch::autograd::impl::set_post_acc_grad_hooks(member.of.tensor,
                                                               std::make_unique<on_gradient>(*this, i));
    }
    /// Buckets go off in one order on all processes, whatever order backward fills them in.
    void arrived(std::size_t index) {
        if (!is_reducing_) return;
        at::NoGradGuard const no_gradient;
        if (index < next_) throw std::logic_error("a gradient was added to after its bucket was sent");
        ++buckets_[index].arrived;
        while (next_ < buckets_.size() && buckets_[next_].arrived == buckets_[next_].members.size()) send_next();
    }
    /// Sends a bucket off, once the one before the last has arrived: two of them are there whole, and not all.
    void send_next() {
        if (next_ >= under_way_at_most) finish(buckets_[next_ - under_way_at_most]);
        start(buckets_[next_++]);
    }
    void start(parameter_bucket& bucket) const {
        auto const options = bucket.members.front().of.tensor.options().requires_grad(false);
        bucket.staging = at::zeros({bucket.padded}, options);
        for (auto const& member : bucket.members) {
            auto& gradient = member.of.tensor.mutable_grad();
            if (!gradient.defined()) continue;
            bucket.staging.narrow(0, member.at, member.of.tensor.numel()).copy_(gradient.reshape({-1}));
            gradient.reset();
        }
        bucket.staging = bucket.staging.view({world_->world_size(), -1});
        bucket.arriving = at::empty({bucket.slice()}, options);
        bucket.under_way = world_->start_reduce_scatter_sum(bucket.staging, bucket.arriving);
    }
    void finish(parameter_bucket& bucket) const {
        bucket.under_way.wait();
        bucket.arriving.div_(static_cast<double>(world_->world_size()));
        if (bucket.reduced.defined()) bucket.reduced.add_(bucket.arriving);
        else bucket.reduced = bucket.arriving;
        bucket.arriving.reset();
        bucket.staging.reset();
    }
    void gather_gradients(parameter_bucket& bucket) const {
        auto const all = world_->all_gather(bucket.reduced).reshape({-1});
        for (auto const& member : bucket.members)
            member.of.tensor.mutable_grad() =
                all.narrow(0, member.at, member.of.tensor.numel()).view(member.of.tensor.sizes());
        bucket.reduced.reset();
    }
    void start_gathering(parameter_bucket& bucket) const {
        auto const options = bucket.members.front().of.tensor.options().requires_grad(false);
        bucket.arriving = at::zeros({bucket.slice()}, options);
        for (auto const& piece : bucket.pieces) bucket.arriving.narrow(0, piece.at, piece.size()).copy_(piece.owned);
        bucket.staging = at::empty({world_->world_size(), bucket.slice()}, options);
        bucket.under_way = world_->start_all_gather(bucket.arriving, bucket.staging);
    }
    void finish_gathering(parameter_bucket& bucket) const {
        bucket.under_way.wait();
        auto const all = bucket.staging.view({-1});
        for (auto const& member : bucket.members)
            member.of.tensor.detach().view({-1}).copy_(all.narrow(0, member.at, member.of.tensor.numel()));
        bucket.arriving.reset();
        bucket.staging.reset();
    }

    static constexpr std::size_t under_way_at_most = 2;

    std::shared_ptr<communicator> world_;
    sharding mode_;
    parameter_units units_;
    mutable std::vector<parameter_bucket> buckets_;
    std::shared_ptr<optimizer> inner_;
    bool is_torn_ = false;              // a step has begun and not ended
    std::size_t next_ = 0;              // the bucket that goes off next
    bool is_reducing_ = false;          // whether this backward pass sends gradients
    mutable bool has_reduced_ = false;  // whether the step's gradients are averaged already
};

}  // namespace proximal::lm
