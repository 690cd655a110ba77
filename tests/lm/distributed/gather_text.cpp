// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/lm/distributed/gather_text.hpp>

#include "../../support/thread_communicator.hpp"

using namespace proximal::lm;

TEST_CASE("gather_text: any bytes of any length, in the processes' order; one shared; names once") {
    std::vector<std::vector<std::string>> texts(3), names(3);
    std::vector<std::string> shared(3);
    support::as_processes(3, [&](auto const& world) {
        auto const rank = static_cast<std::size_t>(world->rank());
        std::string const own = rank == 1 ? std::string() : std::string("a\0b\n", 4) + std::string(rank * 10, 'x');
        texts[rank] = gather_text(own, *world);
        shared[rank] = share_text(own, *world, 2);
        names[rank] = gather_names(rank == 0 ? std::vector<std::string>{"kl", "loss"}
                                             : std::vector<std::string>{"loss", "own/" + std::to_string(rank)},
                                   *world);
    });
    for (std::size_t rank = 0; rank < 3; ++rank) {
        CHECK(texts[rank] ==
              std::vector<std::string>{std::string("a\0b\n", 4), "", std::string("a\0b\n", 4) + std::string(20, 'x')});
        CHECK(shared[rank] == texts[0][2]);
        CHECK(names[rank] == std::vector<std::string>{"kl", "loss", "own/1", "own/2"});
    }
    single_process alone;
    CHECK(gather_text("x", alone) == std::vector<std::string>{"x"});
    support::as_processes(2, [&](auto const& world) {
        CHECK(gather_text("", *world) == std::vector<std::string>{"", ""});
    });
}
