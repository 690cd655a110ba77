// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <proximal/lm/distributed/communicator.hpp>
#include <proximal/run/launch.hpp>
#include <string>
#include <utility>

namespace proximal::lm {

/// How the processes of a run talk.
struct communication_options {
    std::chrono::seconds timeout{1800};           // of a collective: --ddp_timeout
    std::chrono::milliseconds heartbeat{10'000};  // silence after which a process counts as lost; 0: never
    std::string backend{};                        // --ddp_backend: "gloo" or "nccl"; empty: nccl on a GPU
    bool checks_collectives = false;  // whether all processes are asked if they make the same call: for debugging
};

/// Where the processes that a launcher started find each other: see c10d_rendezvous.
class rendezvous {
   public:
    virtual ~rendezvous() = default;
    /// What the launcher told this process.
    virtual run::launch const& launched() const = 0;
    /// The communicator of all processes, for tensors on the CPU and on this process's device. All call it, once.
    virtual std::shared_ptr<communicator> open(at::Device device, communication_options const& options) = 0;
    /// Tells the others that this process ends because of an error, and whether it is this one that says so to the
    /// user: of processes with the same error the first one does.
    virtual bool tells(std::string const& error) = 0;
    /// Tells the others that this process is done.
    virtual void leave() = 0;
};

/// A process that nobody launched with others.
class no_rendezvous final : public rendezvous {
   public:
    explicit no_rendezvous(run::launch launch = {}) : launch_(std::move(launch)) {}
    run::launch const& launched() const override { return launch_; }
    std::shared_ptr<communicator> open(at::Device, communication_options const&) override {
        return std::make_shared<single_process>();
    }
    bool tells(std::string const&) override { return true; }
    void leave() override {}

   private:
    run::launch launch_;
};

}  // namespace proximal::lm
