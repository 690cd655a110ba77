// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <c10/util/Logging.h>
#include <c10/util/intrusive_ptr.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

// LibTorch's wheel is built with Gloo, and only its own CMake files say so.
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <proximal/lm/distributed/c10d_communicator.hpp>
#include <proximal/lm/distributed/checking_communicator.hpp>
#include <proximal/lm/distributed/heartbeat.hpp>
#include <proximal/lm/distributed/nccl_group.hpp>
#include <proximal/lm/distributed/rendezvous.hpp>
#include <proximal/run/launch.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace proximal::lm {

/// Processes find each other through c10d's TCPStore, as PyTorch's do: torchrun's agent serves it where it says so
/// (TORCHELASTIC_USE_AGENT_STORE), else process 0 does. What is kept there has the restart's number and the number of
/// processes in front, so that nothing of an attempt that failed is read.
///
/// Throws std::runtime_error where the store's port is taken, or nobody answers there within `patience`.
class c10d_rendezvous final : public rendezvous {
   public:
    explicit c10d_rendezvous(run::launch launch, std::chrono::seconds patience = std::chrono::seconds(60))
        : launch_(std::move(launch)), patience_(patience) {
        // c10d warns, with pages of addresses, of what is said here in a sentence.
        if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = 2;  // errors
        store_ = connect(launch_.rank == 0 && !launch_.agent_store);
    }

    run::launch const& launched() const override { return launch_; }

    std::shared_ptr<communicator> open(at::Device device, communication_options const& options) override {
        if (options.backend == "nccl" && device.is_cpu())
            throw std::invalid_argument(
                "--ddp_backend nccl is for GPUs, and this run is on the CPU: leave it out, or "
                "leave --use_cpu out");
        auto const rank = static_cast<int>(launch_.rank), world = static_cast<int>(launch_.world_size);
        auto const timeout = std::chrono::milliseconds(options.timeout);
        auto const gloo_options = c10d::ProcessGroupGloo::Options::create(timeout);
        gloo_options->devices = {gloo_device()};
        gloo_options->timeout = std::min<std::chrono::milliseconds>(timeout, patience_);  // of connecting
        // From here on one that dies is noticed, while the others still wait to be connected with it.
        beats_ =
            std::make_shared<heartbeat>(connect(false), launch_.rank, launch_.world_size, options.heartbeat, patience_);
        c10::intrusive_ptr<c10d::Backend> gloo, gpu;
        try {
            gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store_),
                                                               rank, world, gloo_options);
        } catch (std::exception const&) {
            if (auto const gone = beats_->known_loss(); !gone.empty()) throw std::runtime_error(gone);
            throw std::runtime_error(
                "the processes cannot reach each other directly, though all know " + launch_.master_addr +
                ": name the network interface in GLOO_SOCKET_IFNAME, or open the ports between the "
                "machines");
        }
        gloo->setTimeout(timeout);
        if (!device.is_cpu() && options.backend != "gloo")
            gpu = nccl_group(c10::make_intrusive<c10d::PrefixStore>("nccl", store_), rank, world, timeout);
        std::shared_ptr<communicator> opened = std::make_shared<c10d_communicator>(gloo, gpu, beats_);
        if (options.checks_collectives) opened = std::make_shared<checking_communicator>(opened);
        opened->barrier();
        return opened;
    }

    bool tells(std::string const& error) override {
        try {
            store_->set("error/" + std::to_string(launch_.rank), error);
            if (beats_) beats_->leave("failed: " + error);
            if (launch_.rank == 0) {
                // The store ends with the process that serves it: the others decide first, or have died.
                if (!launch_.agent_store) linger("heard/", std::chrono::seconds(10));
                return true;
            }
            bool const is_first = is_first_with(error);
            store_->set("heard/" + std::to_string(launch_.rank), "done");
            return is_first;
        } catch (std::exception const&) {  // the store is gone: each speaks for itself
        }
        return true;
    }
    void leave() override {
        try {
            if (beats_) beats_->leave("done");
            store_->set("left/" + std::to_string(launch_.rank), "done");
            if (launch_.rank == 0 && !launch_.agent_store) linger("left/", std::chrono::seconds(10));
        } catch (std::exception const&) {}
    }

   private:
    /// Whether no process before this one ends with the same error: waits some seconds for those that still run.
    bool is_first_with(std::string const& error) const {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        std::vector<std::string> silent;
        for (std::int64_t rank = 0; rank < launch_.rank; ++rank) silent.push_back("error/" + std::to_string(rank));
        while (!silent.empty() && std::chrono::steady_clock::now() < until) {
            bool is_theirs = false;
            std::erase_if(silent, [&](std::string const& key) {
                if (!store_->check({key})) return false;
                auto const other = store_->get_to_str(key);  // "process 1 ended: ..." tells of this one's error
                is_theirs |= error.ends_with(other) || other.ends_with(error);
                return true;
            });
            if (is_theirs) return false;
            if (!silent.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return true;
    }
    c10::intrusive_ptr<c10d::Store> connect(bool serves) const {
        auto const where = launch_.master_addr + ":" + std::to_string(launch_.master_port);
        c10d::TCPStoreOptions options;
        options.port = static_cast<std::uint16_t>(launch_.master_port);
        options.isServer = serves;
        options.numWorkers = static_cast<std::size_t>(launch_.world_size);
        options.waitWorkers = false;
        options.timeout = patience_;
        try {
            c10::intrusive_ptr<c10d::Store> const store =
                c10::make_intrusive<c10d::TCPStore>(launch_.master_addr, options);
            return c10::make_intrusive<c10d::PrefixStore>(
                "proximal/" + std::to_string(launch_.restart_count) + "/" + std::to_string(launch_.world_size), store);
        } catch (std::exception const& error) {
            std::string const said = error.what();
            if (serves && (said.find("EADDRINUSE") != std::string::npos || said.find("in use") != std::string::npos))
                throw std::runtime_error("the port " + where +
                                         " at which the processes would meet is in use: choose another one "
                                         "(torchrun --master-port, or MASTER_PORT)");
            throw std::runtime_error("nobody answers at " + where + ", where the processes would meet, within " +
                                     std::to_string(patience_.count()) + " s: start all " +
                                     std::to_string(launch_.world_size) +
                                     " processes, name process 0's machine in MASTER_ADDR, and open the port");
        }
    }
    /// Where others reach this process: the interfaces that GLOO_SOCKET_IFNAME names, else the address from which
    /// process 0's is reached.
    std::shared_ptr<gloo::transport::Device> gloo_device() const {
        if (auto const* const named = std::getenv("GLOO_SOCKET_IFNAME"); named != nullptr && *named != '\0') {
            std::string const first(named, std::string(named).find(','));
            return c10d::ProcessGroupGloo::createDeviceForInterface(first);
        }
        auto const own = address_towards(launch_.master_addr, launch_.master_port);
        return own.empty() ? c10d::ProcessGroupGloo::createDefaultDevice()
                           : c10d::ProcessGroupGloo::createDeviceForHostname(own);
    }
    static std::string address_towards(std::string const& host, std::int64_t port) {
        addrinfo hints{};
        hints.ai_socktype = SOCK_DGRAM;
        addrinfo* found = nullptr;
        if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
        std::string own;
        for (auto const* each = found; each != nullptr && own.empty(); each = each->ai_next) {
            int const socket = ::socket(each->ai_family, each->ai_socktype, each->ai_protocol);
            if (socket < 0) continue;
            sockaddr_storage address{};
            socklen_t size = sizeof address;
            char text[NI_MAXHOST] = "";
            if (::connect(socket, each->ai_addr, each->ai_addrlen) == 0 &&  // sends nothing: it picks an address
                ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
                ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, text, sizeof text, nullptr, 0,
                              NI_NUMERICHOST) == 0)
                own = text;
            ::close(socket);
        }
        ::freeaddrinfo(found);
        return own;
    }
    void linger(std::string const& prefix, std::chrono::seconds most) const {
        auto const until = std::chrono::steady_clock::now() + most;
        std::vector<std::string> keys;
        for (std::int64_t rank = 1; rank < launch_.world_size; ++rank) keys.push_back(prefix + std::to_string(rank));
        while (!keys.empty() && std::chrono::steady_clock::now() < until && !store_->check(keys))
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }

    run::launch launch_;
    std::chrono::seconds patience_;
    c10::intrusive_ptr<c10d::Store> store_;
    std::shared_ptr<heartbeat> beats_;
};

/// The rendezvous that a launch calls for: none for a process on its own.
inline std::unique_ptr<rendezvous> make_rendezvous(run::launch const& launch) {
    if (launch.world_size == 1) return std::make_unique<no_rendezvous>(launch);
    return std::make_unique<c10d_rendezvous>(launch);
}

}  // namespace proximal::lm
