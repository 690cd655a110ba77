// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/distributed/checking_communicator.hpp>

#include "../../support/thread_communicator.hpp"

using namespace proximal::lm;

TEST_CASE("checking_communicator: processes out of step are told on all of them, with what each calls") {
    auto const told = [](auto const& first, auto const& second) {
        std::vector<std::string> said(2);
        support::as_processes(2, [&](auto const& world) {
            checking_communicator checked(world);
            at::Tensor x = at::ones({3}, at::kDouble);
            checked.all_reduce_sum(x);
            CHECK(at::equal(x, at::full({3}, 2.0, at::kDouble)));
            try {
                world->rank() == 0 ? first(checked) : second(checked);
            } catch (std::logic_error const& error) {
                said[static_cast<std::size_t>(world->rank())] = error.what();
            }
        });
        CHECK(said[0] == said[1]);
        return said[0];
    };
    auto const gather = [](std::int64_t size, at::ScalarType dtype) {
        return [=](communicator& world) { world.all_gather(at::ones({size}, dtype)); };
    };
    auto const reduce = [](communicator& world) {
        at::Tensor x = at::ones({4}, at::kFloat);
        world.all_reduce_max(x);
    };
    CHECK(told(gather(4, at::kFloat), gather(4, at::kFloat)).empty());
    CHECK(told(gather(4, at::kFloat), reduce) ==
          "the processes are out of step: process 0 calls all_gather #2 of Float [4], process 1 all_reduce_max #2 of "
          "Float [4]");
    CHECK_THAT(told(gather(4, at::kFloat), gather(5, at::kFloat)), Catch::Contains("Float [5]"));
    CHECK_THAT(told(gather(4, at::kFloat), gather(4, at::kDouble)), Catch::Contains("Double [4]"));
}
