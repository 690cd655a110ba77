// SPDX-License-Identifier: Apache-2.0
#include "../../support/gloo_processes.hpp"

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include <torch/csrc/autograd/autograd.h>
#include <proximal/libtorch/device.hpp>
#include <proximal/lm/train/adamw.hpp>
#include <proximal/lm/train/distributed_optimizer.hpp>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include <catch2/catch.hpp>  // last: LibTorch has a CHECK of its own

using namespace proximal;
using namespace proximal::lm;

namespace {

std::uint16_t a_free_port() {
    int const listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof address;
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    bool const is_found = ::bind(listener, where, size) == 0 && ::getsockname(listener, where, &size) == 0;
    ::close(listener);
    return is_found ? ntohs(address.sin_port) : 0;
}

/// What every communicator promises, of tensors on a device.
void check_collectives(communicator& world, at::Device device) {
    auto const rank = world.rank(), size = world.world_size();
    auto const options = at::TensorOptions(at::kFloat).device(device);
    at::Tensor x = at::arange(4, options).view({2, 2}) + static_cast<double>(rank);
    at::Tensor sum = x.clone(), largest = x.clone();
    world.all_reduce_sum(sum);
    world.all_reduce_max(largest);
    auto const offsets = static_cast<double>(size * (size - 1)) / 2.0;
    CHECK(at::equal(sum, at::arange(4, options).view({2, 2}) * static_cast<double>(size) + offsets));
    CHECK(at::equal(largest, at::arange(4, options).view({2, 2}) + static_cast<double>(size - 1)));
    at::Tensor column = at::arange(4, options).view({2, 2}).t();  // not contiguous: what is copied comes back
    world.all_reduce_sum(column);
    CHECK(at::equal(column, at::arange(4, options).view({2, 2}).t() * static_cast<double>(size)));

    auto const all = world.all_gather(at::full({2}, rank, options.dtype(at::kLong)));
    for (std::int64_t r = 0; r < size; ++r) CHECK(all[r].eq(r).all().item<bool>());
    auto const flags = world.all_gather(at::full({}, rank == 0, options.dtype(at::kBool)));
    CHECK((flags[0].item<bool>() && flags.sum().item<std::int64_t>() == 1));

    at::Tensor const parts = at::arange(size * 3, options).view({size, 3}) * static_cast<double>(rank + 1);
    auto const own = world.reduce_scatter_sum(parts);
    CHECK(at::equal(own, at::arange(size * 3, options).view({size, 3})[rank] * (offsets + static_cast<double>(size))));
    at::Tensor into = at::empty({size, 3}, options), slice = at::empty({3}, options);
    auto gathering = world.start_all_gather(own, into);
    auto reducing = world.start_reduce_scatter_sum(parts, slice);
    gathering.wait();
    reducing.wait();
    reducing.wait();
    CHECK(at::equal(slice, own));
    CHECK(at::equal(into[rank], own));

    at::Tensor told = at::full({2, 2}, static_cast<double>(rank + 5), options);
    world.broadcast(told, size - 1);
    CHECK(told.eq(static_cast<double>(size + 4)).all().item<bool>());
    world.barrier();
}

/// A step of a distributed optimizer on a device, as each mode takes it.
at::Tensor after_a_step(std::shared_ptr<communicator> const& world, at::Device device, sharding mode) {
    std::vector<named_tensor> parameters;
    for (std::int64_t const n : {5, 300, 7})
        parameters.push_back({"policy.p" + std::to_string(n), parameter_kind::matrix,
                              at::linspace(-1, 1, n, at::TensorOptions(at::kFloat).device(device)).requires_grad_()});
    distributed_optimizer optimizer(parameters, world, mode, 1024, [](std::vector<named_tensor> part) {
        return std::make_shared<adamw>(part, adamw_options{});
    });
    at::Tensor loss = at::zeros({}, at::TensorOptions(at::kFloat).device(device));
    for (auto const& parameter : parameters)
        loss = loss + parameter.tensor.square().sum() * static_cast<double>(world->rank() + 1);
    optimizer.begin_backward(true);
    torch::autograd::backward({loss}, {});
    optimizer.end_backward();
    optimizer.average_gradients(*world);
    optimizer.step(0.1);
    std::vector<at::Tensor> all;
    for (auto const& parameter : parameters) all.push_back(parameter.tensor.detach());
    return at::cat(all).cpu();
}

}  // namespace

TEST_CASE("c10d_communicator: Gloo keeps every promise, of one, two and three processes") {
    for (int const size : {1, 2, 3})
        support::with_gloo(size, [&](auto const& group, int) {
            auto const world = std::make_shared<c10d_communicator>(group);
            check_collectives(*world, at::kCPU);
            CHECK(at::equal(after_a_step(world, at::kCPU, sharding::zero2),
                            after_a_step(world, at::kCPU, sharding::none)));
        });
}

TEST_CASE("c10d_communicator: a collective that takes longer than --ddp_timeout ends in a sentence") {
    support::with_gloo(2, [&](auto const& group, int rank) {
        c10d_communicator world(group);
        world.barrier();
        if (rank == 1) return std::this_thread::sleep_for(std::chrono::seconds(4));
        group->setTimeout(std::chrono::seconds(1));
        std::string said;
        try {
            world.barrier();
        } catch (lost_process const& lost) {
            said = lost.what();
        }
        CHECK_THAT(said, Catch::StartsWith("a collective took longer than --ddp_timeout"));
    });
}

TEST_CASE("c10d_rendezvous: of processes that end with one error the first alone says it, however soon it is gone") {
    for (int repeat = 0; repeat < 10; ++repeat) {
        auto const port = a_free_port();
        REQUIRE(port != 0);
        std::array<std::atomic<int>, 3> speaks{};
        std::vector<std::thread> running;
        for (int rank = 0; rank < 3; ++rank)
            running.emplace_back([&, rank] {
                run::launch launch;
                launch.rank = rank;
                launch.world_size = 3;
                launch.master_addr = "127.0.0.1";
                launch.master_port = port;
                c10d_rendezvous own(launch);
                auto const& error = rank == 2 && repeat == 9 ? "another error" : "--seed differs";
                speaks[static_cast<std::size_t>(rank)] = own.tells(error);
            });  // process 0's store ends here
        for (auto& thread : running) thread.join();
        CHECK(speaks[0] == 1);
        CHECK(speaks[1] == 0);
        CHECK(speaks[2] == (repeat == 9));
    }
}

TEST_CASE("c10d_rendezvous: one that ends before it is connected is named within its time, not after the patience") {
    auto const port = a_free_port();
    REQUIRE(port != 0);
    auto const launch_of = [&](int rank) {
        run::launch launch;
        launch.rank = rank;
        launch.world_size = 2;
        launch.master_addr = "127.0.0.1";
        launch.master_port = port;
        return launch;
    };
    auto const begun = std::chrono::steady_clock::now();
    std::thread dying([&] {
        c10d_rendezvous other(launch_of(1));
        other.tells("the disk is full");  // before open()
    });
    std::string said;
    {
        c10d_rendezvous own(launch_of(0), std::chrono::seconds(8));
        try {
            own.open(at::kCPU, {.heartbeat = std::chrono::milliseconds(1000)});
        } catch (std::exception const& error) {
            said = error.what();
        }
        own.tells(said);
    }
    dying.join();
    CHECK_FALSE(said.empty());
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));
}

TEST_CASE("heartbeat: one that failed, and one that is silent, are named with what is known; one that is done is not") {
    auto const store = c10::make_intrusive<c10d::HashStore>();
    auto const soon = std::chrono::milliseconds(2000);
    heartbeat watching(store, 0, 3, soon);
    heartbeat failing(store, 2, 3, soon);
    {
        heartbeat done(store, 1, 3, soon);
        done.at_update(4);
    }
    failing.leave("failed: the judge died");
    CHECK(watching.loss() == "process 2 ended: the judge died");
    watching.leave("done");

    c10::intrusive_ptr<c10d::Store> const other = c10::make_intrusive<c10d::HashStore>();
    other->set("beat/1", "7 12 somewhere pid 99");  // and no more
    heartbeat alone(other, 0, 2, soon);
    CHECK_THAT(alone.loss(),
               Catch::StartsWith("process 1 (somewhere pid 99) has not been heard of for 2 s, since update 12"));
    alone.leave("done");
    CHECK(other->get_to_str("verdict").find("process 1") == 0);

    auto const begun = std::chrono::steady_clock::now();  // one that may still start is waited for longer
    heartbeat patient(c10::make_intrusive<c10d::HashStore>(), 0, 2, std::chrono::milliseconds(500),
                      std::chrono::milliseconds(2000));
    std::string said;
    while (said.empty() && std::chrono::steady_clock::now() - begun < std::chrono::seconds(10)) said = patient.loss();
    CHECK(said == "process 1 was never heard of");
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(1900));
    patient.leave("done");
}

TEST_CASE("gpu: NCCL keeps every promise, of one process; and Gloo of two, by way of the host") {
    auto const device = libtorch::choose_device(false);
    if (device.is_cpu()) {
        WARN("SKIPPED: no NVIDIA GPU on this machine");
        return;
    }
    auto const store = c10::make_intrusive<c10d::HashStore>();
    auto const gloo_options = c10d::ProcessGroupGloo::Options::create(std::chrono::seconds(60));
    gloo_options->devices = {c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")};
    auto const gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(store, 0, 1, gloo_options);
    auto const world = std::make_shared<c10d_communicator>(gloo, nccl_group(store, 0, 1, std::chrono::seconds(60)));
    check_collectives(*world, device);
    check_collectives(*world, at::kCPU);
    auto const on_cpu = after_a_step(world, at::kCPU, sharding::none);
    for (auto const mode : {sharding::none, sharding::zero1, sharding::zero2})
        CHECK(at::allclose(after_a_step(world, device, mode), on_cpu, 1e-5, 1e-6));
    support::with_gloo(2, [&](auto const& group, int) {
        auto const both = std::make_shared<c10d_communicator>(group);
        check_collectives(*both, device);
        CHECK(at::allclose(after_a_step(both, device, sharding::zero2), after_a_step(both, at::kCPU, sharding::zero2),
                           1e-5, 1e-6));
    });
}
