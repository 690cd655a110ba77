// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <barrier>
#include <memory>
#include <mutex>
#include <proximal/lm/distributed/communicator.hpp>
#include <thread>
#include <vector>

namespace support {

/// Processes that are threads of the test: each collective waits for all, as real ones do. One runs at a time, up to
/// its next collective: Catch's checks are for one thread.
class thread_communicator final : public proximal::lm::communicator {
   public:
    struct meeting {
        explicit meeting(std::int64_t size) : gate(size), sent(static_cast<std::size_t>(size)) {}
        std::barrier<> gate;
        std::mutex turn{};
        std::vector<at::Tensor> sent;
    };
    thread_communicator(std::shared_ptr<meeting> meeting, std::int64_t rank)
        : meeting_(std::move(meeting)), rank_(rank) {}

    std::int64_t rank() const override { return rank_; }
    std::int64_t world_size() const override { return std::ssize(meeting_->sent); }
    void all_reduce_sum(at::Tensor& x) override { x.copy_(at::stack(exchange(x)).sum(0)); }
    void all_reduce_max(at::Tensor& x) override { x.copy_(at::stack(exchange(x)).amax(0)); }
    at::Tensor all_gather(at::Tensor const& x) override { return at::stack(exchange(x)); }
    at::Tensor reduce_scatter_sum(at::Tensor const& x) override {
        return at::stack(exchange(x)).sum(0).select(0, rank_);
    }
    void broadcast(at::Tensor& x, std::int64_t root) override { x.copy_(exchange(x)[static_cast<std::size_t>(root)]); }
    void barrier() override {
        meeting_->turn.unlock();
        meeting_->gate.arrive_and_wait();
        meeting_->turn.lock();
    }

   private:
    std::vector<at::Tensor> exchange(at::Tensor const& x) {
        meeting_->sent[static_cast<std::size_t>(rank_)] = x.clone();
        barrier();
        auto const all = meeting_->sent;
        barrier();
        return all;
    }
    std::shared_ptr<meeting> meeting_;
    std::int64_t rank_;
};

/// Runs body(communicator) as each of `size` processes.
template <class Body>
void as_processes(std::int64_t size, Body const& body) {
    auto const meeting = std::make_shared<thread_communicator::meeting>(size);
    std::vector<std::thread> running;
    for (std::int64_t rank = 0; rank < size; ++rank)
        running.emplace_back([&, rank] {
            std::scoped_lock const turn(meeting->turn);
            body(std::make_shared<thread_communicator>(meeting, rank));
        });
    for (auto& thread : running) thread.join();
}

}  // namespace support
