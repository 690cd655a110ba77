// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/lm/distributed/heartbeat.hpp>
#include <proximal/lm/distributed/lost_process.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Processes that talk through c10d, as PyTorch's do: Gloo for tensors on the CPU, NCCL for those on a GPU.
///
/// On the CPU a reduce-scatter sends each process its slices and adds them up there in the processes' order: the sum
/// does not depend on how tensors are cut.
/// Throws lost_process where a collective fails because another process is gone.
class c10d_communicator final : public communicator {
   public:
    using group = c10::intrusive_ptr<c10d::Backend>;

    /// `gpu` may be null: then tensors on a GPU are sent by way of the host. `beats` may be null: then nobody says who
    /// is lost.
    c10d_communicator(group cpu, group gpu = {}, std::shared_ptr<heartbeat> beats = {})
        : cpu_(std::move(cpu)), gpu_(std::move(gpu)), beats_(std::move(beats)) {}

    c10d_communicator(c10d_communicator const&) = delete;
    c10d_communicator& operator=(c10d_communicator const&) = delete;
    ~c10d_communicator() override {
        try {
            if (gpu_) gpu_->shutdown();
        } catch (std::exception const&) {  // its processes are gone
        }
    }

    std::int64_t rank() const override { return cpu_->getRank(); }
    std::int64_t world_size() const override { return cpu_->getSize(); }

    void all_reduce_sum(at::Tensor& x) override { all_reduce(x, c10d::ReduceOp::SUM); }
    void all_reduce_max(at::Tensor& x) override { all_reduce(x, c10d::ReduceOp::MAX); }
    at::Tensor all_gather(at::Tensor const& x) override {
        auto shape = x.sizes().vec();
        shape.insert(shape.begin(), world_size());
        at::Tensor const all = at::empty(shape, x.options().requires_grad(false));
        start_all_gather(x.detach().contiguous(), all).wait();
        return all;
    }
    at::Tensor reduce_scatter_sum(at::Tensor const& x) override {
        at::Tensor const own = at::empty_like(x.select(0, 0), at::MemoryFormat::Contiguous);
        start_reduce_scatter_sum(x.contiguous(), own).wait();
        return own;
    }
    void broadcast(at::Tensor& x, std::int64_t root) override {
        at::Tensor whole = bytes_of(placed(x.detach()).contiguous());
        c10d::BroadcastOptions options;
        options.rootRank = static_cast<int>(root);
        finish([&] {
            std::vector<at::Tensor> tensors{whole};
            return of(whole).broadcast(tensors, options);
        });
        if (!whole.is_alias_of(x)) x.detach().copy_(whole.view(x.scalar_type()).view(x.sizes()));
        else x.unsafeGetTensorImpl()->bump_version();  // c10d writes into it behind autograd's back
    }
    void barrier() override {
        at::Tensor here = at::zeros({}, at::kLong);
        all_reduce_sum(here);
    }
    pending start_all_gather(at::Tensor const& x, at::Tensor into) override {
        at::Tensor from = bytes_of(placed(x).view({-1})), to = bytes_of(place_for(into).view({-1}));
        auto const work = begin([&] { return of(from)._allgather_base(to, from); });
        return pending([this, work, from, to, into] {
            finish([&] { return work; });
            if (!to.is_alias_of(into)) into.copy_(to.view(into.scalar_type()).view(into.sizes()));
        });
    }
    pending start_reduce_scatter_sum(at::Tensor const& x, at::Tensor into) override {
        at::Tensor from = placed(x).view({-1});
        if (!from.is_cpu()) {
            at::Tensor to = into.view({-1});
            auto const work = begin([&] { return of(from)._reduce_scatter_base(to, from); });
            return pending([this, work, from, to] { finish([&] { return work; }); });
        }
        at::Tensor slices = at::empty_like(from);
        std::vector<std::int64_t> equal;
        auto const work = begin([&] { return of(from).alltoall_base(slices, from, equal, equal); });
        return pending([this, work, from, slices, into] {
            finish([&] { return work; });
            auto const parts = slices.view({world_size(), -1});
            at::Tensor const sum = parts[0];
            for (std::int64_t rank = 1; rank < world_size(); ++rank) sum.add_(parts[rank]);
            into.view({-1}).copy_(sum);
        });
    }
    void at_update(std::int64_t update) override {
        if (beats_) beats_->at_update(update);
    }

   private:
    c10d::Backend& of(at::Tensor const& x) const { return x.is_cpu() ? *cpu_ : *gpu_; }
    /// A tensor where it can be sent from, and one that can be received into.
    at::Tensor placed(at::Tensor const& x) const { return x.is_cpu() || gpu_ ? x : x.cpu(); }
    at::Tensor place_for(at::Tensor const& x) const {
        return x.is_cpu() || gpu_ ? x : at::empty(x.sizes(), x.options().device(at::kCPU));
    }
    /// Not every backend sends booleans.
    static at::Tensor bytes_of(at::Tensor const& x) { return x.scalar_type() == at::kBool ? x.view(at::kByte) : x; }
    void all_reduce(at::Tensor& x, c10d::ReduceOp const& how) {
        at::Tensor whole = placed(x.detach()).contiguous();
        c10d::AllreduceOptions options;
        options.reduceOp = how;
        finish([&] {
            std::vector<at::Tensor> tensors{whole};
            return of(whole).allreduce(tensors, options);
        });
        if (!whole.is_alias_of(x)) x.detach().copy_(whole);
        else x.unsafeGetTensorImpl()->bump_version();
    }
    template <class Start>
    c10::intrusive_ptr<c10d::Work> begin(Start const& start) const {
        try {
            return start();
        } catch (std::exception const& error) {
            fail(error);
        }
    }
    template <class Start>
    void finish(Start const& start) const {
        try {
            start()->wait();
        } catch (std::exception const& error) {
            fail(error);
        }
    }
    /// Says who is gone; where nobody is, what the library said is the best there is.
    [[noreturn]] void fail(std::exception const& error) const {
        auto const loss = beats_ ? beats_->loss() : std::string();
        if (!loss.empty()) throw lost_process(loss);
        std::string said = error.what();
        said = said.substr(0, said.find('\n'));
        if (said.find("imed out") != std::string::npos)
            throw lost_process(
                "a collective took longer than --ddp_timeout, though all processes are heard of: one of "
                "them does something else, or the network is too slow");
        throw lost_process("the connection between the processes broke (" + said + ")");
    }

    group cpu_, gpu_;
    std::shared_ptr<heartbeat> beats_;
};

}  // namespace proximal::lm
